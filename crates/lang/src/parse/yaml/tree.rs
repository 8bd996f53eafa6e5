//! The tree of a document while it grows.
//!
//! **Invariant:** the stack of open lists and objects is never higher than [`limits::DEPTH`]; what anchors and
//! aliases repeat is counted and bounded.

use std::{borrow::Cow, collections::BTreeMap};

use saphyr_parser::ScalarStyle;

use super::{Stop, scalar, stop};
use crate::{Code, Data, Diagnostic, Node, Source, Span, Spanned, limits, node::Members};

pub(super) struct Tree<'a> {
    source: &'a Source,
    problems: &'a mut Vec<Diagnostic>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    aliased: usize,
    /// Where the last thing ended.
    end: u32,
}

/// A list or object that has not ended.
struct Open {
    anchor: usize,
    span: Span,
    filling: Filling,
    /// The number of levels below it so far.
    height: usize,
    /// What it costs to repeat it.
    cost: usize,
}

enum Filling {
    List(Vec<Node>),
    Object(Members, Option<Spanned<String>>),
}

/// A value that may be repeated.
struct Anchored {
    node: Node,
    height: usize,
    cost: usize,
}

impl<'a> Tree<'a> {
    pub(super) fn new(source: &'a Source, problems: &'a mut Vec<Diagnostic>) -> Self {
        let (open, anchors) = (Vec::new(), BTreeMap::new());
        Self { source, problems, open, root: None, anchors, nodes: 0, aliased: 0, end: 0 }
    }

    pub(super) fn root(self) -> Option<Node> {
        self.root.filter(|it| !(it.data == Data::Null && it.span.start == it.span.end))
    }

