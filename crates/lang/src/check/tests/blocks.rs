//! Settings of blocks that are written out.

use super::check;

#[test]
fn items_are_lists_or_objects() {
    check(
        r#"{id: a, for_each: "inputs.n", do: []}, {id: b, for_each: {in: "a {{ inputs.n }}"}, do: []},
        {id: c, for_each: {in: "{{ 'abc' }}"}, do: []}, {id: d, for_each: {in: "{{ [1, 2] }}", concurrency: "{{ 0 }}", batch: "x{{ inputs.n }}"}, do: []},
        {id: e, for_each: {in: {a: 1}, concurrency: "{{ inputs.n }}", batch: "{{ 1.5 }}"}, do: []}"#,
        r#""#,
    );
}

#[test]
fn loops_end_and_joins_can() {
    check(
        r#"{id: a, loop: {max: 5}, do: []}, {id: b, loop: {until: "{{ inputs.n }}", max: "{{ 0 - 1 }}"}, do: []},
        {id: c, join: 3, parallel: [[], []]}, {id: d, join: 2, parallel: [[], []]}, {id: e, join: any, parallel: [[]]}"#,
        r#""#,
    );
}

#[test]
fn waits_are_for_times_instants_and_names() {
    check(
        r#"{id: a, wait: soon}, {id: b, wait: {for: "{{ inputs.n }}s"}}, {id: c, wait: {for: 1.5}}, {id: d, wait: {for: -1}},
        {id: e, wait: {until: tomorrow}}, {id: f, wait: {until: "2030-01-01T00:00:00Z"}}, {id: g, wait: {signal: " "}},
        {id: h, wait: {approval: true}}, {id: i, wait: {until: "{{ inputs.name }}"}}"#,
        r#""#,
    );
}
