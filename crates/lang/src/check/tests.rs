//! What is said about flows that can be read but are wrong, and that nothing is said about those that are right.

mod arguments;
mod blocks;
mod expressions;
mod inputs;
mod kinds;
mod needs;
mod order;
mod scale;
mod scopes;
mod secrets;
mod subflows;
mod triggers;

use std::collections::BTreeMap;

use serde_json::json;

use crate::{Diagnostic, KindInfo, Kinds, Optimise, Options, Placement, Severity, Source, compile};

/// Kinds like those that there are.
fn kinds() -> Kinds {
    let http = json!({
        "type": "object",
        "properties": {
            "url": { "type": "string", "description": "Where the request goes." },
            "method": { "type": ["string", "null"] },
            "headers": { "type": "object" },
            "body": true,
            "max_bytes": { "type": "integer", "minimum": 0 },
            "response": { "type": "string", "enum": ["auto", "json", "text"] },
            "auth": {
                "type": "object",
                "properties": { "bearer": { "type": "string" } },
                "additionalProperties": false
            },
            "follow": { "anyOf": [{ "type": "boolean" }, { "type": "integer" }, { "type": "null" }] }
        },
        "required": ["url"],
        "additionalProperties": false
    });
    let log = json!({
        "type": "object",
        "properties": { "message": true, "level": { "enum": ["debug", "info"] } },
        "required": ["message"],
        "additionalProperties": false
    });
    let shell = json!({
        "type": "object",
        "properties": { "command": { "type": "string", "minLength": 1 }, "env": { "type": "object" } },
        "additionalProperties": false
    });
    let kind = |name: &str, placement, schema| KindInfo { name: name.to_owned(), placement, place: None, schema };
    Kinds::new([
        kind("http", Placement::Worker, http),
        kind("shell", Placement::Worker, shell),
        kind("log", Placement::Inline, log),
    ])
}

/// What compiling the first of these documents says; the others are beside it.
fn said(documents: &[(&str, &str)]) -> Vec<Diagnostic> {
    let kinds = kinds();
    let sources: Vec<Source> = documents.iter().map(|(name, text)| Source::new(*name, *text)).collect();
    let children: BTreeMap<String, Source> = sources.iter().map(|it| (it.name().to_owned(), it.clone())).collect();
    let options = Options { optimise: Optimise::On, kinds: &kinds, children: &children };
    match compile(&sources[0], &options) {
        Ok(it) => it.diagnostics,
        Err(problems) => problems,
    }
}

/// A problem on a line: code, place, the words underlined, message, other places, advice in brackets.
fn line(it: &Diagnostic, source: &Source) -> String {
    let place = |span: crate::Span| source.place(span.start);
    let severity = if it.severity == Severity::Warning { " warning" } else { "" };
    let help = it.help.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    let label = |it: &crate::Label| format!(" [{} '{}': {}]", place(it.span).line, source.slice(it.span), it.message);
    let labels: String = it.labels.iter().map(label).collect();
    let (at, words) = (place(it.span), source.slice(it.span));
    let words: String = words.chars().take(60).collect();
    format!("{}{severity} {}:{} '{words}' {}{labels}{help}", it.code, at.line, at.column, it.message)
}

#[track_caller]
fn compare(found: &[String], expected: &str, shown: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
    assert_eq!(found, expected, "of\n{shown}");
}

/// Compiles a document and compares what is said about it.
#[track_caller]
fn check_flow(document: &str, expected: &str) {
    let source = Source::new("flow.yaml", document);
    let found: Vec<String> = said(&[("flow.yaml", document)]).iter().map(|it| line(it, &source)).collect();
    compare(&found, expected, document);
}

/// The same for the steps of a flow, which begin on its first line, and the keys behind them.
#[track_caller]
fn check(steps: &str, expected: &str) {
    check_flow(
        &format!("{{drawloom: 1, name: test, inputs: {{n: integer, name: {{default: x}}}}, steps: [\n{steps}]}}"),
        expected,
    );
}
