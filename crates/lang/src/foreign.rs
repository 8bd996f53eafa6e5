//! Documents of other tools, mapped onto the flow language.
//!
//! **Invariant:** converting is total: it neither fails nor panics. What has no counterpart is said in the
//! report, and where it was work it stands in the flow as a step that fails, so that nothing is left out
//! silently.

mod build;
mod expr;
mod ids;
mod kinds;
mod ports;
mod report;
#[cfg(test)]
mod tests;
mod text;

use serde_json::Value as Json;

use crate::{Diagnostic, Node, Source, Span, fmt::to_yaml};
use build::Obj;
pub use report::{Note, Severity};

/// A document format of another tool that is understood here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `nodes: [{id, kind: Action, action: http_post, params}]`, blocks that hold lists, `${name}`.
    Kinds,
    /// `nodes: [{id, node_type: "http.request", config}]` and `connections` between their ports.
    Ports,
}

impl Dialect {
    /// What to call it in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kinds => "node/kind",
            Self::Ports => "ports",
        }
    }
}

/// A flow made from a document of another tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The format that it was in.
    pub dialect: Dialect,
    /// The flow as a document of the flow language, keys in the order in which people write them.
    pub flow: Json,
    /// What was renamed, approximated or lost on the way.
    pub report: Vec<Note>,
}

/// A document of another tool, ready to be compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The flow as text; places in what the compiler says of it are places in this text.
    pub source: Source,
    /// The flow, and the report of the conversion.
    pub converted: Converted,
    /// The report as warnings, with their places in the original document.
    pub warnings: Vec<Diagnostic>,
}

/// The flow for the document in `source`, where that is YAML or JSON in a format of another tool; nothing where it is
/// a flow already, or cannot be read.
#[must_use]
pub fn load(source: &Source) -> Option<Loaded> {
    // Most documents are flows: they are not read twice.
    if !source.text().contains("nodes") {
        return None;
    }
    let node = crate::parse::read(source, &mut Vec::new())?;
    let converted = convert(&Json::from(&node.to_value()))?;
    let warnings = converted.report.iter().map(|note| warning(note, &node, source)).collect();
    let name = format!("{} (converted)", source.name());
    Some(Loaded { source: Source::new(name, to_yaml(&converted.flow)), converted, warnings })
}

/// A note as a warning about the place that it names.
fn warning(note: &Note, document: &Node, source: &Source) -> Diagnostic {
    let mut warning = Diagnostic::new(note.code, place(&note.path, document), note.message.clone());
    source.name().clone_into(&mut warning.path);
    warning
}

/// The innermost part of `document` on the way that `path` (`nodes[2].params.url`) describes.
fn place(path: &str, document: &Node) -> Span {
    let mut at = document.get("workflow").filter(|_| document.get("nodes").is_none()).unwrap_or(document);
    for step in path.split(['.', '[']) {
        let next = match step.strip_suffix(']').map(str::parse::<usize>) {
            Some(Ok(index)) => at.as_list().and_then(|it| it.get(index)),
            _ => at.get(step),
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    at.span
}

/// The format of `document`, where it is one of another tool.
#[must_use]
pub fn detect(document: &Json) -> Option<Dialect> {
    let document = unwrapped(document)?;
    if document.contains_key("drawloom") || document.contains_key("steps") {
        return None;
    }
    let nodes = document.get("nodes")?.as_array()?;
    let any = |key: &str| nodes.iter().any(|node| node.get(key).is_some_and(Json::is_string));
    let wired = document.get("connections").and_then(Json::as_array).is_some_and(|it| {
        it.iter().any(|connection| connection.get("from_node").is_some() || connection.get("to_node").is_some())
    });
    if any("node_type") || wired {
        Some(Dialect::Ports)
    } else if any("kind") || any("action") {
        Some(Dialect::Kinds)
    } else {
        None
    }
}

/// The flow that `document` stands for, where it is in a format of another tool.
#[must_use]
pub fn convert(document: &Json) -> Option<Converted> {
    let dialect = detect(document)?;
    let document = unwrapped(document)?;
    let (flow, report) = match dialect {
        Dialect::Kinds => kinds::convert(document),
        Dialect::Ports => ports::convert(document),
    };
    Some(Converted { dialect, flow, report })
}

/// The document itself, or what it wraps in a single `workflow`.
fn unwrapped(document: &Json) -> Option<&Obj> {
    let document = document.as_object()?;
    match document.get("workflow").and_then(Json::as_object) {
        Some(inner) if !document.contains_key("nodes") => Some(inner),
        _ => Some(document),
    }
}
