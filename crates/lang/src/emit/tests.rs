use std::collections::BTreeMap;

use drawloom_blueprint::{Blueprint, ExprIx, Op, StepIx, TriggerRule, expr::Expr};

use super::lower;
use crate::{KindInfo, Kinds, Optimise, Options, Placement, Source, explain, parse};

mod forms;
mod size;

/// The kinds of the tests: `http` and `shell` are tasks, `log` is inline, and `transform` is where its parameters
/// say.
pub(crate) fn kinds() -> Kinds {
    let kind = |name: &str, placement| KindInfo {
        name: name.to_owned(),
        placement,
        place: None,
        schema: serde_json::json!({ "type": "object" }),
    };
    let place = |with: &serde_json::Value| if with.get("jq").is_some() { Placement::Local } else { Placement::Inline };
    let transform = KindInfo { place: Some(place), ..kind("transform", Placement::Inline) };
    Kinds::new([
        kind("http", Placement::Worker),
        kind("shell", Placement::Worker),
        kind("log", Placement::Inline),
        transform,
    ])
}

/// The plain blueprint of a document that can be read.
pub(crate) fn plain(text: &str) -> Blueprint {
    let (flow, problems) = parse(&Source::new("flow.yaml", text));
    assert!(problems.is_empty(), "{problems:#?}");
    let (kinds, children) = (kinds(), BTreeMap::new());
    let options = Options { optimise: Optimise::Off, kinds: &kinds, children: &children };
    let blueprint = lower(&flow.expect("a flow"), &options);
    assert_eq!(Blueprint::decode(&blueprint.encode()).as_ref(), Ok(&blueprint));
    blueprint
}

/// The plain blueprint of a flow with these steps.
pub(crate) fn steps(steps: &str) -> Blueprint {
    plain(&format!("drawloom: 1\nname: test\nsteps:\n{steps}"))
}

fn step(blueprint: &Blueprint, id: &str) -> StepIx {
    blueprint.find(id).unwrap_or_else(|| panic!("no step {id}"))
}

/// The ids of the steps that a step needs, and its rule.
fn needs(blueprint: &Blueprint, id: &str) -> String {
    let to = step(blueprint, id);
    let all = (0..).map(StepIx).take(blueprint.steps.len());
    let needs: Vec<&str> =
        all.filter(|from| blueprint.next(*from).contains(&to)).map(|it| blueprint.step(it).id.as_str()).collect();
    assert_eq!(needs.len(), blueprint.step(to).needs as usize, "the count of the needs of {id}");
    format!("{} {}", needs.join(" "), blueprint.step(to).rule.name())
}

#[test]
fn order_implies_needs_and_needs_replace_order() {
    let it = steps(
        "
  - { id: a, uses: log }
  - { id: b, uses: log }
  - { id: c, uses: log, needs: [] }
  - { id: d, uses: log, needs: [c, a, c] }
  - { id: e, uses: log, run_if: all_done }
  - { id: f, uses: log, needs: [b], run_if: one_failed }
",
    );
    assert_eq!(needs(&it, "a"), " all_success");
    assert_eq!(needs(&it, "b"), "a none_failed");
    assert_eq!(needs(&it, "c"), " all_success");
    assert_eq!(needs(&it, "d"), "a c all_success");
    assert_eq!(needs(&it, "e"), "d all_done");
    assert_eq!(needs(&it, "f"), "b one_failed");
}

