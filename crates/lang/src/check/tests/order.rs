//! Whether what is used has certainly run.

use super::{check, check_flow};

#[test]
fn a_step_uses_what_it_waits_for() {
    check(
        r#"{id: a, set: {}}, {id: b, set: {a: "{{ a }}"}}, {id: c, set: {a: "{{ a }}{{ b }}"}},
        {id: d, needs: [a], set: {a: "{{ a }}"}}, {id: e, needs: [d], set: {a: "{{ a }}", b: "{{ c }}", c: "{{ f }}"}},
        {id: f, needs: [], set: {a: "{{ e | default(1) }}"}},
        {id: g, needs: [e], parallel: [[{id: h, set: {a: "{{ d }}{{ e }}", b: "{{ c }}", c: "{{ g }}"}}]]}"#,
        r#""#,
    );
}

#[test]
fn what_may_be_skipped_needs_a_default() {
    check(
        r#"{id: a, when: "{{ inputs.n > 1 }}", set: {x: 1}},
        {id: b, set: {a: "{{ a.x }}", b: "{{ a.x | default(1) }}", c: "{{ a.x if a is defined else 2 }}", d: "{{ a is defined and a.x }}"}},
        {id: c, needs: [a], set: {a: "{{ a.x }}"}},
        {id: d, needs: [c], set: {a: "{{ a.x }}{{ c }}"}},
        {id: e, set: {a: "{{ c.a }}"}},
        {id: f, needs: [a], run_if: all_done, set: {a: "{{ a.x }}"}},
        {id: g, needs: [a], run_if: none_skipped, set: {a: "{{ a.x }}"}},
        {id: h, needs: [b], set: {a: "{{ b.a }}"}}"#,
        r#""#,
    );
}

#[test]
fn what_may_fail_and_be_passed_over_needs_a_default() {
    check(
        r#"{id: a, uses: http, with: {url: x}, on_failure: continue},
        {id: b, needs: [a], set: {a: "{{ a.body }}", b: "{{ a.body | default(none) }}"}},
        {id: g, on_failure: continue, needs: [], group: [{id: c, uses: http, with: {url: x}}]},
        {id: d, set: {a: "{{ c.body }}"}},
        {id: e, for_each: {in: [1], on_failure: continue}, do: [{id: f, set: {}}]},
        {id: h, set: {a: "{{ e }}"}}"#,
        r#""#,
    );
}

#[test]
fn trigger_rules_say_what_has_run() {
    check(
        r#"{id: a, uses: http, with: {url: x}}, {id: b, needs: [], uses: http, with: {url: x}},
        {id: c, needs: [a], run_if: all_failed, set: {a: "{{ a.body }}"}},
        {id: d, needs: [a, b], run_if: one_failed, set: {a: "{{ a.body }}{{ b.body | default(1) }}"}},
        {id: e, needs: [a], run_if: one_success, set: {a: "{{ a.body }}"}},
        {id: f, needs: [a], run_if: always, set: {a: "{{ a.body }}"}},
        {id: g, needs: [a, b], run_if: none_failed, set: {a: "{{ a.body }}{{ b.body }}"}},
        {id: h, needs: [c], run_if: all_done, set: {a: "{{ c.a }}"}},
        {id: i, needs: [c], set: {a: "{{ c.a }}"}}"#,
        r#""#,
    );
}

#[test]
fn conditions_around_a_step_provide_for_it() {
    check(
        r#"{id: a, when: "{{ inputs.n > 1 }}", set: {x: 1}},
        {id: b, when: "{{ a is defined and a.x > 1 }}", set: {a: "{{ a.x }}"}},
        {id: c, if: "{{ a is undefined }}", then: [{id: d, set: {a: "{{ a.x }}"}}], else: [{id: e, set: {a: "{{ a.x }}"}}]},
        {id: f, when: "{{ inputs.n > 1 }}", set: {a: "{{ a.x }}"}},
        {id: g, when: "{{ inputs.n > 2 }}", set: {a: "{{ a.x }}"}},
        {id: h, switch: [{when: "{{ a is not defined }}", do: []}, {do: [{id: i, set: {a: "{{ a.x }}"}}]}]},
        {id: j, when: "{{ a.x > 1 }}", set: {a: "{{ a.x }}"}}"#,
        r#""#,
    );
}

#[test]
fn the_condition_of_a_group_counts_for_each_of_its_steps() {
    check(
        r#"{id: a, when: "{{ inputs.n > 1 }}", set: {x: 1}},
        {id: g, needs: [a], when: "{{ a.x > 1 }}", group: [{id: b, set: {}}, {id: c, set: {}}]},
        {id: d, set: {a: "{{ b }}"}}, {id: e, needs: [g], set: {a: "{{ b }}{{ c }}"}}"#,
        r#""#,
    );
}

#[test]
fn outputs_and_until_see_the_end_of_a_list() {
    check_flow(
        r#"drawloom: 1
name: test
inputs: { n: integer }
steps:
  - id: a
    when: "{{ inputs.n > 1 }}"
    set: {}
  - id: b
    needs: []
    loop: { until: "{{ c.x and d.x }}" }
    do: [{ id: c, set: { x: 1 } }, { id: d, when: "{{ c.x }}", set: { x: 1 } }]
outputs: { a: "{{ a }}", b: "{{ b }}", c: "{{ a | default(1) }}" }
"#,
        r#""#,
    );
}

#[test]
fn steps_behind_the_end_of_the_run_are_never_reached() {
    check(
        r#"{id: a, set: {}}, {id: b, stop: done}, {id: c, set: {}}, {id: d, set: {}},
        {id: e, needs: [], when: "{{ inputs.n > 1 }}", fail: no}, {id: f, set: {}},
        {id: g, needs: [], parallel: [[{id: h, fail: no}, {id: i, set: {}}, {id: j, run_if: all_done, set: {}}]]},
        {id: k, needs: [], switch: [{when: "{{ true }}", do: []}, {do: []}]}"#,
        r#""#,
    );
}
