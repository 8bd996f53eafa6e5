//! Whole documents, converted, and compiled as they come out; and documents that make no sense.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::{KindInfo, Kinds, Optimise, Options, Placement, compile};

/// The kinds with their parameters, as far as conversions use them.
fn kinds() -> Kinds {
    let kind = |name: &str, placement: Placement, required: &[&str], parameters: &[&str]| {
        let properties: Obj = parameters.iter().map(|it| ((*it).to_owned(), json!({}))).collect();
        let schema = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false
        });
        KindInfo { name: name.to_owned(), placement, place: None, schema }
    };
    let http = ["url", "method", "query", "headers", "body", "form", "auth", "response"];
    Kinds::new([
        kind("http", Placement::Worker, &["url"], &http),
        kind("shell", Placement::Worker, &[], &["command", "argv", "env", "inherit_env", "workdir", "stdin", "parse"]),
        kind("code", Placement::Worker, &["source"], &["source", "args"]),
        kind("log", Placement::Inline, &["message"], &["message", "level"]),
        kind("transform", Placement::Inline, &[], &["jq", "json_parse", "json_stringify", "input"]),
    ])
}

/// The converted text and the report of a document that comes out as a flow that compiles.
fn converted(name: &str, text: &str) -> String {
    let loaded = load(&Source::new(name, text)).expect("a foreign document");
    let options = Options { optimise: Optimise::On, kinds: &kinds(), children: &BTreeMap::new() };
    let text = loaded.source.text();
    if let Err(problems) = compile(&loaded.source, &options) {
        panic!("{text}\n{}", crate::render(&problems, std::slice::from_ref(&loaded.source), crate::Colour::Off));
    }
    let report: Vec<String> = loaded.converted.report.iter().map(ToString::to_string).collect();
    format!("{text}\n--- report\n{}", report.join("\n"))
}

macro_rules! golden {
    ($($name:ident $path:literal)*) => {
        $(
            #[test]
            fn $name() {
                assert_snapshot!(stringify!($name), converted($path, include_str!(concat!("tests/", $path))));
            }
        )*
    };
}

golden! {
    kinds_pipeline "kinds/pipeline.json"
    kinds_loops "kinds/loops.yaml"
    kinds_graph "kinds/graph.json"
    kinds_control "kinds/control.yaml"
    kinds_strange "kinds/strange.json"
    ports_shell_pipeline "ports/shell_pipeline.json"
    ports_data_pipeline "ports/data_pipeline.json"
    ports_branches "ports/branches.json"
}

#[test]
fn flows_are_not_foreign() {
    for text in [
        "drawloom: 1\nname: x\nnodes: [{ kind: Action }]\nsteps: []",
        "nodes: 5",
        "nodes: [{ id: a }]",
        "nodes: {}",
        "nodes",
        "[nodes]",
        "nodes: [",
    ] {
        assert_eq!(load(&Source::new("x", text)), None, "{text}");
    }
}

#[test]
fn warnings_stand_where_the_document_says_so() {
    let text = "nodes:\n  - { id: a, kind: Action, action: log, params: { message: x } }\n  - { id: b, kind: Odd }\n";
    let source = Source::new("x.yaml", text);
    let loaded = load(&source).expect("a foreign document");
    let warnings: Vec<_> =
        loaded.warnings.iter().map(|it| (it.code, source.slice(it.span), it.path.as_str())).collect();
    assert_eq!(warnings, [(crate::Code::ForeignUnknownNode, "{ id: b, kind: Odd }", "x.yaml")]);
    assert!(loaded.warnings.iter().all(|it| !it.is_error()));
    assert_eq!(loaded.source.name(), "x.yaml (converted)");
}

#[test]
fn conditions_in_many_spellings() {
    let mut resolve = |path: &expr::Path| format!("vars.{}", path.root);
    for (theirs, ours) in [
        ("${a} == 1", "vars.a == 1"),
        ("a === 'x' && !b", "vars.a == 'x' and not vars.b"),
        ("${a} || ${b}", "vars.a or vars.b"),
        ("a contains 'x'", "('x' in vars.a)"),
        ("not a contains 'x'", "('x' not in vars.a)"),
        ("'${a}-${b}' == \"c\"", "(vars.a ~ '-' ~ vars.b) == 'c'"),
        ("len(a) > 3 and b.length < 2", "(vars.a | length) > 3 and (vars.b | length) < 2"),
        ("a ? 1 : 2", "1 if vars.a else 2"),
        ("a == null", "vars.a == none"),
        ("a | upper == 'X'", "vars.a | upper == 'X'"),
        ("(${a} + 1) * 2 >= 4", "(vars.a + 1) * 2 >= 4"),
    ] {
        assert_eq!(expr::translate(theirs, &mut resolve).as_deref(), Ok(ours), "{theirs}");
    }
    for wrong in ["", "a ==", "foo(a)", "a ; b", "'open", "${a", "a @ b", "((", "contains"] {
        assert!(expr::translate(wrong, &mut resolve).is_err(), "{wrong}");
    }
}

