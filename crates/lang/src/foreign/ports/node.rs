//! One node with the connections into it, as a step.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{
    super::{
        build::{Members, Obj, duration, put, retry, scalar_text, truth},
        expr::{Path, Seg, primary, translate},
        ids::identifier,
        text::{escape, quoted},
    },
    Importer,
    typed::plain,
    wires::{answer, is_failure, is_order},
};

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

/// What flows into a node, by port: a configured value or an expression for another node's output.
struct Ports {
    values: Vec<(String, Json)>,
    taken: Vec<String>,
}

impl Ports {
    /// The first value under one of `names`; all of them count as read.
    fn take(&mut self, names: &[&str]) -> Option<Json> {
        self.taken.extend(names.iter().map(|it| (*it).to_owned()));
        names.iter().find_map(|name| self.values.iter().find(|(it, _)| it == name)).map(|(_, value)| value.clone())
    }

    /// All values that nobody read, as one object; they count as read.
    fn take_rest(&mut self) -> Option<Obj> {
        let rest: Obj = self.rest().into_iter().collect();
        self.taken.extend(rest.keys().cloned());
        Some(rest).filter(|it| !it.is_empty())
    }

    /// The values that nobody read.
    fn rest(&self) -> Vec<(String, Json)> {
        self.values.iter().filter(|(name, _)| !self.taken.contains(name)).cloned().collect()
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

/// The step's needs, and the conditions and rule that its connections mean.
fn order(importer: &mut Importer<'_>, at: usize, step: &mut Obj) {
    let wires = importer.wires.leading_to(at).to_vec();
    let mut needs: Vec<Json> = Vec::new();
    let mut conditions: Vec<String> = Vec::new();
    let mut unconditional = false;
    let merges = importer.nodes[at].family == Family::Merge;
    for wire in &wires {
        let from = &importer.nodes[wire.from];
        if !needs.iter().any(|it| *it == from.id) {
            needs.push(from.id.clone().into());
        }
        match answer(&wire.from_port).filter(|_| from.family == Family::Branch) {
            Some(true) => conditions.push(format!("{}.condition", from.id)),
            Some(false) => conditions.push(format!("not {}.condition", from.id)),
            None => unconditional = true,
        }
    }
    step.insert("needs".into(), Json::Array(needs));
    if wires.iter().any(|it| is_failure(&it.from_port)) {
        step.insert("run_if".into(), "one_failed".into());
    }
    conditions.dedup();
    let both = conditions.len() == 2
        && (conditions[1] == format!("not {}", conditions[0]) || conditions[0] == format!("not {}", conditions[1]));
    if conditions.is_empty() || both || merges {
        return;
    }
    if conditions.len() > 1 || unconditional {
        let place = importer.nodes[at].place.clone();
        importer.report.approximated(&place, "it runs when one of the conditions that lead to it holds");
    }
    step.insert("when".into(), format!("{{{{ {} }}}}", conditions.join(" or ")).into());
}

/// The configured values, replaced and joined by what is connected.
fn ports(importer: &mut Importer<'_>, at: usize, config: &Json) -> Ports {
    let mut values: Vec<(String, Json)> = match config.as_object() {
        Some(it) => it.iter().map(|(name, value)| (name.clone(), escaped(value))).collect(),
        None => Vec::new(),
    };
    for wire in importer.wires.leading_to(at).to_vec() {
        let data = !is_order(&wire.to_port) && !is_failure(&wire.from_port);
        let expr = if data { output(importer, wire.from, &wire.from_port, 0) } else { None };
        let expr =
            expr.map(|it| if importer.may_lack(wire.from) { format!("{} | default(none)", primary(it)) } else { it });
        match expr {
            Some(expr) => {
                values.retain(|(name, _)| *name != wire.to_port);
                values.push((wire.to_port, format!("{{{{ {expr} }}}}").into()));
            }
            None if data && !is_order(&wire.from_port) && answer(&wire.from_port).is_none() => {
                let message = format!("nothing leaves port `{}`: only the order is kept", wire.from_port);
                importer.report.lost(&wire.place, message);
            }
            None => {}
        }
    }
    Ports { values, taken: Vec::new() }
}

/// A configured value is data: nothing in it is an expression.
fn escaped(value: &Json) -> Json {
    match value {
        Json::String(it) => escape(it).into(),
        Json::Array(items) => items.iter().map(escaped).collect(),
        Json::Object(members) => members.iter().map(|(name, it)| (name.clone(), escaped(it))).collect::<Obj>().into(),
        other => other.clone(),
    }
}

/// Nodes that pass values on are looked through no further than this.
const HOPS_MAX: usize = 64;

/// The expression for what leaves `port` of the node at position `at`.
fn output(importer: &Importer<'_>, at: usize, port: &str, hops: usize) -> Option<String> {
    let node = &importer.nodes[at];
    let id = &node.id;
    let main = matches!(port, "output" | "result" | "out" | "data" | "response" | "value" | "default" | "");
    match node.family {
        Family::Http if main => Some(format!("{id}.body")),
        Family::Http => match port {
            "body" | "status" | "headers" => Some(format!("{id}.{port}")),
            "status_code" => Some(format!("{id}.status")),
            _ => None,
        },
        Family::Shell if main => Some(format!("{id}.output")),
        Family::Shell => match port {
            "stdout" | "stderr" | "exit_code" => Some(format!("{id}.{port}")),
            "success" => Some(format!("({id}.exit_code == 0)")),
            _ => None,
        },
        Family::Code if main => Some(id.clone()),
        Family::Code => Some(format!("{id}.{}", identifier(port))),
        Family::Parse | Family::Stringify | Family::Jq | Family::Log => (!is_order(port)).then(|| id.clone()),
        Family::Merge if main || port == "merged" => Some(id.clone()),
        Family::Set if main => Some(id.clone()),
        Family::Merge | Family::Set => Some(format!("{id}.{}", identifier(port))),
        Family::Branch if answer(port).is_some() => Some(format!("{id}.payload")),
        Family::Branch => Some(format!("{id}.condition")).filter(|_| port == "condition"),
        Family::Delay => {
            let wire =
                importer.wires.leading_to(at).iter().find(|it| it.to_port == port).filter(|_| hops < HOPS_MAX)?;
            output(importer, wire.from, &wire.from_port, hops + 1)
        }
        Family::Other => (!is_order(port)).then(|| format!("{id}.{}", identifier(port))),
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
                importer.report.lost(place, "its delay cannot be read: it is one second");
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
            importer.report.lost(place, format!("{why}; the step fails until it is written anew"));
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

fn task(uses: &str, with: Obj) -> Obj {
    Obj::from_iter([("uses".to_owned(), uses.into()), ("with".to_owned(), Json::Object(with))])
}

/// A value that the document leaves to whoever starts the run.
fn input(importer: &mut Importer<'_>, place: &str, name: &str) -> Json {
    importer.report.approximated(place, format!("nothing is connected to `{name}`: it became an input of the flow"));
    importer.inputs.entry(name.to_owned()).or_insert_with(|| json!({}));
    format!("{{{{ inputs.{name} }}}}").into()
}

fn http(importer: &mut Importer<'_>, place: &str, ports: &mut Ports) -> Obj {
    let mut with = Obj::new();
    let url = ports.take(&["url", "uri", "endpoint"]).filter(|it| !it.is_null());
    with.insert("url".into(), url.unwrap_or_else(|| input(importer, place, "url")));
    let method = ports.take(&["method"]).and_then(|it| scalar_text(&it)).map(|it| it.to_uppercase());
    put(&mut with, "method", method.filter(|it| it != "GET"));
    put(&mut with, "headers", ports.take(&["headers"]).filter(Json::is_object));
    put(&mut with, "query", ports.take(&["query", "params", "query_params"]));
    put(&mut with, "body", ports.take(&["body", "json", "data", "payload", "input"]).filter(|it| !it.is_null()));
    // In that format a body is text until a node parses it.
    with.insert("response".into(), "text".into());
    task("http", with)
}

fn shell(importer: &mut Importer<'_>, place: &str, ports: &mut Ports) -> Obj {
    let mut with = Obj::new();
    let command = ports.take(&["command", "cmd", "script"]).and_then(|it| scalar_text(&it));
    let command = command.unwrap_or_else(|| input(importer, place, "command").as_str().unwrap_or_default().to_owned());
    let arguments: Vec<String> = match ports.take(&["args", "arguments"]) {
        Some(Json::Array(items)) => items.iter().filter_map(scalar_text).collect(),
        Some(Json::String(it)) => it.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let by_shell = ports.take(&["shell"]).as_ref().and_then(truth) == Some(true);
    if by_shell || (arguments.is_empty() && command.contains(char::is_whitespace)) {
        let words = std::iter::once(command).chain(arguments);
        with.insert("command".into(), words.collect::<Vec<_>>().join(" ").into());
    } else {
        with.insert("argv".into(), std::iter::once(command).chain(arguments).collect());
    }
    put(&mut with, "env", ports.take(&["env"]).filter(Json::is_object));
    put(&mut with, "inherit_env", ports.take(&["env_passthrough"]).filter(|it| it.is_array()));
    put(&mut with, "workdir", ports.take(&["workdir", "cwd", "working_dir"]).filter(Json::is_string));
    put(&mut with, "stdin", ports.take(&["stdin", "input", "data"]));
    // Output is streamed and captured in any case.
    ports.take(&["stream_output", "capture_stdout", "capture_stderr", "strip_trailing_newline"]);
    if ports.take(&["fail_on_error"]).as_ref().and_then(truth) == Some(false) {
        importer.report.approximated(place, "a command that fails has no output: the steps after it go on without");
        let mut step = task("shell", with);
        step.insert("on_failure".into(), "continue".into());
        return step;
    }
    task("shell", with)
}

fn code(ports: &mut Ports) -> Obj {
    let source = ports.take(&["source", "code", "script", "expression"]).and_then(|it| scalar_text(&it));
    let source = source.unwrap_or_else(|| "null".to_owned());
    ports.take(&["language"]);
    let timeouts = ["timeout", "timeout_seconds", "timeout_ms"];
    let args: Obj = ports.rest().into_iter().filter(|(name, _)| !timeouts.contains(&name.as_str())).collect();
    ports.taken.extend(args.keys().cloned());
    let names = args.keys().map(String::as_str).filter(|it| identifier(it) == *it).collect::<Vec<_>>().join(", ");
    let module = if source.contains("export default") {
        source
    } else if source.contains("return") {
        format!("export default ({{ {names} }}) => {{\n{source}\n}}\n")
    } else {
        format!("export default ({{ {names} }}) => ({})\n", source.trim().trim_end_matches(';'))
    };
    let with = [("source".to_owned(), module.into()), ("args".to_owned(), Json::Object(args))];
    task("code", Obj::from_iter(with))
}

fn transform(importer: &mut Importer<'_>, family: Family, place: &str, ports: &mut Ports) -> Obj {
    let names = ["json", "value", "input", "data", "text", "body"];
    let value = ports.take(&names).unwrap_or_else(|| input(importer, place, "value"));
    let mut with = Obj::new();
    match family {
        Family::Parse => drop(with.insert("json_parse".into(), value)),
        Family::Stringify => drop(with.insert("json_stringify".into(), value)),
        _ => {
            let filter = ports.take(&["filter", "expression", "query", "jq"]).unwrap_or_else(|| ".".into());
            with.insert("jq".into(), filter);
            with.insert("input".into(), value);
        }
    }
    task("transform", with)
}

/// The ports of a condition for what passes through it.
const PAYLOADS: &[&str] = &["payload", "input", "value", "data"];

/// A condition: the step keeps it and what passes through, and the steps behind its ports ask for it.
fn branch(importer: &mut Importer<'_>, place: &str, ports: &mut Ports) -> Obj {
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
            importer.report.approximated(place, "nothing is connected to its condition: it never holds");
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

/// Retries and the time limit.
fn policies(importer: &mut Importer<'_>, members: &mut Members<'_>, ports: &mut Ports, place: &str, step: &mut Obj) {
    let seconds = ports.take(&["timeout", "timeout_seconds"]);
    let millis = ports.take(&["timeout_ms"]);
    let timeout = seconds.and_then(|it| duration(&it, Duration::from_secs(1)));
    let timeout = timeout.or_else(|| millis.and_then(|it| duration(&it, Duration::from_millis(1))));
    put(step, "timeout", timeout);
    let Some(policy) = members.take(&["retry_policy", "retry"]).map(plain) else { return };
    let (policy, unknown) = retry(&policy);
    for it in unknown {
        importer.report.lost(&format!("{place}.retry_policy"), it);
    }
    if step.contains_key("uses") {
        put(step, "retry", policy);
    } else {
        importer.report.info(&format!("{place}.retry_policy"), "what runs inside the engine is not tried again");
    }
}