    pub(super) fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        (anchor, span): (usize, Span),
    ) -> Result<(), Stop> {
        if text.len() > limits::SCALAR {
            let message = format!("a text of {} bytes begins here; at most {} are read", text.len(), limits::SCALAR);
            let start = span.start as usize;
            return Err(stop(Code::ScalarTooLarge, Span::new(start, start + 1), message));
        }
        let (plain, written) = (style == ScalarStyle::Plain, span);
        let span = if plain && text.is_empty() {
            // Nothing is written: it stands where the last thing ended.
            Span { start: self.end, end: self.end }
        } else {
            let start = span.start as usize;
            Span::new(start, start + self.source.slice(span).trim_end().len())
        };
        let cost = 1 + text.len() / 100;
        if matches!(self.open.last(), Some(Open { filling: Filling::Object(_, None), .. })) {
            if plain && text.is_empty() {
                return Err(stop(Code::KeyNotText, written, "a key is missing here"));
            }
            let text = text.into_owned();
            let node = Node::new(Data::Text(scalar::text(text, style, self.source, span)), span);
            return self.add(anchor, Anchored { node, height: 0, cost });
        }
        let meaning = if plain { scalar::plain(&text, span) } else { Ok(None) };
        let meaning = meaning.unwrap_or_else(|problem| {
            self.report(*problem);
            None
        });
        let data = meaning.unwrap_or_else(|| Data::Text(scalar::text(text.into_owned(), style, self.source, span)));
        self.add(anchor, Anchored { node: Node::new(data, span), height: 0, cost })
    }

    pub(super) fn open_list(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        self.push(anchor, span, Filling::List(Vec::new()))
    }

    pub(super) fn open_object(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        self.push(anchor, span, Filling::Object(Vec::new(), None))
    }

    fn push(&mut self, anchor: usize, span: Span, filling: Filling) -> Result<(), Stop> {
        if let Some(Open { filling: Filling::Object(_, None), .. }) = self.open.last() {
            return Err(self.odd_key(span, matches!(filling, Filling::Object(..))));
        }
        if self.open.len() >= limits::DEPTH {
            return Err(too_deep(span));
        }
        self.end = span.end;
        self.open.push(Open { anchor, span, filling, height: 0, cost: 1 });
        Ok(())
    }

    /// A key that is a list or an object; most often an expression without quotes.
    fn odd_key(&self, span: Span, object: bool) -> Stop {
        let start = span.start as usize;
        let before = self.source.text()[..start].trim_end();
        if object && before.ends_with('{') {
            let line = self.source.text()[start..].find('\n').map_or(self.source.text().len(), |at| start + at);
            let end = self.source.text()[start..line].find("}}").map_or(line, |at| start + at + 2);
            let span = Span::new(before.len() - 1, end);
            let mut problem = stop(Code::KeyNotText, span, "an expression without quotes is an object to YAML");
            problem.help = Some(format!("put the whole text into quotes: \"{}\"", self.source.slice(span)));
            return problem;
        }
        stop(Code::KeyNotText, span, "a key must be a text")
    }

    pub(super) fn close(&mut self, span: Span) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        // In flow style the end is a bracket; in block style it is nothing, and the last value ends it.
        let bracket = matches!(self.source.slice(span), "]" | "}");
        let end = if bracket { span.end } else { self.end };
        let span = Span { start: open.span.start, end: end.max(open.span.start) };
        let data = match open.filling {
            Filling::List(items) => Data::List(items),
            Filling::Object(mut members, _) => {
                self.refuse_duplicates(&mut members);
                Data::Object(members)
            }
        };
        let height = open.height + 1;
        self.add(open.anchor, Anchored { node: Node::new(data, span), height, cost: open.cost })
    }

    fn report(&mut self, problem: Diagnostic) {
        if self.problems.len() < limits::DIAGNOSTICS {
            self.problems.push(problem);
        }
    }

    /// Reports keys that are written twice, and keeps the first of each.
    fn refuse_duplicates(&mut self, members: &mut Members) {
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by(|a, b| members[*a].0.value.cmp(&members[*b].0.value).then(a.cmp(b)));
        let mut again = vec![false; members.len()];
        let mut first = 0;
        for at in 1..order.len() {
            let (one, other) = (&members[order[first]].0, &members[order[at]].0);
            if one.value != other.value {
                first = at;
                continue;
            }
            again[order[at]] = true;
            let message = format!("the key `{}` is written twice", short(&other.value));
            let problem = Diagnostic::new(Code::DuplicateKey, other.span, message);
            self.report(problem.label(one.span, "first written here"));
        }
        let mut at = 0;
        members.retain(|_| {
            at += 1;
            !again[at - 1]
        });
    }

    pub(super) fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let Some(it) = self.anchors.get(&anchor) else {
            return Err(stop(Code::UnknownAnchor, span, "this alias lies inside of what it stands for"));
        };
        let (height, cost) = (it.height, it.cost);
        self.repeat(cost, span)?;
        let node = self.anchors[&anchor].node.clone();
        self.add(0, Anchored { node, height, cost })?;
        self.end = span.end;
        Ok(())
    }

    /// Counts a copy.
    fn repeat(&mut self, cost: usize, span: Span) -> Result<(), Stop> {
        self.aliased += cost;
        if self.aliased > limits::ALIASED {
            let message = format!("anchors and aliases make more than {} values", limits::ALIASED);
            return Err(stop(Code::TooManyNodes, span, message));
        }
        Ok(())
    }

    /// Puts a value where it belongs.
    fn add(&mut self, anchor: usize, it: Anchored) -> Result<(), Stop> {
        let span = it.node.span;
        self.nodes += 1;
        if self.nodes > limits::NODES {
            return Err(stop(Code::TooManyNodes, span, format!("the document has more than {} values", limits::NODES)));
        }
        if self.open.len() + it.height > limits::DEPTH {
            return Err(too_deep(span));
        }
        self.end = self.end.max(span.end);
        if anchor > 0 {
            self.repeat(it.cost, span)?;
            let copy = Anchored { node: it.node.clone(), ..it };
            self.anchors.insert(anchor, copy);
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(it.node);
            return Ok(());
        };
        open.height = open.height.max(it.height);
        open.cost = open.cost.saturating_add(it.cost);
        match &mut open.filling {
            Filling::List(items) => items.push(it.node),
            Filling::Object(members, key) => match key.take() {
                Some(key) => members.push((key, it.node)),
                None => match it.node.data {
                    Data::Text(text) => *key = Some(Spanned::new(text.value, span)),
                    _ => return Err(stop(Code::KeyNotText, span, "a key must be a text")),
                },
            },
        }
        Ok(())
    }
}

fn too_deep(span: Span) -> Stop {
    let message = format!("lists and objects are nested deeper than {} levels", limits::DEPTH);
    stop(Code::TooDeep, span, message)
}

/// A key as it is shown in a message.
fn short(key: &str) -> String {
    if key.chars().count() <= 60 { key.to_owned() } else { format!("{}…", key.chars().take(60).collect::<String>()) }
}
