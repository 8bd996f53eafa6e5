//! Whether what is used has certainly run.

use super::{check, check_flow};

#[test]
fn a_step_uses_what_it_waits_for() {
    check(
        r#"{id: a, set: {}}, {id: b, set: {a: "{{ a }}"}}, {id: c, set: {a: "{{ a }}{{ b }}"}},
        {id: d, needs: [a], set: {a: "{{ a }}"}}, {id: e, needs: [d], set: {a: "{{ a }}", b: "{{ c }}", c: "{{ f }}"}},
        {id: f, needs: [], set: {a: "{{ e | default(1) }}"}},
        {id: g, needs: [e], parallel: [[{id: h, set: {a: "{{ d }}{{ e }}", b: "{{ c }}", c: "{{ g }}"}}]]}"#,
        r#"
            DL0310 3:98 'c' `c` need not have ended when `e` begins [2 'c': it stands here] (let `e` wait for it: write `needs: [c]`; or say what is meant then: `c | default(…)`)
            DL0310 3:112 'f' `f` need not have ended when `e` begins [4 'f': it comes later] (let `e` wait for it: move `e` behind `f`; or say what is meant then: `f | default(…)`)
            DL0310 5:83 'c' `c` need not have ended when `g` begins [2 'c': it stands here] (let `g` wait for it: write `needs: [c]`; or say what is meant then: `c | default(…)`)
            DL0311 5:97 'g' `g` has not ended while its own steps run
        "#,
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
        r#"
            DL0309 3:30 'a' `a` may not have run: it is skipped when its condition is false [2 '"{{ inputs.n > 1 }}"': because of this] (say what is meant then: `a | default(…)`; or skip `b` together with it: `needs: [a]`)
            DL0309 6:30 'c' `c` may not have run: it is skipped together with `a`, which it needs [2 'a': because of this] (say what is meant then: `c | default(…)`; or skip `e` together with it: `needs: [c]`)
            DL0309 7:60 'a' `a` may not have run: it is skipped when its condition is false [2 '"{{ inputs.n > 1 }}"': because of this] (say what is meant then: `a | default(…)`)
        "#,
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
        r#"
            DL0309 3:42 'a' `a` may not have run: it may fail, and the flow goes on [2 'continue': because of this] (say what is meant then: `a | default(…)`)
            DL0309 5:30 'c' `c` may not have run: it may fail, and the flow goes on (say what is meant then: `c | default(…)`)
        "#,
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
        r#"
            DL0309 3:62 'a' `a` has no output when `c` runs: that is what its `run_if` asks for [3 'all_failed': because of this] (say what is meant then: `a | default(…)`)
            DL0310 4:65 'a' `a` need not have ended when `d` begins [2 'a': it stands here] (`run_if` lets `d` begin before all that it needs has ended; say what is meant then: `a | default(…)`)
            DL0310 6:58 'a' `a` need not have ended when `f` begins [2 'a': it stands here] (`run_if` lets `f` begin before all that it needs has ended; say what is meant then: `a | default(…)`)
            DL0309 8:60 'c' `c` may not have run: its `run_if` may not hold [3 'all_failed': because of this] (say what is meant then: `c | default(…)`)
        "#,
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
        r#"
            DL0309 4:73 'a' `a` may not have run: it is skipped when its condition is false [2 '"{{ inputs.n > 1 }}"': because of this] (say what is meant then: `a | default(…)`; or skip `c` together with it: `needs: [a]`)
            DL0309 6:58 'a' `a` may not have run: it is skipped when its condition is false [2 '"{{ inputs.n > 1 }}"': because of this] (say what is meant then: `a | default(…)`; or skip `g` together with it: `needs: [a]`)
            DL0309 8:27 'a' `a` may not have run: it is skipped when its condition is false [2 '"{{ inputs.n > 1 }}"': because of this] (say what is meant then: `a | default(…)`; or skip `j` together with it: `needs: [a]`)
            DL0309 8:53 'a' `a` may not have run: it is skipped when its condition is false [2 '"{{ inputs.n > 1 }}"': because of this] (say what is meant then: `a | default(…)`; or skip `j` together with it: `needs: [a]`)
        "#,
    );
}

#[test]
fn the_condition_of_a_group_counts_for_each_of_its_steps() {
    check(
        r#"{id: a, when: "{{ inputs.n > 1 }}", set: {x: 1}},
        {id: g, needs: [a], when: "{{ a.x > 1 }}", group: [{id: b, set: {}}, {id: c, set: {}}]},
        {id: d, set: {a: "{{ b }}"}}, {id: e, needs: [g], set: {a: "{{ b }}{{ c }}"}}"#,
        r#"
            DL0309 3:39 'a' `a` may not have run: it is skipped when its condition is false [2 '"{{ inputs.n > 1 }}"': because of this] (say what is meant then: `a | default(…)`; or skip `c` together with it: `needs: [a]`)
            DL0309 4:30 'b' `b` may not have run: it is skipped when the condition of its group is false (say what is meant then: `b | default(…)`; or skip `d` together with it: `needs: [b]`)
        "#,
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
        r#"
            DL0309 10:32 'd' `d` may not have run: it is skipped when its condition is false [11 '"{{ c.x }}"': because of this] (say what is meant then: `d | default(…)`)
            DL0309 12:19 'a' `a` may not have run: it is skipped when its condition is false [6 '"{{ inputs.n > 1 }}"': because of this] (say what is meant then: `a | default(…)`)
        "#,
    );
}

#[test]
fn steps_behind_the_end_of_the_run_are_never_reached() {
    check(
        r#"{id: a, set: {}}, {id: b, stop: done}, {id: c, set: {}}, {id: d, set: {}},
        {id: e, needs: [], when: "{{ inputs.n > 1 }}", fail: no}, {id: f, set: {}},
        {id: g, needs: [], parallel: [[{id: h, fail: no}, {id: i, set: {}}, {id: j, run_if: all_done, set: {}}]]},
        {id: k, needs: [], switch: [{when: "{{ true }}", do: []}, {do: []}]}"#,
        r#"
            DL0901 warning 2:45 'c' `c` can never run: `b` ends the run before it [2 'b': the run ends here] (give `b` a condition (`when`), or move the `stop` to the end)
            DL0901 warning 4:64 'i' `i` can never run: `h` ends the run before it [4 'h': the run ends here] (give `h` a condition (`when`), or move the `fail` to the end)
            DL0902 warning 5:44 '"{{ true }}"' the condition of the arm always holds
            DL0901 warning 5:67 '{do: []}' this arm is never taken: one before it always is [5 '"{{ true }}"': this always holds]
        "#,
    );
}
