use drawloom_blueprint::{Blueprint, Op, StepIx, expr::Expr};

use super::{compact::compact, edges::reduce, fold::fold, fuse::fuse, optimise, prune::prune};
use crate::{Optimise, PassReport, emit::tests::steps};

fn all(blueprint: Blueprint) -> (Blueprint, Vec<PassReport>) {
    let (after, passes) = optimise(blueprint, Optimise::On);
    assert_eq!(Blueprint::decode(&after.encode()).as_ref(), Ok(&after), "every index points somewhere");
    (after, passes)
}

#[test]
fn nothing_is_done_where_nothing_is_wanted() {
    let before = steps("  - { id: a, set: { x: \"{{ 1 + 1 }}\" } }\n");
    assert_eq!(optimise(before.clone(), Optimise::Off), (before, Vec::new()));
}

#[test]
fn a_second_time_finds_nothing_new_to_drop() {
    let (once, _) = all(steps(
        "
  - { id: a, uses: log, when: \"{{ 1 < 2 }}\" }
  - { id: b, if: \"{{ false }}\", then: [ { id: c, uses: log } ] }
  - { id: d, uses: log, needs: [a, b] }
  - { id: e, uses: log, needs: [a, d] }
",
    ));
    let (twice, passes) = all(once.clone());
    assert_eq!(once, twice);
    let changed: Vec<&str> = passes.iter().filter(|it| !it.changes.is_empty()).map(|it| it.pass).collect();
    assert!(changed.is_empty() || changed == ["fuse inline steps"], "{changed:?}");
}

#[test]
fn constants_fold_unless_they_fail_or_bloat() {
    let (it, changes) = fold(steps(
        "
  - id: a
    set:
      sum: \"{{ 1 + 2 }}\"
      text: \"a{{ 1 + 2 }}\"
      fails: \"{{ 1 / 0 }}\"
      large: \"{{ range(9999) | list }}\"
      clock: \"{{ now() }}\"
      input: \"{{ inputs.x + 1 }}\"
",
    ));
    let texts: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["{{ 1 + 2 }} is always 3"]);
    assert!(it.exprs.contains(&Expr::Const("a3".into())));
    assert_eq!(it.exprs.iter().filter(|it| matches!(it, Expr::Jinja(_))).count(), 4);
}

#[test]
fn conditions_that_decide_nothing_go() {
    let (it, changes) = prune(steps(
        "
  - id: g
    when: \"{{ inputs.x }}\"
    group:
      - id: h
        when: \"{{ true }}\"
        group:
          - id: i
            when: \"{{ false }}\"
            group: [ { id: a, uses: log, when: \"{{ inputs.y }}\" } ]
",
    ));
    assert_eq!(it.steps[0].when.len(), 2, "the one that may fail and the one that never holds");
    assert_eq!(changes.len(), 2);
}

#[test]
fn arms_that_are_never_taken_go_with_their_steps() {
    let (it, _) = all(steps(
        "
  - id: s
    switch:
      - { when: \"{{ false }}\", do: [ { id: a, for_each: { in: [1] }, do: [ { id: b, uses: log } ] } ] }
      - { when: \"{{ inputs.x }}\", do: [ { id: c, uses: log } ] }
      - { when: \"{{ 1 }}\", do: [ { id: d, uses: log } ] }
      - { do: [ { id: e, uses: log } ] }
  - { id: f, uses: log }
",
    ));
    let ids: Vec<&str> = it.steps.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["s", "f", "c", "d"]);
    let Op::Switch(arms) = &it.steps[0].op else { panic!("no switch") };
    assert_eq!(arms.iter().map(|it| it.when.is_some()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(it.scopes.len(), 3);
}

#[test]
fn needs_go_only_where_other_needs_bring_the_same_news() {
    for (b, c, dropped) in [
        ("", "", true),
        ("run_if: none_failed", "run_if: none_failed", true),
        ("", "run_if: none_failed", true),
        ("run_if: none_failed", "", false),
        ("run_if: all_done", "", false),
        ("run_if: all_done", "run_if: all_done", false),
        ("", "run_if: one_success", false),
        ("", "run_if: all_done", false),
        ("run_if: always", "", false),
        ("on_failure: continue", "", false),
        ("when: \"{{ inputs.x }}\"", "", true),
    ] {
        let separator = |it: &str| if it.is_empty() { String::new() } else { format!(", {it}") };
        let (it, changes) = reduce(steps(&format!(
            "
  - {{ id: a, uses: shell, needs: [] }}
  - {{ id: b, uses: shell, needs: [a]{} }}
  - {{ id: c, uses: shell, needs: [a, b]{} }}
",
            separator(b),
            separator(c)
        )));
        assert_eq!(changes.len(), usize::from(dropped), "b: {b}, c: {c}");
        assert_eq!((it.steps[2].needs, it.edges.len()), if dropped { (1, 2) } else { (2, 3) });
        assert_eq!(it.next(StepIx(1)), [StepIx(2)]);
    }
}

#[test]
fn dense_graphs_are_left_alone_in_time() {
    let mut text = String::new();
    for at in 0..400 {
        let needs: Vec<String> = (0..at).map(|it| format!("s{it}")).collect();
        text.push_str(&format!("  - {{ id: s{at}, uses: shell, needs: [{}] }}\n", needs.join(", ")));
    }
    let (it, changes) = reduce(steps(&text));
    let sum: u32 = it.steps.iter().map(|it| it.needs).sum();
    assert_eq!(sum as usize, it.edges.len());
    assert_eq!(it.edges.len() + changes.len(), 400 * 399 / 2);
}

#[test]
fn only_steps_with_nothing_beside_them_are_fused() {
    let fused = |text: &str| {
        let (it, _) = fuse(steps(text));
        let pair = |it: &drawloom_blueprint::Step, blueprint: &Blueprint| {
            Some(format!("{}{}", it.id, blueprint.step(it.fused_next?).id))
        };
        it.steps.iter().filter_map(|step| pair(step, &it)).collect::<Vec<_>>().join(" ")
    };
    let (a, b) = ("  - { id: a, uses: log }\n", "  - { id: b, uses: log }\n");
    assert_eq!(fused(&format!("{a}{b}  - {{ id: c, uses: shell }}\n  - {{ id: d, uses: log }}\n")), "ab");
    assert_eq!(fused(&format!("{a}{b}  - {{ id: c, uses: log, needs: [a] }}\n")), "");
    assert_eq!(fused(&format!("{a}{b}  - {{ id: c, uses: shell, needs: [] }}\n")), "");
    for (rule, follows) in
        [("all_done", "ab"), ("none_skipped", "ab"), ("one_failed", ""), ("all_failed", ""), ("always", "")]
    {
        assert_eq!(fused(&format!("{a}  - {{ id: b, uses: log, run_if: {rule} }}\n")), follows, "{rule}");
    }
    // It starts at once, beside the others.
    assert_eq!(fused(&format!("{a}{b}  - {{ id: c, uses: log, run_if: always }}\n")), "");
    assert_eq!(fused(&format!("  - {{ id: a, stop: now }}\n{b}")), "");
    let inside =
        |head: &str| format!("  - {{ id: o, {head}, do: [ {{ id: a, uses: log }}, {{ id: b, uses: log }} ] }}\n");
    assert_eq!(fused(&inside("loop: { until: \"{{ inputs.x }}\" }")), "ab");
    assert_eq!(fused(&inside("for_each: { in: [1], concurrency: 1 }")), "ab");
    assert_eq!(fused(&inside("for_each: { in: [1] }")), "");
}

#[test]
fn what_is_used_stays_and_keeps_its_order() {
    let before = steps(
        "
  - { id: a, parallel: { x: [ { id: b, uses: log } ], y: [] } }
  - { id: c, uses: shell, compensate: [ { id: d, uses: log } ] }
",
    );
    let (after, changes) = compact(before.clone());
    assert!(changes.is_empty());
    assert_eq!(after, before);
}

/// One of everything that names a step, a scope or an expression.
const LIVE: &str = r#"
  - id: fetch
    uses: http
    with: { url: "https://x/{{ inputs.day }}" }
    cache: { ttl: 1h, key: "{{ inputs.day }}-key" }
    compensate: [ { id: undo, uses: shell, with: { command: "undo {{ fetch.body }}" } } ]
  - { id: sides, parallel: { mail: [ { id: send, uses: http, with: { url: "{{ inputs.mail }}" } } ], audit: [] } }
  - id: choice
    switch:
      - { when: "{{ inputs.a }}", do: [ { id: ca, uses: log, with: { message: "{{ inputs.a }}!" } } ] }
      - { do: [ { id: cb, uses: shell, with: { command: "{{ inputs.b }}" } } ] }
  - id: each
    for_each: { in: "{{ inputs.items }}", concurrency: "{{ inputs.width }}", batch: "{{ inputs.batch }}" }
    do: [ { id: twice, set: { y: "{{ item * 2 }}" } }, { id: say, uses: log, with: { message: "{{ twice.y }}" } } ]
  - id: poll
    loop: { until: "{{ status.done }}", while: "{{ inputs.go }}", max: "{{ inputs.most }}", every: 5s }
    do: [ { id: status, uses: http, with: { url: "{{ inputs.status }}" } } ]
  - id: careful
    try: [ { id: risky, uses: shell, with: { command: "{{ inputs.risk }}" } } ]
    catch: [ { id: told, uses: log, with: { message: "{{ error.message }}" } } ]
    finally: [ { id: clean, uses: shell, with: { command: "{{ inputs.clean }}" } } ]
  - { id: nap, wait: { for: "{{ inputs.nap }}" } }
  - { id: later, wait: { until: "{{ inputs.at }}" } }
  - { id: signalled, wait: { signal: "go-{{ inputs.x }}" } }
  - { id: approved, wait: { approval: "Ship {{ inputs.x }}?" } }
  - { id: child, flow: other@3, with: { x: "{{ inputs.child }}" } }
  - { id: bad, fail: "no {{ inputs.why }}", when: "{{ inputs.bad }}" }
  - { id: good, stop: "{{ inputs.enough }}", when: "{{ inputs.good }}" }
"#;

#[test]
fn what_stands_behind_dead_branches_moves_up_whole() {
    // Within a block, so that what is dropped stands before it.
    let live = LIVE.replace("\n  ", "\n      ");
    let flow = |dead: &str| {
        crate::emit::tests::plain(&format!(
            r#"drawloom: 1
name: test
labels: {{ day: "{{{{ inputs.day }}}} label" }}
limits: {{ concurrency: {{ max: 2, key: "{{{{ inputs.customer }}}} key" }} }}
steps:
  - {{ id: dead, if: "{{{{ false }}}}", then: [ {dead} ] }}
  - id: around
    try:{live}outputs: {{ out: "{{{{ fetch.body }}}} out" }}
"#
        ))
    };
    let little = flow("{ id: d, uses: log }");
    let much = flow(
        r#"{ id: d, uses: log, with: { message: "{{ inputs.d1 }} dead" } }, { id: e, for_each: { in: "{{ inputs.d2 }}" },
           do: [ { id: g, try: [ { id: h, uses: shell, with: { command: "{{ inputs.d3 }} dead" } } ] } ] },
           { id: i, loop: { until: "{{ inputs.d4 }}" }, do: [ { id: j, uses: log } ] }"#,
    );
    assert!(much.exprs.len() > little.exprs.len() + 3 && much.scopes.len() > little.scopes.len());
    let (little, much) = (all(little).0, all(much).0);
    assert!(little.limits.concurrency.as_ref().is_some_and(|it| it.key.is_some()));
    assert!(little == much, "{}\n{}", crate::explain::text(&little, &[]), crate::explain::text(&much, &[]));
}
