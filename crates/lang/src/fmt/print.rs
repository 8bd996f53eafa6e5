//! A tree as text in canonical form.

use super::{
    flow::{WIDTH, inline},
    tree::{Block, Comment, Content, Document, Entry, Item, Layout, Tree},
};

pub(super) fn print(document: &Document) -> String {
    let mut printer = Printer::default();
    if let Some(head) = &document.head {
        printer.comments(head, 0, true);
        printer.line("---");
    }
    if document.root.is_flow() {
        printer.brackets(&document.root, 0);
        printer.end_line(document.root.trailing.as_deref());
    } else {
        printer.members(&document.root, 0, false);
    }
    printer.comments(&document.foot, 0, printer.out.is_empty());
    printer.out
}

#[derive(Default)]
struct Printer {
    out: String,
    /// Whether blank lines at the end belong to the text before, or look as if they did.
    kept: bool,
}

impl Printer {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn indent(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn blank(&mut self) {
        if !self.kept && !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn end_line(&mut self, comment: Option<&str>) {
        if let Some(comment) = comment {
            self.out.push(' ');
            self.out.push_str(comment);
        }
        self.out.push('\n');
        self.kept = false;
    }

    /// How wide the line is that is being written.
    fn width(&self) -> usize {
        self.out.rsplit('\n').next().unwrap_or_default().chars().count()
    }

    fn comments(&mut self, comments: &[Comment], indent: usize, first: bool) {
        for (at, comment) in comments.iter().enumerate() {
            if comment.blank && !(first && at == 0) {
                self.blank();
            }
            self.indent(indent);
            self.line(&comment.text);
            self.kept = false;
        }
    }

    /// The members of a list or object, each on lines of its own. Where `inside` holds, the first one begins on the
    /// line that is being written.
    fn members(&mut self, tree: &Tree, indent: usize, inside: bool) {
        match &tree.content {
            Content::Map(_, entries, foot) => {
                for (at, entry) in entries.iter().enumerate() {
                    self.above(&entry.before, entry.blank, indent, (at == 0, inside));
                    self.entry(entry, indent);
                }
                self.comments(foot, indent, false);
            }
            Content::List(_, items, foot) => {
                for (at, item) in items.iter().enumerate() {
                    self.above(&item.before, item.blank, indent, (at == 0, inside));
                    self.item(item, indent);
                }
                self.comments(foot, indent, false);
            }
            _ => {}
        }
    }

    /// What stands above a member, and its indentation.
    fn above(&mut self, before: &[Comment], blank: bool, indent: usize, (first, inside): (bool, bool)) {
        self.comments(before, indent, first);
        if blank && (!first || !before.is_empty()) {
            self.blank();
        }
        if !(first && inside) {
            self.indent(indent);
        }
        self.kept = false;
    }

    fn entry(&mut self, entry: &Entry, indent: usize) {
        self.out.push_str(&inline(&entry.key).unwrap_or_default());
        self.out.push(':');
        self.value(&entry.value, entry.header.as_deref(), indent, false);
    }

    fn item(&mut self, item: &Item, indent: usize) {
        self.out.push('-');
        self.value(&item.value, item.header.as_deref(), indent, true);
    }

    /// A value behind the key or dash that has just been written, which stands at `indent`.
    fn value(&mut self, value: &Tree, header: Option<&str>, indent: usize, dash: bool) {
        if let Some(header) = header {
            self.out.push(' ');
            self.out.push_str(header);
        }
        match &value.content {
            Content::Nothing => {
                if let Some(anchor) = &value.anchor {
                    self.out.push(' ');
                    self.out.push_str(anchor);
                }
                self.end_line(value.trailing.as_deref());
            }
            Content::Block(block) => self.block(block, value.anchor.as_deref(), indent),
            Content::Plain(_) | Content::Lines(_) => self.scalar(value, header.is_some(), indent),
            Content::Map(..) | Content::List(..) => self.collection(value, header, indent, dash),
        }
    }

    fn scalar(&mut self, value: &Tree, below: bool, indent: usize) {
        if below {
            self.out.push('\n');
            self.indent(indent + 2);
        } else {
            self.out.push(' ');
        }
        if let Some(anchor) = &value.anchor {
            self.out.push_str(anchor);
            self.out.push(' ');
        }
        self.spelled(value, indent + 2);
        self.end_line(value.trailing.as_deref());
    }

    /// A scalar; lines after the first stand at `indent`.
    fn spelled(&mut self, value: &Tree, indent: usize) {
        match &value.content {
            Content::Lines(lines) => {
                for (at, line) in lines.iter().enumerate() {
                    if at > 0 {
                        self.out.push('\n');
                        if !line.is_empty() {
                            self.indent(indent);
                        }
                    }
                    self.out.push_str(line);
                }
            }
            Content::Plain(it) => self.out.push_str(it),
            _ => {}
        }
    }

    fn block(&mut self, block: &Block, anchor: Option<&str>, indent: usize) {
        self.out.push(' ');
        if let Some(anchor) = anchor {
            self.out.push_str(anchor);
            self.out.push(' ');
        }
        self.out.push(block.style);
        if block.explicit {
            self.out.push('2');
        }
        self.out.extend(block.chomp);
        self.end_line(block.comment.as_deref());
        for line in &block.lines {
            if !line.is_empty() {
                self.indent(indent + 2);
            }
            self.line(line);
        }
        self.kept = block.chomp == Some('+') || block.lines.last().is_some_and(|it| it.trim().is_empty());
    }

    fn collection(&mut self, value: &Tree, header: Option<&str>, indent: usize, dash: bool) {
        let on_a_line = header.is_none() && value.is_flow();
        if let Some(text) = inline(value).filter(|it| {
            on_a_line && (it.ends_with("{}") || it.ends_with("[]") || self.width() + 1 + it.chars().count() <= WIDTH)
        }) {
            self.out.push(' ');
            self.out.push_str(&text);
            self.end_line(value.trailing.as_deref());
            return;
        }
        if let Some(anchor) = &value.anchor {
            self.out.push(' ');
            self.out.push_str(anchor);
        }
        if let Some((brackets, foot)) = nothing_but_notes(value) {
            self.out.push_str(brackets);
            self.end_line(value.trailing.as_deref());
            self.comments(foot, indent, false);
            return;
        }
        let inside =
            dash && header.is_none() && value.anchor.is_none() && value.trailing.is_none() && !begins_noted(value);
        if inside {
            self.out.push(' ');
        } else {
            self.end_line(value.trailing.as_deref());
        }
        self.members(value, indent + 2, inside);
    }

    /// A list or object in a document that is in brackets altogether.
    fn brackets(&mut self, tree: &Tree, indent: usize) {
        let (Content::Map(layout, ..) | Content::List(layout, ..)) = &tree.content else {
            self.spelled(tree, indent + 2);
            return;
        };
        let open = *layout == (Layout::Flow { open: true });
        // The comma or bracket behind it takes room as well.
        if let Some(text) =
            inline(tree).filter(|it| (!open || is_empty(tree)) && self.width() + it.chars().count() < WIDTH)
        {
            self.out.push_str(&text);
            return;
        }
        let (first, last) = if matches!(tree.content, Content::Map(..)) { ('{', '}') } else { ('[', ']') };
        if let Some(anchor) = &tree.anchor {
            self.out.push_str(anchor);
            self.out.push(' ');
        }
        self.out.push(first);
        self.out.push('\n');
        match &tree.content {
            Content::Map(_, entries, foot) => {
                for (at, entry) in entries.iter().enumerate() {
                    self.above(&entry.before, entry.blank, indent + 2, (at == 0, false));
                    self.out.push_str(&inline(&entry.key).unwrap_or_default());
                    self.out.push_str(": ");
                    if let Some(header) = &entry.header {
                        self.end_line(Some(header));
                        self.indent(indent + 4);
                    }
                    self.bracketed(&entry.value, indent + 2, at + 1 < entries.len());
                }
                self.comments(foot, indent + 2, false);
            }
            Content::List(_, items, foot) => {
                for (at, item) in items.iter().enumerate() {
                    self.above(&item.before, item.blank, indent + 2, (at == 0, false));
                    self.bracketed(&item.value, indent + 2, at + 1 < items.len());
                }
                self.comments(foot, indent + 2, false);
            }
            _ => {}
        }
        self.indent(indent);
        self.out.push(last);
    }

    fn bracketed(&mut self, value: &Tree, indent: usize, more: bool) {
        match &value.content {
            Content::Nothing => self.out.push_str("null"),
            _ => self.brackets(value, indent),
        }
        if more {
            self.out.push(',');
        }
        self.end_line(value.trailing.as_deref());
    }
}

fn is_empty(tree: &Tree) -> bool {
    match &tree.content {
        Content::Map(_, entries, foot) => entries.is_empty() && foot.is_empty(),
        Content::List(_, items, foot) => items.is_empty() && foot.is_empty(),
        _ => false,
    }
}

/// The brackets of an empty list or object, and the comments between them.
fn nothing_but_notes(tree: &Tree) -> Option<(&'static str, &[Comment])> {
    match &tree.content {
        Content::Map(_, entries, foot) if entries.is_empty() => Some((" {}", foot)),
        Content::List(_, items, foot) if items.is_empty() => Some((" []", foot)),
        _ => None,
    }
}

/// Whether a comment stands above the first member.
fn begins_noted(tree: &Tree) -> bool {
    match &tree.content {
        Content::Map(_, entries, _) => entries.first().is_some_and(|it| !it.before.is_empty()),
        Content::List(_, items, _) => items.first().is_some_and(|it| !it.before.is_empty()),
        _ => false,
    }
}
