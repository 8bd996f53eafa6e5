//! Which names are known where.

use super::{check, check_flow};

#[test]
fn items_and_positions_are_known_in_the_body() {
    check(
        r#"{id: each, for_each: {in: "{{ range(inputs.n) }}", as: order, index: at, concurrency: "{{ order }}"}, do: [
            {id: a, set: {a: "{{ order }}{{ at }}"}},
            {id: b, for_each: {in: "{{ order.lines }}"}, do: [{id: c, set: {a: "{{ item }}{{ order }}{{ a }}"}}]}]},
        {id: d, set: {a: "{{ order }}{{ at }}{{ item }}"}}"#,
        r#""#,
    );
}

#[test]
fn the_inside_of_a_block_is_reached_through_the_block() {
    check(
        r#"{id: size, if: "{{ inputs.n > 1 }}", then: [{id: big, set: {}}], else: [{id: small, set: {a: "{{ size }}"}}]},
        {id: a, set: {a: "{{ big }}", b: "{{ small | default(1) }}", c: "{{ size }}"}},
        {id: o, parallel: [[{id: p, loop: {until: "{{ q }}"}, do: [{id: q, set: {}}]}], [{id: r, set: {a: "{{ q }}"}}]]},
        {id: t, needs: [], uses: shell, with: {}, compensate: [{id: undo, set: {a: "{{ t.stdout }}{{ size }}"}}]},
        {id: u, set: {a: "{{ undo }}"}}"#,
        r#""#,
    );
    check_flow(
        r#"{drawloom: 1, name: test, steps: [{id: l, loop: {until: "{{ x }}"}, do: [{id: x, set: {}}]}], outputs: {a: "{{ x }}", b: "{{ l }}"}}"#,
        r#""#,
    );
}

#[test]
fn other_branches_may_not_have_run() {
    check(
        r#"{id: a, parallel: {x: [{id: x, set: {}}], y: [{id: y, set: {a: "{{ x }}", b: "{{ x | default(1) }}"}}]}},
        {id: b, switch: [{when: "{{ inputs.n > 1 }}", do: [{id: p, set: {}}]}, {do: [{id: q, set: {a: "{{ p }}"}}]}]},
        {id: c, try: [{id: t, set: {}}], catch: [{id: u, set: {a: "{{ t }}", b: "{{ error.message }}"}}],
            finally: [{id: v, set: {a: "{{ u }}", b: "{{ t if t is defined else 1 }}", c: "{{ a }}"}}]}"#,
        r#""#,
    );
}

#[test]
fn errors_are_known_in_catch_and_last_in_loops() {
    check(
        r#"{id: a, set: {a: "{{ error.message }}", b: "{{ last }}"}},
        {id: b, try: [{id: c, set: {a: "{{ error }}"}}], catch: [{id: d, set: {a: "{{ error.mesage }}"}},
            {id: e, parallel: [[{id: f, set: {a: "{{ error.class }}"}}]]}], finally: [{id: g, set: {a: "{{ error | default(1) }}", b: "{{ error }}"}}]},
        {id: h, loop: {while: "{{ last.more }}", until: "{{ last.more }}{{ i.a }}"}, do: [{id: i, set: {a: "{{ last.a | default(1) }}"}}]},
        {id: j, loop: {while: "{{ last is undefined or last.more }}"}, do: [{id: k, set: {}}]},
        {id: m, loop: {while: "{{ n.a }}", max: "{{ n }}"}, do: [{id: n, set: {a: 1}}]}"#,
        r#""#,
    );
}

#[test]
fn before_the_run_there_are_no_steps() {
    check_flow(
        r#"drawloom: 1
name: test
labels: { a: "{{ s }}", b: "{{ inputs.x }}" }
inputs: { x: { default: 1 } }
limits: { concurrency: { max: 1, key: "{{ s.a }}{{ run.flow }}" } }
triggers: [{ webhook: { path: a, secret: "{{ inputs.x }}" }, with: { x: "{{ s }}" } }]
steps: [{ id: s, set: { a: 1 } }]
"#,
        r#""#,
    );
}

#[test]
fn a_group_has_no_output() {
    check(r#"{id: g, group: [{id: a, set: {}}, {id: b, set: {}}]}, {id: c, set: {a: "{{ g }}"}}, {id: d, set: {a: "{{ d }}"}}"#, r#""#);
}
