//! A document as it is written: values with their spelling and the comments around them.

/// A line (or the rest of one) for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comment {
    /// From `#` on, without spaces at the end.
    pub(super) text: String,
    /// The byte at which it begins.
    pub(super) start: usize,
    /// Its column, in bytes.
    pub(super) column: usize,
    /// Whether nothing else stands on its line.
    pub(super) own_line: bool,
    /// Whether the line above is blank.
    pub(super) blank: bool,
}

/// A whole document.
#[derive(Debug)]
pub(super) struct Document {
    /// The comments before a `---`, where there is one.
    pub(super) head: Option<Vec<Comment>>,
    pub(super) root: Tree,
    /// The comments after everything.
    pub(super) foot: Vec<Comment>,
}

/// A value.
#[derive(Debug)]
pub(super) struct Tree {
    /// The name by which aliases refer to it, with its `&`.
    pub(super) anchor: Option<String>,
    pub(super) content: Content,
    /// The first byte.
    pub(super) start: usize,
    /// The byte behind the last.
    pub(super) end: usize,
    /// The comment behind it, on the same line.
    pub(super) trailing: Option<String>,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Content {
    /// Nothing at all, which means null.
    Nothing,
    /// A scalar on one line, or an alias: its spelling.
    Plain(String),
    /// A scalar on several lines, without quotes or in quotes: its lines.
    Lines(Vec<String>),
    /// A block scalar.
    Block(Block),
    /// An object.
    Map(Layout, Vec<Entry>, Vec<Comment>),
    /// A list.
    List(Layout, Vec<Item>, Vec<Comment>),
}

/// How a list or an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One line or more for each member.
    Block,
    /// In brackets; whether it began a new line behind the first of them.
    Flow { open: bool },
}

/// A block scalar.
#[derive(Debug)]
pub(super) struct Block {
    /// `|` or `>`
    pub(super) style: char,
    /// `-`, `+` or nothing.
    pub(super) chomp: Option<char>,
    /// Whether its indentation is said by a digit.
    pub(super) explicit: bool,
    /// The comment behind its header.
    pub(super) comment: Option<String>,
    /// Its lines without their indentation.
    pub(super) lines: Vec<String>,
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Entry {
    /// The comments above it.
    pub(super) before: Vec<Comment>,
    /// Whether a blank line stands above its key.
    pub(super) blank: bool,
    pub(super) key: Tree,
    /// The comment behind the key, where the value begins on another line.
    pub(super) header: Option<String>,
    pub(super) value: Tree,
}

/// An item of a list.
#[derive(Debug)]
pub(super) struct Item {
    /// The comments above it.
    pub(super) before: Vec<Comment>,
    /// Whether a blank line stands above its dash.
    pub(super) blank: bool,
    /// The comment behind the dash, where the value begins on another line.
    pub(super) header: Option<String>,
    pub(super) value: Tree,
}

impl Tree {
    /// Whether it is written in brackets.
    pub(super) fn is_flow(&self) -> bool {
        matches!(&self.content, Content::Map(Layout::Flow { .. }, ..) | Content::List(Layout::Flow { .. }, ..))
    }
}
