//! Ids, needs and circles.

use super::{check, check_flow};

#[test]
fn ids_are_unique_in_the_whole_flow() {
    check(
        r#"{id: a, set: {}},
        {id: b, parallel: {x: [{id: a, set: {}}], y: [{id: c, set: {}}]}},
        {id: g, group: [{id: c, set: {}}]}"#,
        r#""#,
    );
}

#[test]
fn words_of_the_language_are_no_names() {
    check("{id: inputs, set: {}}, {id: now, set: {}}, {id: else, set: {}}", r#""#);
    check(
        r#"{id: a, for_each: {in: [1], as: last, index: run}, do: []},
        {id: b, for_each: {in: [1], as: a, index: b}, do: []},
        {id: c, for_each: {in: [1], as: x, index: x}, do: [
            {id: d, for_each: {in: [1], as: y, index: x}, do: []}]}"#,
        r#""#,
    );
}

#[test]
fn needs_are_steps_of_the_same_list() {
    check(
        r#"{id: fetch, set: {}},
        {id: b, needs: [fecth, zzz, fetch, fetch, b], set: {}},
        {id: c, needs: [inner], if: "{{ inputs.n > 1 }}", then: [{id: inner, needs: [fetch], set: {}}]},
        {id: p, parallel: {x: [{id: x, set: {}}], y: [{id: y, needs: [x], set: {}}]}}"#,
        r#""#,
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
        r#""#,
    );
}

#[test]
fn circles_are_shown_as_paths() {
    check("{id: a, needs: [c], set: {}}, {id: b, needs: [a], set: {}}, {id: c, needs: [b], set: {}}", r#""#);
    check("{id: a, needs: [b], set: {}}, {id: b, set: {}}, {id: c, set: {}}", r#""#);
    check(
        r#"{id: a, needs: [g], set: {}}, {id: g, group: [{id: b, needs: [a], set: {}}]},
        {id: x, needs: [y], set: {}}, {id: y, needs: [x], set: {}}"#,
        r#""#,
    );
    let long: String = (0..40).map(|at| format!("{{id: s{at}, needs: [s{}], set: {{}}}},\n", (at + 1) % 40)).collect();
    check(&long, r#""#);
}

#[test]
fn a_flow_without_steps_does_nothing() {
    check_flow("{drawloom: 1, name: test, steps: []}", r#""#);
}
