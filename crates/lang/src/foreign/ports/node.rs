//! One node with the connections into it, as a step.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{
    super::{
        build::{Members, Obj, duration, is_on_the_spot, put, retry},
        expr::primary,
        ids::identifier,
        text::escape,
    },
    Importer,
    branch::branch,
    tasks::{code, http, shell, task, transform},
    typed::plain,
    values::{Ports, ports},
    wires::{answer, is_failure},
};
use crate::Code;

/// The families of node types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Http,
    Shell,
    Code,
    Parse,
    Stringify,
    Jq,
    Log,
    Delay,
    Branch,
    Merge,
    Set,
    /// Without counterpart.
    Other,
}

impl Family {
    pub(super) fn of(node_type: &str) -> Self {
        let node_type = node_type.to_ascii_lowercase();
        let (head, last) = node_type.rsplit_once(['.', '/', ':']).unwrap_or(("", &node_type));
        match (head, last) {
            ("http" | "net", _) | ("", "http" | "http_request") => Self::Http,
            ("shell" | "command" | "process", _) | ("", "shell" | "command") => Self::Shell,
            (_, "javascript" | "js") | ("", "code") | ("code", "run" | "execute") | ("script", "run") => Self::Code,
            (_, "json_parse" | "parse_json" | "parse") => Self::Parse,
            (_, "json_stringify" | "stringify" | "to_json") => Self::Stringify,
            (_, "jq") => Self::Jq,
            (_, "log" | "print") | ("debug", _) => Self::Log,
            (_, "delay" | "sleep" | "wait") => Self::Delay,
            (_, "branch" | "if" | "condition" | "conditional") => Self::Branch,
            (_, "merge" | "join") => Self::Merge,
            (_, "set" | "constant" | "value" | "variable" | "map") => Self::Set,
            _ => Self::Other,
        }
    }
}

/// The step for the node at position `at`.
pub(super) fn step(importer: &mut Importer<'_>, at: usize) -> Obj {
    let node = &importer.nodes[at];
    let (object, id, place, family) = (node.object, node.id.clone(), node.place.clone(), node.family);
    let mut members = Members::new(object);
    let node_type = members.take_text(&["node_type"]).unwrap_or_default();
    let mut step = Obj::new();
    step.insert("id".into(), id.clone().into());
    let title = members.take_text(&["name"]).filter(|it| !it.is_empty() && identifier(it) != id);
    put(&mut step, "name", title);
    put(&mut step, "description", members.take_text(&["description"]));
    for ignored in ["id", "position", "ui", "metadata", "inputs", "outputs"] {
        members.take(&[ignored]);
    }
    order(importer, at, &mut step);

    let config = members.take(&["config", "parameters"]).map(plain).unwrap_or_default();
    let mut ports = ports(importer, at, &config);
    let made = body(importer, family, &node_type, &place, &mut ports);
    let task = made.contains_key("uses");
    step.extend(made);
    if family == Family::Merge && importer.wires.leading_to(at).len() > 1 {
        step.insert("run_if".into(), "none_failed_min_one_success".into());
    }
    policies(importer, &mut members, &mut ports, &place, &mut step);
    if importer.wires.is_watched(at) {
        step.insert("on_failure".into(), "continue".into());
    }
    if task {
        for (name, _) in ports.rest() {
            importer.report.lost(&format!("{place}.{name}"), format!("`{node_type}` has no such parameter here"));
        }
    }
    for (key, _) in members.rest() {
        importer.report.lost(&format!("{place}.{key}"), "this has no counterpart");
    }
    step
}

/// The step's needs, and the condition that its connections mean.
fn order(importer: &mut Importer<'_>, at: usize, step: &mut Obj) {
    let wires = importer.wires.leading_to(at);
    let mut needs: Vec<Json> = Vec::new();
    let (mut answers, mut outcomes): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut unconditional = false;
    for wire in wires {
        let from = &importer.nodes[wire.from];
        if !needs.iter().any(|it| *it == from.id) {
            needs.push(from.id.clone().into());
        }
        // A step whose failure has a port of its own goes on in any case, and has no output where it failed.
        if importer.wires.is_watched(wire.from) {
            let outcome = if is_failure(&wire.from_port) { "undefined" } else { "defined" };
            outcomes.push(format!("{} is {outcome}", from.id));
        }
        match answer(&wire.from_port).filter(|_| from.family == Family::Branch) {
            Some(true) => answers.push(format!("{}.condition", from.id)),
            Some(false) => answers.push(format!("not {}.condition", from.id)),
            None => unconditional = true,
        }
    }
    step.insert("needs".into(), Json::Array(needs));
    if importer.nodes[at].family == Family::Merge {
        return;
    }
    answers.dedup();
    outcomes.dedup();
    // Behind both ports of a condition, it does not matter.
    let opposite = |it: &String| it.strip_prefix("not ").map_or_else(|| format!("not {it}"), str::to_owned);
    if answers.len() == 2 && answers[1] == opposite(&answers[0]) {
        answers.clear();
    }
    if answers.len() > 1 || (answers.len() == 1 && unconditional) {
        let place = importer.nodes[at].place.clone();
        importer.report.approximated(&place, "it runs when one of the conditions that lead to it holds");
    }
    let either = answers.join(" or ");
    let either = if answers.len() > 1 && !outcomes.is_empty() { format!("({either})") } else { either };
    outcomes.extend(Some(either).filter(|it| !it.is_empty()));
    if !outcomes.is_empty() {
        step.insert("when".into(), format!("{{{{ {} }}}}", outcomes.join(" and ")).into());
    }
}

