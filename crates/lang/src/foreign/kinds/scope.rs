//! What a name means at one place of a node/kind document, and the expression that means the same in a flow.
//!
//! In that format every node may set variables that all later nodes see. A flow has no variables: a value is the
//! output of a step. So this keeps, per block, which expression holds each variable just now.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::super::{
    build::Obj,
    expr::{Path, Seg, primary},
    ids::{Ids, identifier},
    report::Report,
};
use crate::Code;

/// How the output of a step is made, and so how the fields that people write of it are spelled here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// As it is.
    #[default]
    Plain,
    /// `status`, `headers`, `body`.
    Http,
    /// `stdout`, `stderr`, `exit_code`, `output`.
    Shell,
    /// The function's result itself.
    Value,
}

/// Where the value of a name is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bound {
    /// The expression that holds it.
    pub(super) expr: String,
    /// What it looks like.
    pub(super) shape: Shape,
    /// Whether it may be missing when the run comes to a place that reads it.
    pub(super) maybe: bool,
}

impl Bound {
    pub(super) fn plain(expr: impl Into<String>) -> Self {
        Self { expr: expr.into(), shape: Shape::Plain, maybe: false }
    }

    /// The whole value, whatever its shape.
    pub(super) fn whole(&self) -> String {
        if self.maybe { format!("{} | default(none)", primary(self.expr.clone())) } else { self.expr.clone() }
    }

    /// The expression for `tail` of the value.
    pub(super) fn field(&self, tail: &[Seg]) -> String {
        let first = match tail.first() {
            Some(Seg::Name(name)) => Some(name.as_str()),
            _ => None,
        };
        let wrapper = matches!(first, Some("output" | "result" | "response" | "outputs"));
        let inner = matches!(tail.get(1), Some(Seg::Name(_)));
        let (field, rest) = match (self.shape, first) {
            (Shape::Plain, _) => (None, tail),
            (Shape::Http | Shape::Shell, Some(_)) if wrapper && inner => return self.field(&tail[1..]),
            (Shape::Http, Some("status" | "status_code" | "statusCode" | "code")) => (Some("status"), &tail[1..]),
            (Shape::Http, Some("headers")) => (Some("headers"), &tail[1..]),
            (Shape::Http, Some("body" | "data" | "json" | "text" | "content")) => (Some("body"), &tail[1..]),
            (Shape::Http, Some(_)) if wrapper => (Some("body"), &tail[1..]),
            (Shape::Http, _) => (Some("body"), tail),
            (Shape::Shell, Some("stdout")) => (Some("stdout"), &tail[1..]),
            (Shape::Shell, Some("stderr")) => (Some("stderr"), &tail[1..]),
            (Shape::Shell, Some("exit_code" | "code" | "status" | "exitCode" | "returncode")) => {
                (Some("exit_code"), &tail[1..])
            }
            (Shape::Shell, Some(_)) if wrapper => (Some("output"), &tail[1..]),
            (Shape::Shell, _) => (Some("output"), tail),
            (Shape::Value, Some(_)) if wrapper || first == Some("value") => (None, &tail[1..]),
            (Shape::Value, _) => (None, tail),
        };
        let mut out = primary(self.expr.clone());
        if let Some(field) = field {
            out.push('.');
            out.push_str(field);
        }
        push_tail(&mut out, rest);
        if self.maybe { format!("{out} | default(none)") } else { out }
    }
}

fn push_tail(out: &mut String, tail: &[Seg]) {
    for seg in tail {
        match seg {
            Seg::Index(it) => out.push_str(&format!("[{it}]")),
            Seg::Name(it) if it.chars().all(|c| c.is_alphanumeric() || c == '_') => out.push_str(&format!(".{it}")),
            Seg::Name(it) => out.push_str(&format!("[{}]", super::super::text::quoted(it))),
        }
    }
}

/// The names set in one block, in order.
pub(super) type Frame = IndexMap<String, Bound>;

/// Everything that the conversion of one document knows and collects.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) report: Report,
    pub(super) ids: Ids,
    /// Each node's id in the flow, by its own id.
    pub(super) nodes: IndexMap<String, (String, Shape)>,
    /// The ids among these that a step has already.
    pub(super) used: BTreeSet<String>,
    /// The blocks around the current place, outermost first.
    pub(super) frames: Vec<Frame>,
    /// How many of the lists around the current place are in the order of what nodes say, not of writing.
    pub(super) graphs: usize,
    /// The flow's inputs.
    pub(super) inputs: Obj,
    /// The flow's constants.
    pub(super) vars: Obj,
    /// How often each name is read in the whole document.
    pub(super) reads: BTreeMap<String, usize>,
    /// Names in use as loop variables around the current place.
    pub(super) loop_names: Vec<String>,
    /// Every name that some loop has given.
    pub(super) all_loop_names: BTreeSet<String>,
}

impl Scope {
    /// Says that `name` is `bound` from here on.
    pub(super) fn bind(&mut self, name: &str, bound: Bound) {
        if let Some(frame) = self.frames.last_mut() {
            frame.shift_remove(name);
            frame.insert(name.to_owned(), bound);
        }
    }