/// Texts that stand at odd places.
const WORDS: &[&str] = &[
    "a",
    "b",
    "if",
    "My Node",
    "",
    "${a}",
    "${a.b} + 1",
    "${",
    "{{ a }}",
    "${x:-y}",
    "Action",
    "If",
    "Loop",
    "Parallel",
    "ForEach",
    "Switch",
    "Try",
    "SetVariable",
    "Wait",
    "http_get",
    "shell",
    "log",
    "code",
    "set",
    "fail",
    "http.request",
    "shell.exec",
    "debug.log",
    "flow.branch",
    "flow.merge",
    "time.delay",
    "transform.json_parse",
    "true_out",
    "body",
    "output",
    "error",
    "message",
    "5s",
    "String",
    "a == 1",
    "a ? b : c",
    "continue",
    "any",
    "\u{0}",
    "é",
    "{% raw %}",
    "}}",
    "| x",
    "StopWorkflow",
    "js",
];

/// Keys that the dialects know.
const KEYS: &[&str] = &[
    "id",
    "kind",
    "action",
    "params",
    "condition",
    "then",
    "else",
    "body",
    "items",
    "item",
    "times",
    "while",
    "until",
    "branches",
    "nodes",
    "cases",
    "default",
    "try",
    "catch",
    "finally",
    "name",
    "value",
    "message",
    "command",
    "args",
    "url",
    "code",
    "depends_on",
    "retry",
    "timeout",
    "output",
    "on_error",
    "when",
    "node_type",
    "config",
    "type",
    "from_node",
    "from_port",
    "to_node",
    "to_port",
    "retry_policy",
    "max_attempts",
    "left",
    "right",
    "operator",
    "max_iterations",
    "duration",
    "delay_ms",
    "headers",
    "join",
    "index",
    "parallel",
    "variables",
    "enabled",
    "env",
];

/// Keys of whole documents.
const TOP: &[&str] =
    &["nodes", "connections", "variables", "inputs", "outputs", "settings", "triggers", "name", "edges"];

/// Documents that look like the dialects and make little sense.
fn nonsense() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        6 => prop::sample::select(WORDS).prop_map(Json::from),
        1 => any::<bool>().prop_map(Json::from),
        1 => (-2_i64..100).prop_map(Json::from),
        1 => Just(Json::Null),
        1 => any::<f64>().prop_map(Json::from),
    ];
    let value = leaf.prop_recursive(6, 80, 6, |inner| {
        let object = prop::collection::vec((prop::sample::select(KEYS), inner.clone()), 0..6);
        prop_oneof![prop::collection::vec(inner, 0..4).prop_map(Json::from), object.prop_map(object_of)]
    });
    let kind = prop_oneof![
        Just(json!({ "id": "a", "kind": "Action", "action": "log" })),
        Just(json!({ "id": "a", "node_type": "debug.log" }))
    ];
    let more = prop::collection::vec((prop::sample::select(TOP), value.clone()), 0..5);
    (more, prop::collection::vec(value, 0..5), kind).prop_map(|(more, mut nodes, kind)| {
        nodes.push(kind);
        let mut document = object_of(more);
        document["nodes"] = nodes.into();
        document
    })
}

fn object_of(members: Vec<(&str, Json)>) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nonsense_becomes_a_flow_that_compiles(document in nonsense()) {
        let converted = convert(&document).expect("a foreign document");
        let source = Source::new("x", to_yaml(&converted.flow));
        let options = Options { optimise: Optimise::On, kinds: &kinds(), children: &BTreeMap::new() };
        let problems = compile(&source, &options).err().unwrap_or_default();
        let errors: Vec<_> = problems.iter().filter(|it| it.is_error()).collect();
        prop_assert!(errors.is_empty(), "{errors:#?}\n{document:#}\n{}", source.text());
    }

    #[test]
    fn no_text_is_too_odd(text in "[ -~]{0,40}") {
        let mut resolve = |path: &expr::Path| format!("x.{}", path.root);
        let _ = expr::translate(&text, &mut resolve);
        let _ = expr::reference(&text, &mut resolve);
        let joined: String = text::pieces(&text).into_iter().map(|it| match it {
            text::Piece::Text(it) => it,
            text::Piece::Reference(it) => format!("${{{it}}}"),
        }).collect();
        prop_assert!(joined.len() <= text.len());
    }
}