fn body(importer: &mut Importer<'_>, family: Family, node_type: &str, place: &str, ports: &mut Ports) -> Obj {
    match family {
        Family::Http => http(importer, place, ports),
        Family::Shell => shell(importer, place, ports),
        Family::Code => code(ports),
        Family::Parse | Family::Stringify | Family::Jq => transform(importer, family, place, ports),
        Family::Log => {
            let message = ports.take(&["message", "value", "input", "data", "text"]);
            let level = ports.take(&["level"]).and_then(|it| Some(it.as_str()?.to_lowercase()));
            let message = message.or_else(|| ports.take_rest().map(Json::Object));
            let mut with = Obj::from_iter([("message".to_owned(), message.unwrap_or_else(|| "(no message)".into()))]);
            put(&mut with, "level", level.filter(|it| ["debug", "info", "warn", "error"].contains(&it.as_str())));
            task("log", with)
        }
        Family::Delay => {
            let millis = ports.take(&["delay_ms", "duration_ms", "ms"]);
            let seconds = ports.take(&["seconds", "duration", "delay_seconds"]);
            let time = match (millis, seconds) {
                (Some(it), _) => duration(&it, Duration::from_millis(1)),
                (None, Some(it)) => duration(&it, Duration::from_secs(1)),
                (None, None) => Some("1s".to_owned()),
            };
            if time.is_none() {
                importer.report.fault(Code::ForeignType, place, "its delay cannot be read: it is one second");
            }
            Obj::from_iter([("wait".to_owned(), json!({ "for": time.unwrap_or_else(|| "1s".to_owned()) }))])
        }
        Family::Branch => branch(importer, place, ports),
        Family::Merge | Family::Set => {
            let set: Obj =
                ports.rest().into_iter().map(|(name, it)| (identifier(&name), optional(it, family))).collect();
            let set = if set.is_empty() { Obj::from_iter([("done".to_owned(), json!(true))]) } else { set };
            Obj::from_iter([("set".to_owned(), Json::Object(set))])
        }
        Family::Other => {
            let why = format!("there is no counterpart of the node type `{node_type}`");
            importer.report.fault(
                Code::ForeignUnknownNode,
                place,
                format!("{why}; the step fails until it is written anew"),
            );
            Obj::from_iter([("fail".to_owned(), escape(&format!("not converted: {why}")).into())])
        }
    }
}

/// What a merge reads may come from a branch that was not taken.
fn optional(it: Json, family: Family) -> Json {
    match it.as_str().and_then(|it| it.strip_prefix("{{ ")?.strip_suffix(" }}")) {
        Some(expr) if family == Family::Merge => {
            format!("{{{{ {} | default(none) }}}}", primary(expr.to_owned())).into()
        }
        _ => it,
    }
}

/// Retries and the time limit.
fn policies(importer: &mut Importer<'_>, members: &mut Members<'_>, ports: &mut Ports, place: &str, step: &mut Obj) {
    let seconds = ports.take(&["timeout", "timeout_seconds"]);
    let millis = ports.take(&["timeout_ms"]);
    let timeout = seconds.and_then(|it| duration(&it, Duration::from_secs(1)));
    let timeout = timeout.or_else(|| millis.and_then(|it| duration(&it, Duration::from_millis(1))));
    let on_the_spot = is_on_the_spot(step);
    put(step, "timeout", timeout.filter(|_| !on_the_spot));
    let Some(policy) = members.take(&["retry_policy", "retry"]).map(plain) else { return };
    let (policy, unknown) = retry(&policy);
    for it in unknown {
        importer.report.lost(&format!("{place}.retry_policy"), it);
    }
    if step.contains_key("uses") && !on_the_spot {
        put(step, "retry", policy);
    } else {
        importer.report.info(&format!("{place}.retry_policy"), "what runs inside the engine is not tried again");
    }
}
