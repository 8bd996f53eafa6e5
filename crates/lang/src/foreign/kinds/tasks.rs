//! The task steps of nodes that do work: requests, commands, code.

use serde_json::{Value as Json, json};

use super::super::{
    build::{Members, Obj, put, scalar_text, take_duration, word},
    text::{Piece, escape, pieces},
};
use super::{
    Scope,
    node::Made,
    scope::{Bound, Shape},
    template::{self, object, value},
};
use crate::Code;

/// A task step; a time limit among the parameters is that of the step.
pub(super) fn task(params: &mut Members<'_>, uses: &str, with: Obj, bound: Bound) -> Made {
    let mut body = Obj::new();
    body.insert("uses".into(), uses.into());
    body.insert("with".into(), Json::Object(with));
    let timeout = take_duration(params, &["timeout", "timeout_ms", "timeout_seconds", "timeout_secs"]);
    put(&mut body, "timeout", timeout.map(|(_, it)| it));
    Made::Step(body, bound)
}

/// The parameters of a request.
pub(super) fn http(method: Option<&str>, params: &mut Members<'_>, place: &str, scope: &mut Scope) -> Obj {
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

/// The parameters of a command; nothing where there is none.
pub(super) fn shell(params: &mut Members<'_>, place: &str, scope: &mut Scope) -> Option<Obj> {
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
pub(super) fn code(id: String, params: &mut Members<'_>, place: &str, scope: &mut Scope) -> Made {
    let Some(source) = params.take_text(&["code", "source", "script", "function", "expression", "value"]) else {
        return Made::Impossible(Code::ForeignMissing, "there is no code".to_owned());
    };
    let language = params.take_text(&["language", "lang", "runtime"]).map(|it| word(&it));
    if !matches!(language.as_deref(), None | Some("js" | "javascript" | "node" | "nodejs" | "typescript" | "ts")) {
        return Made::Impossible(
            Code::ForeignNotMapped,
            format!("code in {} has no counterpart", language.unwrap_or_default()),
        );
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
    with.insert("source".into(), escape(&module).into());
    with.insert("args".into(), Json::Object(args));
    task(params, "code", with, Bound { expr: id, shape: Shape::Value, maybe: false })
}
