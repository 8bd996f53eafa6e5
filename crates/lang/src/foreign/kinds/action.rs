//! Nodes that do work: HTTP requests, commands, code, log lines, waiting, variables.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::build::{Members, Obj, duration, put, word};
use super::{
    Scope,
    node::{Made, Node},
    scope::{Bound, Shape},
    tasks::{code, http, shell, task},
    template::{self, object, value},
    variables::set,
};
use crate::Code;

/// The families of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Http(Option<&'static str>),
    Shell,
    Code,
    Python,
    Log,
    Sleep,
    Set,
    Json(&'static str),
    Fail,
    Stop,
    Flow,
    Approval,
    Signal,
}

fn family(action: &str) -> Option<Family> {
    Some(match word(action).as_str() {
        "httpget" | "get" => Family::Http(Some("GET")),
        "httppost" | "post" => Family::Http(Some("POST")),
        "httpput" | "put" => Family::Http(Some("PUT")),
        "httppatch" | "patch" => Family::Http(Some("PATCH")),
        "httpdelete" | "delete" => Family::Http(Some("DELETE")),
        "httphead" => Family::Http(Some("HEAD")),
        "http" | "httprequest" | "request" | "fetch" | "apicall" | "webhookcall" => Family::Http(None),
        "shell" | "run" | "exec" | "command" | "bash" | "sh" | "shellcommand" | "runcommand" | "shellexec" => {
            Family::Shell
        }
        "code" | "javascript" | "js" | "script" | "function" | "eval" => Family::Code,
        "python" | "runpython" | "pythonscript" => Family::Python,
        "log" | "print" | "echo" | "debug" | "info" | "logmessage" => Family::Log,
        "sleep" | "delay" | "wait" | "pause" => Family::Sleep,
        "set" | "setvariable" | "setvar" | "assign" | "variable" | "setvariables" => Family::Set,
        "jsonparse" | "parsejson" => Family::Json("json_parse"),
        "jsonstringify" | "stringify" | "tojson" => Family::Json("json_stringify"),
        "fail" | "throw" | "error" | "raise" => Family::Fail,
        "stop" | "exit" | "return" | "terminate" => Family::Stop,
        "workflow" | "subworkflow" | "subflow" | "callworkflow" | "flow" => Family::Flow,
        "approval" | "manualapproval" | "humanapproval" => Family::Approval,
        "waitforsignal" | "signal" | "waitforevent" => Family::Signal,
        _ => return None,
    })
}

/// Whether an action or kind sets variables.
pub(super) fn is_assignment(action: &str) -> bool {
    family(action) == Some(Family::Set)
}

/// What the output of a node looks like, as far as the node alone says.
pub(super) fn shape(node: &Obj) -> Shape {
    let text = |key: &str| node.get(key).and_then(Json::as_str);
    let kind = text("kind").unwrap_or("action");
    let action = if word(kind) == "action" || word(kind) == "task" { text("action").unwrap_or_default() } else { kind };
    match family(action) {
        Some(Family::Http(_)) => Shape::Http,
        Some(Family::Shell | Family::Python) => Shape::Shell,
        Some(Family::Code | Family::Json(_)) => Shape::Value,
        _ => Shape::Plain,
    }
}

/// The step for a node that does `action`.
pub(super) fn action(node: &mut Node<'_>, action: &str, scope: &mut Scope) -> Made {
    let Some(family) = family(action) else {
        return Made::Impossible(Code::ForeignUnknownNode, format!("there is no counterpart of `{action}`"));
    };
    let params = node.members.take(&["params", "with", "config", "parameters", "args", "inputs", "arguments"]);
    let params = match params {
        Some(Json::Object(it)) => it.clone(),
        Some(Json::String(it)) => Obj::from_iter([("value".to_owned(), it.clone().into())]),
        _ => {
            // Without a place of their own, the parameters stand in the node itself.
            let own = node.members.rest().filter(|(key, _)| !COMMON.contains(key));
            let own: Obj = own.map(|(key, it)| (key.to_owned(), it.clone())).collect();
            let keys: Vec<&str> = own.keys().map(String::as_str).collect();
            node.members.take(&keys);
            own
        }
    };
    let place = format!("{}.params", node.place);
    let mut members = Members::new(&params);
    let made = make(family, node, &mut members, &place, scope);
    for (key, _) in members.rest() {
        scope.report.lost(&format!("{place}.{key}"), "this parameter has no counterpart");
    }
    made
}

/// What all nodes share and no action has as a parameter.
const COMMON: &[&str] = &[
    "retry",
    "retry_policy",
    "retries",
    "max_retries",
    "output",
    "save_as",
    "saveAs",
    "result",
    "output_var",
    "assign_to",
    "store_as",
    "output_variable",
    "on_error",
    "on_failure",
    "onError",
    "continue_on_error",
    "continueOnError",
    "ignore_errors",
    "continue_on_failure",
];

