//! Nodes that do work: HTTP requests, commands, code, log lines, waiting, variables.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::{
    build::{Members, Obj, duration, put, scalar_text, take_duration, truth, word},
    ids::identifier,
    text::{Piece, pieces},
};
use super::{
    Scope,
    node::{Made, Node, assigned},
    scope::{Bound, Shape},
    template::{self, object, value},
};

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
        return Made::Impossible(format!("there is no counterpart of `{action}`"));
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
                return Made::Impossible("the request has no `url`".to_owned());
            }
            task(params, "http", with, Bound { expr: id, shape: Shape::Http, maybe: false })
        }
        Family::Shell => match shell(params, place, scope) {
            Some(with) => task(params, "shell", with, Bound { expr: id, shape: Shape::Shell, maybe: false }),
            None => Made::Impossible("there is no command".to_owned()),
        },
        Family::Code => code(id, params, place, scope),
        Family::Python => {
            let Some(source) = params.take(&["code", "source", "script", "value"]) else {
                return Made::Impossible("there is no code".to_owned());
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
                return Made::Impossible("the workflow to call has no name".to_owned());
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

/// A task step; a time limit among the parameters is that of the step.
fn task(params: &mut Members<'_>, uses: &str, with: Obj, bound: Bound) -> Made {
    let mut body = Obj::new();
    body.insert("uses".into(), uses.into());
    body.insert("with".into(), Json::Object(with));
    let timeout = take_duration(params, &["timeout", "timeout_ms", "timeout_seconds", "timeout_secs"]);
    put(&mut body, "timeout", timeout.map(|(_, it)| it));
    Made::Step(body, bound)
}

fn http(method: Option<&str>, params: &mut Members<'_>, place: &str, scope: &mut Scope) -> Obj {
    let mut with = Obj::new();
    let mut take = |with: &mut Obj, ours: &str, theirs: &[&str], params: &mut Members<'_>| {
        if let Some((key, it)) = params.take_named(theirs) {
            with.insert(ours.to_owned(), value(it, &format!("{place}.{key}"), scope));
        }
    };
    take(&mut with, "url", &["url", "uri", "endpoint", "value"], params);
    let wanted = params.take_text(&["method", "verb"]).map(|it| it.to_uppercase());
    put(&mut with, "method", method.map(str::to_owned).or(wanted).filter(|it| it != "GET"));
    take(&mut with, "query", &["query", "query_params", "params"], params);
    take(&mut with, "headers", &["headers"], params);
    take(&mut with, "body", &["body", "json", "data", "payload"], params);
    take(&mut with, "form", &["form"], params);
    if let Some((key, it)) = params.take_named(&["auth", "authentication"]) {
        let it = value(it, &format!("{place}.{key}"), scope);
        match auth(&it) {
            Some(it) => drop(with.insert("auth".into(), it)),
            None => scope.report.lost(&format!("{place}.{key}"), "only `basic` and `bearer` have a counterpart"),
        }
    }
    with
}

/// Credentials: `{type: bearer, token}`, `{type: basic, username, password}`, or the same by name.
fn auth(it: &Json) -> Option<Json> {
    let kind = it.get("type").or_else(|| it.get("kind")).and_then(Json::as_str).map(word);
    let one = |names: [&str; 2]| names.iter().find_map(|name| it.get(*name)).cloned();
    match (kind.as_deref(), one(["token", "bearer"]), one(["username", "user"])) {
        (Some("bearer" | "token") | None, Some(token), _) => Some(json!({ "bearer": token })),
        (Some("basic") | None, _, Some(name)) => {
            Some(json!({ "basic": { "username": name, "password": one(["password", "pass"]) } }))
        }
        (None, None, None) => it.get("basic").map(|basic| json!({ "basic": basic })),
        _ => None,
    }
}

fn shell(params: &mut Members<'_>, place: &str, scope: &mut Scope) -> Option<Obj> {
    let command = params.take(&["command", "cmd", "script", "run", "value"])?;
    let arguments = params.take(&["args", "arguments"]);
    let mut with = Obj::new();
    let words: Option<Vec<Json>> = match (command, arguments) {
        (Json::Array(all), _) => Some(all.clone()),
        (Json::String(first), Some(Json::Array(more))) => {
            Some(std::iter::once(Json::from(first.as_str())).chain(more.iter().cloned()).collect())
        }
        _ => None,
    };
    match words {
        Some(words) => {
            let words = words.iter().map(|it| scalar_text(it).unwrap_or_else(|| it.to_string()));
            with.insert("argv".into(), words.map(|it| template::text(&it, place, scope)).collect());
        }
        None => {
            let mut text = scalar_text(command)?;
            if let Some(more) = arguments.and_then(scalar_text) {
                text = format!("{text} {more}");
            }
            with.insert("command".into(), template::text(&text, place, scope).into());
        }
    }
    let environment = params.take(&["env", "environment"]).and_then(Json::as_object);
    put(&mut with, "env", environment.map(|it| Json::Object(object(it, place, scope))));
    let folder = params.take(&["workdir", "cwd", "working_dir", "working_directory", "dir"]);
    put(&mut with, "workdir", folder.map(|it| value(it, place, scope)));
    put(&mut with, "stdin", params.take(&["stdin", "input"]).map(|it| value(it, place, scope)));
    Some(with)
}

/// JavaScript: a module stays, a function body or an expression is wrapped into one; what it reads of the flow
/// becomes an argument, so that no text is pasted into code.
fn code(id: String, params: &mut Members<'_>, place: &str, scope: &mut Scope) -> Made {
    let Some(source) = params.take_text(&["code", "source", "script", "function", "expression", "value"]) else {
        return Made::Impossible("there is no code".to_owned());
    };
    let language = params.take_text(&["language", "lang", "runtime"]).map(|it| word(&it));
    if !matches!(language.as_deref(), None | Some("js" | "javascript" | "node" | "nodejs" | "typescript" | "ts")) {
        return Made::Impossible(format!("code in {} has no counterpart", language.unwrap_or_default()));
    }
    let mut args = match params.take(&["args", "inputs", "input", "arguments", "params", "context"]) {
        Some(Json::Object(it)) => object(it, place, scope),
        Some(other) => Obj::from_iter([("input".to_owned(), value(other, place, scope))]),
        None => Obj::new(),
    };
    let mut text = String::new();
    let whole = if source.contains('`') { vec![Piece::Text(source.clone())] } else { pieces(&source) };
    for piece in whole {
        match piece {
            Piece::Text(it) => text.push_str(&it),
            Piece::Reference(it) => {
                let name = format!("v{}", args.len() + 1);
                args.insert(name.clone(), template::text(&format!("${{{it}}}"), place, scope).into());
                text.push_str(&name);
            }
        }
    }
    let names = args.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let statements = ["return ", "return;", "const ", "let ", "var ", ";\n"].iter().any(|it| text.contains(it));
    let module = if text.contains("export default") {
        text
    } else if statements {
        format!("export default ({{ {names} }}) => {{\n{text}\n}}\n")
    } else {
        format!("export default ({{ {names} }}) => ({})\n", text.trim().trim_end_matches(';'))
    };
    let mut with = Obj::new();
    with.insert("source".into(), super::super::text::escape(&module).into());
    with.insert("args".into(), Json::Object(args));
    task(params, "code", with, Bound { expr: id, shape: Shape::Value, maybe: false })
}

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
        return Made::Impossible("how long to wait is not said".to_owned());
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
        None => Made::Impossible(format!("`{it}` is no duration")),
    }
}

