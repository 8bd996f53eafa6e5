//! The task steps of nodes that do work.

use serde_json::{Value as Json, json};

use super::{
    super::{
        build::{Obj, put, scalar_text, truth},
        ids::identifier,
    },
    Importer,
    node::Family,
    values::Ports,
};
use crate::Code;

/// A task step of the kind `uses`.
pub(super) fn task(uses: &str, with: Obj) -> Obj {
    Obj::from_iter([("uses".to_owned(), uses.into()), ("with".to_owned(), Json::Object(with))])
}

/// A value that the document leaves to whoever starts the run.
fn input(importer: &mut Importer<'_>, place: &str, name: &str) -> Json {
    importer.report.changed(
        Code::ForeignMissing,
        place,
        format!("nothing is connected to `{name}`: it became an input of the flow"),
    );
    importer.inputs.entry(name.to_owned()).or_insert_with(|| json!({}));
    format!("{{{{ inputs.{name} }}}}").into()
}

pub(super) fn http(importer: &mut Importer<'_>, place: &str, ports: &mut Ports) -> Obj {
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

pub(super) fn shell(importer: &mut Importer<'_>, place: &str, ports: &mut Ports) -> Obj {
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
    put(&mut with, "inherit_env", ports.take(&["env_passthrough"]).filter(Json::is_array));
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

pub(super) fn code(ports: &mut Ports) -> Obj {
    let source = ports.take(&["source", "code", "script", "expression"]).and_then(|it| scalar_text(&it));
    let source = source.unwrap_or_else(|| "null".to_owned());
    ports.take(&["language"]);
    // What is left are arguments, but for the time limit, which is the step's.
    let timeouts = ["timeout", "timeout_seconds", "timeout_ms"];
    let names: Vec<String> = ports.rest().into_iter().map(|(name, _)| name).collect();
    let args: Obj = names
        .into_iter()
        .filter(|it| !timeouts.contains(&it.as_str()))
        .filter_map(|name| ports.take(&[&name]).map(|it| (name, it)))
        .collect();
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

pub(super) fn transform(importer: &mut Importer<'_>, family: Family, place: &str, ports: &mut Ports) -> Obj {
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