fn make(family: Family, node: &mut Node<'_>, params: &mut Members<'_>, place: &str, scope: &mut Scope) -> Made {
    let id = node.id.clone();
    match family {
        Family::Http(method) => {
            let with = http(method, params, place, scope);
            if !with.contains_key("url") {
                return Made::Impossible(Code::ForeignMissing, "the request has no `url`".to_owned());
            }
            task(params, "http", with, Bound { expr: id, shape: Shape::Http, maybe: false })
        }
        Family::Shell => match shell(params, place, scope) {
            Some(with) => task(params, "shell", with, Bound { expr: id, shape: Shape::Shell, maybe: false }),
            None => Made::Impossible(Code::ForeignMissing, "there is no command".to_owned()),
        },
        Family::Code => code(id, params, place, scope),
        Family::Python => {
            let Some(source) = params.take(&["code", "source", "script", "value"]) else {
                return Made::Impossible(Code::ForeignMissing, "there is no code".to_owned());
            };
            scope.report.approximated(place, "Python runs as the command `python3 -c`");
            let with = json!({ "argv": ["python3", "-c", value(source, place, scope)] });
            let with = with.as_object().cloned().unwrap_or_default();
            task(params, "shell", with, Bound { expr: id, shape: Shape::Shell, maybe: false })
        }
        Family::Log => {
            let message = params.take(&["message", "text", "msg", "value", "data"]).cloned().unwrap_or_default();
            let mut with = Obj::new();
            with.insert("message".into(), value(&message, place, scope));
            let level = params.take_text(&["level", "severity"]).map(|it| it.to_lowercase());
            let level = level.map(|it| if it == "warning" { "warn".to_owned() } else { it });
            put(&mut with, "level", level.filter(|it| ["debug", "info", "warn", "error"].contains(&it.as_str())));
            task(params, "log", with, Bound::plain(id))
        }
        Family::Sleep => sleep(id, params, place, scope),
        Family::Set => set(node, params, place, scope),
        Family::Json(filter) => {
            let input = params.take(&["value", "input", "json", "text", "data"]).cloned().unwrap_or_default();
            let with = Obj::from_iter([(filter.to_owned(), value(&input, place, scope))]);
            task(params, "transform", with, Bound { expr: id, shape: Shape::Value, maybe: false })
        }
        Family::Fail | Family::Stop => {
            let message = params.take_text(&["message", "reason", "error", "value"]).unwrap_or_else(|| id.clone());
            let key = if family == Family::Fail { "fail" } else { "stop" };
            one(key, template::text(&message, place, scope).into(), id)
        }
        Family::Flow => {
            let Some(name) = params.take_text(&["workflow", "flow", "name", "workflow_id", "value"]) else {
                return Made::Impossible(Code::ForeignMissing, "the workflow to call has no name".to_owned());
            };
            let mut body = Obj::from_iter([("flow".to_owned(), name.into())]);
            let with = params.take(&["with", "inputs", "input", "params"]).and_then(Json::as_object);
            put(&mut body, "with", with.map(|it| Json::Object(object(it, place, scope))));
            Made::Step(body, Bound::plain(id))
        }
        Family::Approval | Family::Signal => {
            let key = if family == Family::Approval { "approval" } else { "signal" };
            let text = params.take_text(&["message", "signal", "event", "name", "value"]).unwrap_or_else(|| id.clone());
            one("wait", json!({ key: template::text(&text, place, scope) }), id)
        }
    }
}

fn one(key: &str, it: Json, id: String) -> Made {
    Made::Step(Obj::from_iter([(key.to_owned(), it)]), Bound::plain(id))
}

/// A wait; a number without a unit is in seconds unless its name says otherwise.
fn sleep(id: String, params: &mut Members<'_>, place: &str, scope: &mut Scope) -> Made {
    let names = [
        "duration",
        "seconds",
        "duration_ms",
        "delay_ms",
        "ms",
        "milliseconds",
        "delay",
        "time",
        "value",
        "duration_seconds",
        "minutes",
    ];
    let Some((key, it)) = params.take_named(&names) else {
        return Made::Impossible(Code::ForeignMissing, "how long to wait is not said".to_owned());
    };
    if let Some(text) = it.as_str().filter(|it| it.contains("${")) {
        let seconds = template::text(text, place, scope);
        return one("wait", json!({ "for": seconds }), id);
    }
    let millis = key.ends_with("ms") || key.starts_with("milli");
    let unit = if millis {
        Duration::from_millis(1)
    } else if key == "minutes" {
        Duration::from_secs(60)
    } else {
        Duration::from_secs(1)
    };
    match duration(it, unit) {
        Some(it) => one("wait", json!({ "for": it }), id),
        None => Made::Impossible(Code::ForeignType, format!("`{it}` is no duration")),
    }
}