/// Variables: the step computes them, and later nodes read them from it.
fn set(node: &mut Node<'_>, params: &mut Members<'_>, place: &str, scope: &mut Scope) -> Made {
    let mut pairs: Vec<(String, Json)> = Vec::new();
    let name = params.take_text(&["name", "variable", "var", "key", "target"]);
    let name = name.or_else(|| node.members.take_text(&["variable", "var", "key", "name"]));
    match name {
        Some(name) => {
            let expression = params.take(&["expression", "expr"]).cloned();
            let plain = params.take(&["value"]).or_else(|| node.members.take(&["value"])).cloned();
            let it = match expression {
                Some(it) => match template::expression(&it, place, scope) {
                    Ok(expr) => format!("{{{{ {expr} }}}}").into(),
                    Err(why) => return Made::Impossible(format!("the expression {it} cannot be read: {why}")),
                },
                None => assigned(&plain.unwrap_or_default(), &format!("{place}.value"), scope),
            };
            pairs.push((name, it));
        }
        None => {
            let many = params.take(&["variables", "values", "vars"]).and_then(Json::as_object).cloned();
            let many = many.unwrap_or_else(|| params.rest().map(|(key, it)| (key.to_owned(), it.clone())).collect());
            let keys: Vec<&str> = many.keys().map(String::as_str).collect();
            params.take(&keys);
            for (name, it) in &many {
                pairs.push((name.clone(), assigned(it, &format!("{place}.{name}"), scope)));
            }
        }
    }
    if pairs.is_empty() {
        return Made::Impossible("no variable is set".to_owned());
    }
    let mut set = Obj::new();
    for (name, it) in pairs {
        let ours = identifier(&name);
        scope.bind(&name, Bound::plain(format!("{}.{ours}", node.id)));
        set.insert(ours, it);
    }
    params.take(&["type", "scope"]).and_then(truth);
    Made::Step(Obj::from_iter([("set".to_owned(), Json::Object(set))]), Bound::plain(node.id.clone()))
}

/// The variables that the nodes in `nodes` set, at any depth.
pub(super) fn assigned_names(nodes: &Json, out: &mut Vec<String>) {
    match nodes {
        Json::Array(items) => items.iter().for_each(|it| assigned_names(it, out)),
        Json::Object(node) => {
            let text = |key: &str| node.get(key).and_then(Json::as_str);
            let kind = text("kind").filter(|it| word(it) != "action").or_else(|| text("action")).unwrap_or_default();
            if family(kind) == Some(Family::Set) {
                let params = node.get("params").or_else(|| node.get("with")).and_then(Json::as_object).unwrap_or(node);
                let named = ["name", "variable", "var", "key", "target"].iter().find_map(|key| params.get(*key));
                match named.or_else(|| node.get("variable")).and_then(Json::as_str) {
                    Some(name) => out.push(name.to_owned()),
                    None => {
                        let many = params.get("variables").or_else(|| params.get("values")).and_then(Json::as_object);
                        out.extend(many.unwrap_or(params).keys().cloned());
                    }
                }
            }
            for key in ["output", "save_as", "saveAs", "result", "output_var", "assign_to", "store_as"] {
                out.extend(text(key).map(str::to_owned));
            }
            node.values().filter(|it| it.is_array() || it.is_object()).for_each(|it| assigned_names(it, out));
        }
        _ => {}
    }
}
