//! Which names are known where.

use super::{check, check_flow};

#[test]
fn items_and_positions_are_known_in_the_body() {
    check(
        r#"{id: each, for_each: {in: "{{ range(inputs.n) }}", as: order, index: at, concurrency: "{{ order }}"}, do: [
            {id: a, set: {a: "{{ order }}{{ at }}"}},
            {id: b, for_each: {in: "{{ order.lines }}"}, do: [{id: c, set: {a: "{{ item }}{{ order }}{{ a }}"}}]}]},
        {id: d, set: {a: "{{ order }}{{ at }}{{ item }}"}}"#,
        r#"
            DL0305 2:91 'order' unknown name `order` (`order` is known only in the `do` of `each`)
            DL0305 5:30 'order' unknown name `order` (`order` is known only in the `do` of `each`)
            DL0305 5:41 'at' unknown name `at` (`at` is known only in the `do` of `each`)
            DL0305 5:49 'item' unknown name `item` (`item` is known only in the `do` of `b`)
        "#,
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
        r#"
            DL0311 2:98 'size' `size` has not ended while its own steps run
            DL0308 3:30 'big' `big` is inside `size` and cannot be used from outside [2 'big': it stands here] (use the output of the block, `size`)
            DL0308 3:46 'small' `small` is inside `size` and cannot be used from outside [2 'small': it stands here] (use the output of the block, `size`)
            DL0308 4:111 'q' `q` is inside `p` and cannot be used from outside [4 'q': it stands here] (use the output of the block, `p`)
            DL0310 5:102 'size' `size` need not have ended when `t` begins [2 'size': it stands here] (let `t` wait for it: write `needs: [size]`; or say what is meant then: `size | default(…)`)
            DL0308 6:30 'undo' `undo` is inside `t` and cannot be used from outside [5 'undo': it stands here] (the steps of a `compensate` have no output that others can use)
        "#,
    );
    check_flow(
        r#"{drawloom: 1, name: test, steps: [{id: l, loop: {until: "{{ x }}"}, do: [{id: x, set: {}}]}], outputs: {a: "{{ x }}", b: "{{ l }}"}}"#,
        r#"
            DL0308 1:112 'x' `x` is inside `l` and cannot be used from outside [1 'x': it stands here] (use the output of the block, `l`)
        "#,
    );
}

#[test]
fn other_branches_may_not_have_run() {
    check(
        r#"{id: a, parallel: {x: [{id: x, set: {}}], y: [{id: y, set: {a: "{{ x }}", b: "{{ x | default(1) }}"}}]}},
        {id: b, switch: [{when: "{{ inputs.n > 1 }}", do: [{id: p, set: {}}]}, {do: [{id: q, set: {a: "{{ p }}"}}]}]},
        {id: c, try: [{id: t, set: {}}], catch: [{id: u, set: {a: "{{ t }}", b: "{{ error.message }}"}}],
            finally: [{id: v, set: {a: "{{ u }}", b: "{{ t if t is defined else 1 }}", c: "{{ a }}"}}]}"#,
        r#"
            DL0309 2:68 'x' `x` may not have run: it runs in another branch at the same time [2 'x': it stands here] (say what is meant then: `x | default(…)`)
            DL0309 3:107 'p' `p` may not have run: it is in another branch, and only one of them runs [3 'p': it stands here] (say what is meant then: `p | default(…)`)
            DL0309 4:71 't' `t` may not have run: the `try` may have failed before it [4 't': it stands here] (say what is meant then: `t | default(…)`)
            DL0309 5:44 'u' `u` may not have run: `catch` runs only after a failure [4 'u': it stands here] (say what is meant then: `u | default(…)`)
        "#,
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
        r#"
            DL0314 2:22 'error' `error` is known only in `catch` (put the steps that use it into the `catch` of a `try`)
            DL0315 2:48 'last' `last` is known only in a `loop`: in its steps, `while` and `until`
            DL0314 3:44 'error' `error` is known only in `catch` (put the steps that use it into the `catch` of a `try`)
            DL0317 3:87 'error.mesage' `error` has no `mesage` (did you mean `message`?)
            DL0314 4:139 'error' `error` is known only in `catch` (put the steps that use it into the `catch` of a `try`)
            DL0309 5:35 'last' `last` has no value before the first iteration (say what is meant then: `last.more | default(true)`)
            DL0509 5:57 '"{{ last.more }}{{ i.a }}"' a condition must be one expression; a text with expressions in it always holds (put the whole condition between one `{{` and `}}`)
            DL0310 7:35 'n' `n` has not run when `while` is evaluated (the iteration before is `last`; or check it after the iteration with `until`)
            DL0308 7:53 'n' `n` is inside `m` and cannot be used from outside [7 'n': it stands here] (use the output of the block, `m`)
        "#,
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
        r#"
            DL0310 3:18 's' step `s` is used before the run begins (known here are `inputs`, `run` and `vars`)
            DL0310 5:43 's' step `s` is used before the run begins (known here are `inputs`, `run` and `vars`)
            DL0305 6:46 'inputs' a trigger fires before there are inputs (known here are `vars`, `secrets` and `run`)
            DL0310 6:77 's' step `s` is used before the run begins (known here are `vars`, `secrets` and `run`)
        "#,
    );
}

#[test]
fn a_group_has_no_output() {
    check(
        r#"{id: g, group: [{id: a, set: {}}, {id: b, set: {}}]}, {id: c, set: {a: "{{ g }}"}}, {id: d, set: {a: "{{ d }}"}}"#,
        r#"
            DL0305 2:76 'g' `g` is a group, which has no output of its own (use one of its steps: `a`, `b`)
            DL0311 2:106 'd' `d` uses its own output
        "#,
    );
}