    /// What `name` is here, where a node, block or declaration has set it before.
    pub(super) fn look_up(&self, name: &str) -> Option<Bound> {
        let frames = self.frames.iter().rev();
        frames.filter_map(|frame| frame.get(name)).next().cloned().or_else(|| self.declared(name))
    }

    fn declared(&self, name: &str) -> Option<Bound> {
        let ours = identifier(name);
        if self.inputs.contains_key(&ours) {
            Some(Bound::plain(format!("inputs.{ours}")))
        } else if self.vars.contains_key(&ours) {
            Some(Bound::plain(format!("vars.{ours}")))
        } else {
            None
        }
    }

    /// The expression for a path of the document.
    pub(super) fn resolve(&mut self, path: &Path, place: &str) -> String {
        if let Some(bound) = self.look_up(&path.root).filter(|_| !self.hidden(path)) {
            return bound.field(&path.tail);
        }
        let first = match path.tail.first() {
            Some(Seg::Name(name)) => Some(name.clone()),
            _ => None,
        };
        let inner = |first: &String| Path { root: first.clone(), tail: path.tail[1..].to_vec() };
        match (path.root.as_str(), &first) {
            ("input" | "inputs" | "params" | "parameters" | "args", Some(first)) => {
                let bound = self.input(first, place);
                bound.field(&path.tail[1..])
            }
            ("input" | "inputs", None) => "inputs".to_owned(),
            ("variables" | "vars" | "var" | "context" | "ctx" | "state", Some(first)) => {
                let inner = inner(first);
                self.resolve(&inner, place)
            }
            ("nodes" | "steps" | "outputs" | "results", Some(first)) if self.nodes.contains_key(first) => {
                let inner = inner(first);
                self.resolve(&inner, place)
            }
            ("env" | "secret" | "secrets", Some(first)) => {
                if path.root == "env" {
                    let message = format!("environment variables are not read: store `{first}` as a secret");
                    self.report.approximated(place, message);
                }
                format!("secrets.{}", first.replace('-', "_"))
            }
            _ => match self.nodes.get(&path.root) {
                Some((id, shape)) if self.graphs > 0 => {
                    Bound { expr: id.clone(), shape: *shape, maybe: false }.field(&path.tail)
                }
                Some(_) => {
                    self.report.lost(place, format!("`{}` is read before it has run: it is null", path.root));
                    "none".to_owned()
                }
                None => self.input(&path.root, place).field(&path.tail),
            },
        }
    }

    /// Whether a path such as `input.x` means the document's inputs although a node is called so.
    fn hidden(&self, path: &Path) -> bool {
        matches!(path.root.as_str(), "input" | "inputs")
            && !path.tail.is_empty()
            && !self.loop_names.contains(&path.root)
            && !self.frames.iter().any(|frame| frame.contains_key(&path.root))
    }

    /// The input `name`, declared on the spot where the document did not.
    fn input(&mut self, name: &str, place: &str) -> Bound {
        if let Some(bound) = self.declared(name) {
            return bound;
        }
        let ours = identifier(name);
        self.report.changed(
            Code::ForeignVariable,
            place,
            format!("nothing sets `{name}`: it became the input `{ours}`"),
        );
        self.inputs.insert(ours.clone(), json!({}));
        Bound::plain(format!("inputs.{ours}"))
    }

    /// Those names of `frame` that are read outside the block whose document is `body`.
    pub(super) fn read_outside(&self, frame: &Frame, body: &[&Json]) -> Vec<String> {
        let mut inside = BTreeMap::new();
        for part in body {
            count_reads(part, false, &mut inside);
        }
        let outside = |name: &&String| self.reads.get(*name).copied() > inside.get(*name).copied();
        frame.keys().filter(outside).cloned().collect()
    }
}

/// Members that hold a bare expression, where names need no `${…}` to be read.
const EXPRESSIONS: &[&str] = &[
    "condition",
    "while",
    "until",
    "expression",
    "expr",
    "when",
    "if",
    "items",
    "over",
    "in",
    "collection",
    "list",
    "left",
    "variable",
    "outputs",
    "forEach",
    "for_each",
    "times",
];

/// Counts, in all texts of `value`, the names that may be read there.
pub(super) fn count_reads(value: &Json, bare: bool, out: &mut BTreeMap<String, usize>) {
    match value {
        Json::String(text) if bare => count_words(text, out),
        Json::String(text) => {
            for piece in super::super::text::pieces(text) {
                if let super::super::text::Piece::Reference(it) = piece {
                    count_words(it, out);
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|it| count_reads(it, bare, out)),
        Json::Object(members) => {
            for (name, it) in members {
                count_reads(it, bare || EXPRESSIONS.contains(&name.as_str()), out);
            }
        }
        _ => {}
    }
}

fn count_words(text: &str, out: &mut BTreeMap<String, usize>) {
    let mut seen = BTreeSet::new();
    for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')) {
        for word in [word].into_iter().chain(word.split('-')) {
            if word.starts_with(|c: char| c.is_alphabetic() || c == '_') && seen.insert(word) {
                *out.entry(word.to_owned()).or_default() += 1;
            }
        }
    }
}
