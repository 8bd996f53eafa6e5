//! Flows that use flows in other files.

use std::collections::BTreeMap;

use drawloom_lang::{Compiled, Diagnostic, KindInfo, Kinds, Optimise, Options, Placement, Source, compile};
use serde_json::json;

/// Compiles the first of these documents; the others are beside it.
fn compiled(documents: &[(&str, &str)]) -> Result<Compiled, Vec<Diagnostic>> {
    let schema = json!({ "type": "object" });
    let kinds = Kinds::new([KindInfo { name: "log".to_owned(), placement: Placement::Inline, place: None, schema }]);
    let flow = |(name, steps): &(&str, &str)| {
        let title = name.trim_end_matches(".yaml").replace('/', "-");
        Source::new(*name, format!("{{drawloom: 1, name: {title}, steps: [{steps}]}}"))
    };
    let children: BTreeMap<String, Source> = documents.iter().map(|it| (it.0.to_owned(), flow(it))).collect();
    let options = Options { optimise: Optimise::On, kinds: &kinds, children: &children };
    compile(&flow(&documents[0]), &options)
}

/// The code, document and message of each problem.
#[track_caller]
fn check(documents: &[(&str, &str)], expected: &[&str]) {
    let problems = match compiled(documents) {
        Ok(it) => it.diagnostics,
        Err(problems) => problems,
    };
    let found: Vec<String> = problems.iter().map(|it| format!("{} {}: {}", it.code, it.path, it.message)).collect();
    assert_eq!(found, expected);
}

#[test]
fn each_file_is_compiled_once_and_before_its_users() {
    let main = "{id: a, flow: ./sub/b.yaml}, {id: b, flow: ./c.yaml}, {id: c, flow: ./c.yaml}";
    let documents = [
        ("main.yaml", main),
        ("sub/b.yaml", "{id: x, flow: ../c.yaml}"),
        ("c.yaml", "{id: x, uses: log, with: {message: hi}}"),
    ];
    let main = compiled(&documents).expect("a flow");
    let names: Vec<&str> = main.children.iter().map(|it| it.blueprint.flow.as_str()).collect();
    assert_eq!(names, ["c", "sub-b"]);
    assert_eq!(main.blueprint.flow, "main");
}

#[test]
fn what_is_missing_or_wrong_is_said_at_the_step() {
    check(
        &[("main.yaml", "{id: a, flow: ./b.yaml}")],
        &["DL0801 main.yaml: there is no sub-flow `./b.yaml` beside this flow"],
    );
    check(
        &[("x/main.yaml", "{id: a, flow: ./b.yaml}, {id: b, flow: ./b.yaml}"), ("x/b.yaml", "{id: a}")],
        &[
            "DL0205 x/b.yaml: step `a` does not say what it does",
            "DL0802 x/main.yaml: the sub-flow `./b.yaml` has 1 error",
        ],
    );
}

#[test]
fn a_flow_may_call_itself_under_a_condition() {
    let again = "{id: a, if: '{{ run.id == \"x\" }}', then: [{id: b, flow: ./main.yaml}]}";
    check(&[("main.yaml", again)], &["DL0911 main.yaml: the flow `main` may call itself here again and again"]);
    assert!(compiled(&[("main.yaml", again)]).is_ok(), "it is a warning");
}

#[test]
fn flows_are_not_nested_without_end() {
    let names: Vec<String> = (0..40).map(|it| format!("f{it}.yaml")).collect();
    let steps: Vec<String> = (0..40).map(|it| format!("{{id: a, flow: ./f{}.yaml}}", it + 1)).collect();
    let documents: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(steps.iter().map(String::as_str)).collect();
    let problems = compiled(&documents).expect_err("too deep");
    assert_eq!(problems[0].code, drawloom_lang::Code::SubFlowTooDeep);
    assert_eq!(problems.len(), 32);
}