#[test]
fn groups_dissolve() {
    let it = steps(
        "
  - { id: a, uses: log }
  - id: g
    when: \"{{ inputs.x }}\"
    on_failure: continue
    group:
      - { id: b, uses: log, when: \"{{ inputs.y }}\" }
      - id: h
        needs: [a]
        run_if: all_done
        group:
          - { id: c, uses: log }
          - { id: d, uses: log, needs: [], on_failure: fail }
          - { id: e, uses: log, needs: [c] }
  - { id: f, uses: log }
  - { id: i, uses: log, needs: [g] }
  - { id: j, group: [] }
  - { id: k, uses: log }
",
    );
    assert_eq!(needs(&it, "b"), "a none_failed");
    assert_eq!(needs(&it, "c"), "a all_done");
    assert_eq!(needs(&it, "d"), "a all_done");
    assert_eq!(needs(&it, "e"), "c all_success");
    assert_eq!(needs(&it, "f"), "e none_failed");
    assert_eq!(needs(&it, "i"), "b c d e all_success");
    assert_eq!(needs(&it, "k"), "i none_failed");
    let at = |id: &str| it.step(step(&it, id));
    assert_eq!(at("b").when.len(), 2);
    assert_eq!(at("c").when.len(), 1);
    assert_eq!(at("c").when[0], at("b").when[0]);
    assert_eq!(at("c").groups, ["g", "h"]);
    assert!(at("c").continue_on_failure && !at("d").continue_on_failure && !at("f").continue_on_failure);
}

#[test]
fn expressions_become_what_is_cheapest() {
    let it = steps(
        r#"
  - id: a
    set:
      constant: { list: [1, two, null], text: plain }
      literal: "{{ 'x' }}"
      path: "{{ inputs.a['b c'][0][-1].d }}"
      jinja: "{{ inputs.a | default(run.id) ~ now() ~ range(3) }}"
      text: "a {{ inputs.a }} b"
      list: [1, "{{ inputs.a }}"]
      again: "x{{ inputs.a }}"
"#,
    );
    let Op::Set(at) = it.steps[0].op else { panic!("no set") };
    assert_eq!(
        explain::expr_source(&it.exprs, at),
        concat!(
            r#"{"constant": {"list":[1,"two",null],"text":"plain"}, "literal": "x", "#,
            r#""path": {{ inputs.a["b c"][0][-1].d }}, "jinja": {{ inputs.a | default(run.id) ~ now() ~ range(3) }}, "#,
            r#""text": "a {{ inputs.a }} b", "list": [1, {{ inputs.a }}], "again": "x{{ inputs.a }}"}"#
        )
    );
    let roots = it.exprs.iter().find_map(|it| if let Expr::Jinja(it) = it { Some(&it.roots) } else { None });
    assert_eq!(roots.map(Vec::as_slice), Some(["inputs".into(), "run".into(), "now".into()].as_slice()));
    let paths = it.exprs.iter().filter(|it| matches!(it, Expr::Path { .. })).count();
    assert_eq!(paths, 2, "equal expressions stand once");
}

#[test]
fn the_roots_of_an_expression_are_all_that_it_reads() {
    for (source, roots) in [
        ("a.b[c.d]", "a c"),
        ("a[1:b]", "a b"),
        ("not a and -b", "a b"),
        ("a if b else c", "b a c"),
        ("a < b < c", "a b c"),
        ("x | map(attribute=y) | join(z)", "x y z"),
        ("a is divisibleby(b)", "a b"),
        ("[a, (b, c), {d: e}]", "a b c d e"),
        ("dict(k=a) ~ range(b)", "a b"),
        ("a.items()", "a"),
        ("f(*a, **b)", "f a b"),
        ("1", ""),
    ] {
        let tree = minijinja::machinery::parse_expr(source).expect("an expression");
        assert_eq!(super::tree::Reads::of(&tree).roots.join(" "), roots, "{source}");
    }
}

#[test]
fn a_task_knows_its_secrets_and_policies() {
    let it = plain(
        r#"
drawloom: 1
name: test
defaults: { timeout: 5m, retry: { attempts: 7, delay: 2s }, queue: slow, priority: 3 }
steps:
  - id: a
    uses: http
    with: { x: "{{ secrets.B }}", y: ["Bearer {{ secrets['A'] ~ secrets.B }}"] }
    retry: { delay: 9s }
    timeout: 30s
    priority: -1
  - { id: b, uses: http, with: { x: 1 } }
  - { id: c, wait: { signal: go, timeout: 1h }, timeout: 2h }
  - { id: d, wait: { for: 5s }, timeout: 2h }
  - { id: e, loop: { until: "{{ true }}" }, do: [], timeout: 2h }
"#,
    );
    let task = |id: &str| match &it.step(step(&it, id)).op {
        Op::Task(it) => it.clone(),
        other => panic!("{other:?} is no task"),
    };
    let (a, b) = (task("a"), task("b"));
    assert_eq!(a.secrets, ["A", "B"]);
    assert_eq!((a.retry.attempts, a.retry.delay.as_secs(), b.retry.delay.as_secs()), (7, 9, 2));
    assert_eq!((a.timeout.map(|it| it.as_secs()), b.timeout.map(|it| it.as_secs())), (Some(30), Some(300)));
    assert_eq!((a.queue.as_deref(), a.priority, b.priority), (Some("slow"), -1, 3));
    assert!(b.secrets.is_empty());
    let limit = |id: &str| it.step(step(&it, id)).timeout.map(|it| it.as_secs());
    assert_eq!((limit("a"), limit("c"), limit("d"), limit("e")), (None, Some(3600), Some(7200), Some(7200)));
}

#[test]
fn a_kind_is_inline_where_its_parameters_allow_it() {
    let it = steps(
        "
  - { id: a, uses: transform, with: { hash: x } }
  - { id: b, uses: transform, with: { jq: . } }
  - { id: c, uses: log, compensate: [ { id: d, uses: log } ] }
",
    );
    let inline: Vec<(&str, bool)> = it.steps.iter().map(|it| (it.id.as_str(), it.op.is_inline())).collect();
    assert_eq!(inline, [("a", true), ("b", false), ("c", false), ("d", true)]);
}

#[test]
fn scopes_hold_their_steps_together() {
    let it = steps(
        "
  - id: a
    parallel:
      x: [ { id: b, uses: log }, { id: c, if: \"{{ true }}\", then: [ { id: d, uses: log } ] } ]
      y: []
  - { id: e, uses: log }
",
    );
    let ids: Vec<&str> = it.steps.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["a", "e", "b", "c", "d"]);
    for (at, step) in it.steps.iter().zip(0..) {
        assert!(at.rule != TriggerRule::Always && it.steps_of(at.scope).any(|it| it == StepIx(step)), "{}", at.id);
    }
    let named: Vec<(&str, u32, Option<u32>)> =
        it.scopes.iter().map(|it| (it.name.as_str(), it.len, it.last.map(|it| it.0))).collect();
    assert_eq!(named, [("root", 2, Some(1)), ("x", 2, Some(3)), ("y", 0, None), ("then", 1, Some(4))]);
    assert!(it.exprs.iter().enumerate().all(|(at, it)| it.parts().iter().all(|part: &ExprIx| part.ix() < at)));
}

#[test]
fn a_sub_flow_in_a_file_is_named_by_its_hash() {
    let child = Source::new("child.yaml", "drawloom: 1\nname: child\nsteps: [ { id: x, uses: log } ]\n");
    let parent = Source::new(
        "flow.yaml",
        "drawloom: 1\nname: parent\nsteps: [ { id: a, flow: ./child.yaml }, { id: b, flow: ./child.yaml, with: {} } ]\n",
    );
    let (kinds, children) = (kinds(), BTreeMap::from([("child.yaml".to_owned(), child)]));
    let options = Options { optimise: Optimise::On, kinds: &kinds, children: &children };
    let compiled = crate::compile(&parent, &options).expect("a flow without errors");
    assert_eq!(compiled.children.len(), 1);
    for step in &compiled.blueprint.steps {
        let Op::Flow(it) = &step.op else { panic!("no sub-flow") };
        assert_eq!((it.name.as_str(), it.version, it.hash), ("child", None, Some(compiled.children[0].hash)));
    }
}
