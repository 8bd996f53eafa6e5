//! Text to a tree that keeps spelling and comments.
//!
//! Each comment belongs to one value: the one before it on its line, the key or dash before it, the member below it,
//! or, where it stands further in than what comes next, the list or object that ends there.

use saphyr_parser::{Event, ScalarStyle};

use super::{
    comments::{Located, events, find, is_blank_above, name_length},
    scalar,
    tree::{Comment, Content, Document, Entry, Item, Layout, Tree},
    yaml::quoted,
};

/// The document in `text`; nothing where it has something in it that is better left alone.
pub(super) fn read(text: &str) -> Option<Document> {
    let first = text.lines().find(|it| !it.trim().is_empty() && !it.trim_start().starts_with('#'));
    if text.contains('\r') || first.is_some_and(|it| it.starts_with('%')) {
        return None;
    }
    let events = events(text)?;
    let comments = find(text, &events);
    let mut reader = Reader { text, events, at: 0, comments, next_comment: 0, depth: 0 };
    reader.document()
}

struct Reader<'a> {
    text: &'a str,
    events: Vec<Located<'a>>,
    at: usize,
    comments: Vec<Comment>,
    next_comment: usize,
    /// How many brackets are open.
    depth: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Option<Document> {
        let mut head = None;
        loop {
            let (event, range) = self.peek()?;
            match event {
                Event::StreamStart | Event::Nothing => self.at += 1,
                Event::DocumentStart(explicit) => {
                    if *explicit {
                        let start = range.start;
                        head = Some(self.comments_before(start));
                    }
                    self.at += 1;
                    break;
                }
                _ => return None,
            }
        }
        let first = self.peek()?.1.start;
        let above =
            if matches!(self.peek()?.0, Event::MappingStart(..) | Event::SequenceStart(..)) && !self.opens_bracket() {
                Vec::new()
            } else {
                self.comments_before(first)
            };
        let root = self.tree()?;
        if !matches!(root.content, Content::Map(..) | Content::List(..)) {
            return None;
        }
        let head = match (head, above.is_empty()) {
            (head, true) => head,
            (None, false) if root.is_flow() => return self.finish(None, root, above),
            _ => return None,
        };
        self.finish(head, root, Vec::new())
    }

    fn finish(&mut self, head: Option<Vec<Comment>>, mut root: Tree, above: Vec<Comment>) -> Option<Document> {
        // Comments above a document in brackets go with its first member.
        if let Some(before) = first_before(&mut root) {
            before.splice(0..0, above);
        } else if !above.is_empty() {
            return None;
        }
        let foot = self.comments_before(self.text.len());
        Some(Document { head, root, foot })
    }

    fn peek(&self) -> Option<&Located<'a>> {
        self.events.get(self.at)
    }

    /// Whether the next event opens a bracket.
    fn opens_bracket(&self) -> bool {
        self.peek().is_some_and(|(_, range)| self.text[range.clone()].ends_with(['{', '[']))
    }

    fn tree(&mut self) -> Option<Tree> {
        let (event, range) = self.peek()?.clone();
        self.at += 1;
        let mut tree = match event {
            Event::Alias(_) => {
                let spelled = self.text[range.clone()].to_owned();
                Tree {
                    anchor: None,
                    content: Content::Plain(spelled),
                    start: range.start,
                    end: range.end,
                    trailing: None,
                }
            }
            Event::Scalar(value, style, anchor, _) => {
                let mut range = range;
                let anchor = self.anchor(anchor, &mut range)?;
                if value.is_empty() && style == ScalarStyle::Plain {
                    range.end = range.start;
                }
                let content = scalar::content(self.text, &value, style, range.clone())?;
                Tree { anchor, content, start: range.start, end: range.end, trailing: None }
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                let is_list = matches!(event, Event::SequenceStart(..));
                self.at -= 1;
                let brackets = self.opens_bracket();
                self.at += 1;
                let mut range = range;
                let anchor = self.anchor(anchor, &mut range)?;
                self.depth += usize::from(brackets);
                let flow = self.depth > 0;
                let (content, end) = if is_list { self.list(flow)? } else { self.map(flow)? };
                self.depth -= usize::from(brackets);
                Tree { anchor, content, start: range.start, end, trailing: None }
            }
            _ => return None,
        };
        tree.trailing = self.trailing(&tree);
        Some(tree)
    }

    /// The anchor of a value, which may stand in its range or before it.
    fn anchor(&self, anchor: usize, range: &mut std::ops::Range<usize>) -> Option<Option<String>> {
        if anchor == 0 {
            return Some(None);
        }
        let own = &self.text[range.clone()];
        if own.starts_with('&') {
            let end = name_length(own);
            let rest = own[end..].len() - own[end..].trim_start().len();
            let name = own[..end].to_owned();
            range.start += end + rest;
            return Some(Some(name));
        }
        let word = self.text[..range.start].split_whitespace().next_back()?;
        word.starts_with('&').then(|| Some(word.to_owned()))
    }

    fn map(&mut self, flow: bool) -> Option<(Content, usize)> {
        let mut entries: Vec<Entry> = Vec::new();
        let column = self.peek().map_or(0, |(_, range)| self.column(range.start));
        let open = self.text[..self.peek()?.1.start].trim_end_matches([' ', '\t']).ends_with('\n');
        loop {
            let (event, range) = self.peek()?.clone();
            if matches!(event, Event::MappingEnd) {
                self.at += 1;
                let foot = self.foot(flow, column, range.start);
                let layout = if flow { Layout::Flow { open } } else { Layout::Block };
                return Some((Content::Map(layout, entries, foot), range.end));
            }
            let before = self.comments_before(range.start);
            let mut key = self.tree()?;
            match (&key.content, event) {
                (Content::Plain(_), _) => {}
                // In brackets, a key may stand on several lines; it need not.
                (Content::Lines(_), Event::Scalar(said, ..)) => key.content = Content::Plain(quoted(&said)),
                _ => return None,
            }
            if key.trailing.is_some() {
                return None;
            }
            let start = self.peek()?.1.start;
            let header = self.header(key.end);
            let more = if matches!(self.peek()?.0, Event::Scalar(..) | Event::Alias(_)) {
                self.comments_before(start)
            } else {
                Vec::new()
            };
            let value = self.tree()?;
            let blank = is_blank_above(self.text, key.start);
            let before = before.into_iter().chain(more).collect();
            entries.push(Entry { before, blank, key, header, value });
        }
    }

    fn list(&mut self, flow: bool) -> Option<(Content, usize)> {
        let mut items: Vec<Item> = Vec::new();
        let column = self.dash().1;
        let open = self.text[..self.peek()?.1.start].trim_end_matches([' ', '\t']).ends_with('\n');
        loop {
            let (event, range) = self.peek()?.clone();
            if matches!(event, Event::SequenceEnd) {
                self.at += 1;
                let foot = self.foot(flow, column, range.start);
                let layout = if flow { Layout::Flow { open } } else { Layout::Block };
                return Some((Content::List(layout, items, foot), range.end));
            }
            let (dash, _) = if flow { (range.start, 0) } else { self.dash() };
            let mut before = self.comments_before(dash);
            let header = if flow { None } else { self.header(dash) };
            before.extend(self.comments_before(range.start));
            let blank = is_blank_above(self.text, dash);
            let mut value = self.tree()?;
            // What stands between a dash and the first member of its value goes above the dash.
            if let Some(first) = first_before(&mut value) {
                before.append(first);
            }
            items.push(Item { before, blank, header, value });
        }
    }

    /// The dash of the item whose value is the next event, and its column.
    fn dash(&self) -> (usize, usize) {
        let Some((event, range)) = self.peek() else { return (0, 0) };
        let start = match event {
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
                scalar::header_start(self.text, range.start).unwrap_or(range.start)
            }
            _ => range.start,
        };
        let dash = self.dash_before(start);
        (dash, self.column(dash))
    }

    /// The last dash before `start` that is not part of a comment; the dash of an empty item may be at `start`.
    fn dash_before(&self, start: usize) -> usize {
        let mut end = start;
        loop {
            let line = self.text[..end].rfind('\n').map_or(0, |it| it + 1);
            let part = &self.text[line..end];
            let code = part.find(" #").map_or(part, |at| &part[..at]);
            let code = if code.trim_start().starts_with('#') { "" } else { code };
            let apart = |it: Option<char>| it.is_none_or(char::is_whitespace);
            let dash = code.rmatch_indices('-').find(|(at, _)| {
                apart(code[..*at].chars().next_back()) && apart(self.text[line + at + 1..].chars().next())
            });
            if let Some((at, _)) = dash {
                return line + at;
            }
            match line.checked_sub(1) {
                Some(before) => end = before,
                None => return start,
            }
        }
    }

    fn column(&self, at: usize) -> usize {
        at - self.text[..at].rfind('\n').map_or(0, |it| it + 1)
    }

    /// The comments not yet taken that begin before `at`.
    fn comments_before(&mut self, at: usize) -> Vec<Comment> {
        let from = self.next_comment;
        while self.comments.get(self.next_comment).is_some_and(|it| it.start < at) {
            self.next_comment += 1;
        }
        self.comments[from..self.next_comment].to_vec()
    }

    /// The comment behind the dash at `at` or the key that ends there, where the value begins on another line.
    fn header(&mut self, at: usize) -> Option<String> {
        let comment = self.comments.get(self.next_comment)?;
        let between = self.text.get(at..comment.start)?.trim_start();
        let between = between.strip_prefix([':', '-']).unwrap_or(between);
        let found = (between.trim().is_empty() && !between.contains('\n')).then(|| comment.text.clone());
        self.next_comment += usize::from(found.is_some());
        found
    }

    /// The comment behind a value that has ended, on the same line.
    fn trailing(&mut self, tree: &Tree) -> Option<String> {
        if matches!(tree.content, Content::Nothing | Content::Block(_)) {
            return None;
        }
        if matches!(tree.content, Content::Map(..) | Content::List(..)) && !tree.is_flow() {
            return None;
        }
        let comment = self.comments.get(self.next_comment)?;
        let between = self.text.get(tree.end..comment.start)?;
        let found = between.trim_matches([' ', '\t', ',']).is_empty().then(|| comment.text.clone());
        self.next_comment += usize::from(found.is_some());
        found
    }

    /// The comments at the end of a list or object: in brackets all before the closing one, otherwise those that stand
    /// at least as far in as its members and further in than what comes next.
    fn foot(&mut self, flow: bool, column: usize, end: usize) -> Vec<Comment> {
        if flow {
            return self.comments_before(end);
        }
        // A list or object without brackets ends, for the parser, where the next key or dash stands.
        let next = Some(end).filter(|it| !self.text[*it..].trim().is_empty());
        if next.is_some_and(|it| self.column(it) >= column) {
            return Vec::new();
        }
        let from = self.next_comment;
        let belongs = |it: &Comment| it.own_line && it.column >= column && next.is_none_or(|at| it.start < at);
        while self.comments.get(self.next_comment).is_some_and(belongs) {
            self.next_comment += 1;
        }
        self.comments[from..self.next_comment].to_vec()
    }
}

fn first_before(root: &mut Tree) -> Option<&mut Vec<Comment>> {
    match &mut root.content {
        Content::Map(_, entries, _) => entries.first_mut().map(|it| &mut it.before),
        Content::List(_, items, _) => items.first_mut().map(|it| &mut it.before),
        _ => None,
    }
}
