//! Conditions: nodes with one port for yes and one for no.

use serde_json::{Value as Json, json};

use super::{
    super::{
        build::{Obj, scalar_text},
        expr::{Path, Seg, primary, translate},
        ids::identifier,
        text::quoted,
    },
    Importer,
    values::Ports,
};
use crate::Code;

/// The ports of a condition for what passes through it.
const PAYLOADS: &[&str] = &["payload", "input", "value", "data"];

/// A condition: the step keeps it and what passes through, and the steps behind its ports ask for it.
pub(super) fn branch(importer: &mut Importer<'_>, place: &str, ports: &mut Ports) -> Obj {
    let payload = ports.take(PAYLOADS);
    let operator = ports.take(&["operator", "op"]).and_then(|it| scalar_text(&it));
    let (left, right) = (ports.take(&["left", "field"]), ports.take(&["right", "compare_to", "expected"]));
    let condition = ports.take(&["condition", "expression"]);
    let known = ports.values.clone();
    let condition = match (condition, left) {
        (Some(Json::String(text)), _) if text.starts_with("{{ ") => text.into(),
        (Some(Json::String(text)), _) => match translate(&text, &mut |path| port_path(path, &known)) {
            Ok(expr) => format!("{{{{ {expr} }}}}").into(),
            Err(why) => {
                importer.report.lost(place, format!("the condition `{text}` cannot be read ({why}): it never holds"));
                json!(false)
            }
        },
        (Some(other), _) => other,
        (None, Some(left)) => {
            let side = |it: &Json| match it.as_str() {
                Some(it) => match it.strip_prefix("{{ ").and_then(|it| it.strip_suffix(" }}")) {
                    Some(expr) => primary(expr.to_owned()),
                    None => quoted(it),
                },
                None => it.to_string(),
            };
            let operator = operator.filter(|it| ["==", "!=", "<", ">", "<=", ">="].contains(&it.as_str()));
            let right = right.as_ref().map_or_else(|| "none".to_owned(), side);
            format!("{{{{ {} {} {right} }}}}", side(&left), operator.as_deref().unwrap_or("==")).into()
        }
        (None, None) => {
            importer.report.changed(
                Code::ForeignMissing,
                place,
                "nothing is connected to its condition: it never holds",
            );
            json!(false)
        }
    };
    let mut set = Obj::from_iter([("condition".to_owned(), condition)]);
    set.insert("payload".into(), payload.unwrap_or(Json::Null));
    Obj::from_iter([("set".to_owned(), Json::Object(set))])
}

/// A name in a condition: a port of the node, with or without `input.` before it.
fn port_path(path: &Path, known: &[(String, Json)]) -> String {
    let mut tail = path.tail.as_slice();
    let mut name = path.root.as_str();
    if matches!(name, "input" | "inputs" | "payload")
        && let Some(Seg::Name(first)) = tail.first()
        && known.iter().any(|(it, _)| it == first)
    {
        (name, tail) = (first, &tail[1..]);
    }
    let port = known.iter().find(|(it, _)| it == name);
    let whole = || known.iter().find(|(it, _)| PAYLOADS.contains(&it.as_str()) && PAYLOADS.contains(&name));
    let value = port.or_else(whole).and_then(|(_, it)| it.as_str());
    let mut out = match value.and_then(|it| it.strip_prefix("{{ ")?.strip_suffix(" }}")) {
        Some(expr) => primary(expr.to_owned()),
        None => format!("inputs.{}", identifier(name)),
    };
    for seg in tail {
        out.push_str(&match seg {
            Seg::Name(it) => format!("[{}]", quoted(it)),
            Seg::Index(it) => format!("[{it}]"),
        });
    }
    out
}
