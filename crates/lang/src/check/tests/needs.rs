//! Ids, needs and circles.

use super::{check, check_flow};

#[test]
fn ids_are_unique_in_the_whole_flow() {
    check(
        r#"{id: a, set: {}},
        {id: b, parallel: {x: [{id: a, set: {}}], y: [{id: c, set: {}}]}},
        {id: g, group: [{id: c, set: {}}]}"#,
        r#"
            DL0301 3:37 'a' there is another step with the id `a` [2 'a': `a` is first used here] (ids are unique in the whole flow, also across branches and blocks)
            DL0301 4:30 'c' there is another step with the id `c` [3 'c': `c` is first used here] (ids are unique in the whole flow, also across branches and blocks)
        "#,
    );
}

#[test]
fn words_of_the_language_are_no_names() {
    check(
        "{id: inputs, set: {}}, {id: now, set: {}}, {id: else, set: {}}",
        r#"
            DL0302 2:6 'inputs' `inputs` is a word of the language and cannot be an id (write for example `inputs_1`)
            DL0302 2:29 'now' `now` is a word of the language and cannot be an id (write for example `now_1`)
            DL0302 2:49 'else' `else` is a word of the language and cannot be an id (write for example `else_1`)
        "#,
    );
    check(
        r#"{id: a, for_each: {in: [1], as: last, index: run}, do: []},
        {id: b, for_each: {in: [1], as: a, index: b}, do: []},
        {id: c, for_each: {in: [1], as: x, index: x}, do: [
            {id: d, for_each: {in: [1], as: y, index: x}, do: []}]}"#,
        r#"
            DL0302 2:33 'last' `last` is a word of the language and cannot be a name for an item or its position (write for example `last_1`)
            DL0302 2:46 'run' `run` is a word of the language and cannot be a name for an item or its position (write for example `run_1`)
            DL0316 3:41 'a' `as` gives a name that a step has already: `a` [2 'a': this step] (give one of them another name)
            DL0316 3:51 'b' `index` gives a name that a step has already: `b` [3 'b': this step] (give one of them another name)
            DL0316 4:51 'x' `x` is the name of the item already (give the position another name)
            DL0908 warning 5:55 'x' `x` hides the name that a `for_each` around gives [4 'x': the hidden name]
        "#,
    );
}

#[test]
fn needs_are_steps_of_the_same_list() {
    check(
        r#"{id: fetch, set: {}},
        {id: b, needs: [fecth, zzz, fetch, fetch, b], set: {}},
        {id: c, needs: [inner], if: "{{ inputs.n > 1 }}", then: [{id: inner, needs: [fetch], set: {}}]},
        {id: p, parallel: {x: [{id: x, set: {}}], y: [{id: y, needs: [x], set: {}}]}}"#,
        r#"
            DL0303 3:25 'fecth' unknown step `fecth` in `needs` (did you mean `fetch`?)
            DL0303 3:32 'zzz' unknown step `zzz` in `needs`
            DL0905 warning 3:44 'fetch' `fetch` is needed already
            DL0311 3:51 'b' `b` needs itself
            DL0312 4:25 'inner' `inner` is not a step of the same list [4 'inner': it stands here] (it is inside `c`: need `c`)
            DL0312 4:86 'fetch' `fetch` is not a step of the same list [2 'fetch': it stands here] (it must end before `c` begins: let `c` need it)
            DL0312 5:71 'x' `x` is not a step of the same list [5 'x': it stands here] (a step can need steps of its own list only; what is in another block is reached through the block)
        "#,
    );
}

#[test]
fn needing_a_group_is_needing_all_of_it() {
    check(
        r#"{id: a, set: {}},
        {id: g, needs: [a], group: [{id: b, set: {v: "{{ a }}"}}, {id: c, needs: [], set: {v: "{{ a }}"}}]},
        {id: d, needs: [g], set: {v: "{{ b.v }}{{ c.v }}{{ a }}"}},
        {id: e, needs: [], set: {v: "{{ b }}"}},
        {id: h, group: [{id: i, needs: [h], set: {}}]}"#,
        r#"
            DL0310 5:41 'b' `b` need not have ended when `e` begins [3 'b': it stands here] (let `e` wait for it: write `needs: [b]`; or say what is meant then: `b | default(…)`)
            DL0311 6:41 'h' a step of the group `h` needs the whole group
        "#,
    );
}

#[test]
fn circles_are_shown_as_paths() {
    check(
        "{id: a, needs: [c], set: {}}, {id: b, needs: [a], set: {}}, {id: c, needs: [b], set: {}}",
        r#"
            DL0304 2:17 'c' steps wait for each other in a circle: a -> c -> b -> a [2 'b': `c` needs `b`] [2 'a': `b` needs `a`] (take one of these needs away)
        "#,
    );
    check(
        "{id: a, needs: [b], set: {}}, {id: b, set: {}}, {id: c, set: {}}",
        r#"
            DL0304 2:17 'b' steps wait for each other in a circle: a -> b -> a [2 'b': `b` follows `a`] (`b` follows `a` because it has no `needs`; write `needs: []` where it need not wait for `a`)
        "#,
    );
    check(
        r#"{id: a, needs: [g], set: {}}, {id: g, group: [{id: b, needs: [a], set: {}}]},
        {id: x, needs: [y], set: {}}, {id: y, needs: [x], set: {}}"#,
        r#"
            DL0304 2:17 'g' steps wait for each other in a circle: a -> g -> b -> a [2 'g': `g` holds `b`] [2 'a': `b` needs `a`] (take one of these needs away)
            DL0304 3:25 'y' steps wait for each other in a circle: x -> y -> x [3 'x': `y` needs `x`] (take one of these needs away)
        "#,
    );
    let long: String = (0..40).map(|at| format!("{{id: s{at}, needs: [s{}], set: {{}}}},\n", (at + 1) % 40)).collect();
    check(
        &long,
        r#"
            DL0304 2:18 's1' steps wait for each other in a circle: s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> s6 -> s7 -> … 29 more … -> s37 -> s38 -> s39 -> s0 [3 's2': `s1` needs `s2`] [4 's3': `s2` needs `s3`] [5 's4': `s3` needs `s4`] [6 's5': `s4` needs `s5`] [7 's6': `s5` needs `s6`] [8 's7': `s6` needs `s7`] [9 's8': `s7` needs `s8`] (take one of these needs away)
        "#,
    );
}

#[test]
fn a_flow_without_steps_does_nothing() {
    check_flow(
        "{drawloom: 1, name: test, steps: []}",
        r#"
            DL0906 warning 1:21 'test' the flow has no steps: its runs do nothing
        "#,
    );
}
