//! Settings of blocks that are written out.

use super::check;

#[test]
fn items_are_lists_or_objects() {
    check(
        r#"{id: a, for_each: "inputs.n", do: []}, {id: b, for_each: {in: "a {{ inputs.n }}"}, do: []},
        {id: c, for_each: {in: "{{ 'abc' }}"}, do: []}, {id: d, for_each: {in: "{{ [1, 2] }}", concurrency: "{{ 0 }}", batch: "x{{ inputs.n }}"}, do: []},
        {id: e, for_each: {in: {a: 1}, concurrency: "{{ inputs.n }}", batch: "{{ 1.5 }}"}, do: []},
        {id: f, for_each: "{{ inputs.n }}", do: []}, {id: g, for_each: "{{ inputs.name | split(',') }}", do: []}"#,
        r#"
            DL0507 2:19 '"inputs.n"' `for_each` goes over a list or an object, not over a string (write `{{ inputs.n }}` to use a value of that name)
            DL0507 2:63 '"a {{ inputs.n }}"' `for_each` goes over a list or an object, not over a text with expressions in it
            DL0507 3:32 '"{{ 'abc' }}"' `for_each` goes over a list or an object, not over a string
            DL0607 3:109 '"{{ 0 }}"' `concurrency` must be at least 1, not 0
            DL0507 3:127 '"x{{ inputs.n }}"' `batch` must be an integer, not a text with expressions in it
            DL0507 4:78 '"{{ 1.5 }}"' `batch` must be an integer, not of the type number
            DL0507 5:27 '"{{ inputs.n }}"' `for_each` goes over a list or an object, not over a number
        "#,
    );
}

#[test]
fn loops_end_and_joins_can() {
    check(
        r#"{id: a, loop: {max: 5}, do: []}, {id: b, loop: {until: "{{ inputs.n }}", max: "{{ 0 - 1 }}"}, do: []},
        {id: c, join: 3, parallel: [[], []]}, {id: d, join: 2, parallel: [[], []]}, {id: e, join: any, parallel: [[]]}"#,
        r#"
            DL0606 2:9 'loop' a loop needs `while` or `until`, or it would never end well (to do something for each of several items, use `for_each`)
            DL0607 2:79 '"{{ 0 - 1 }}"' `max` must be at least 1, not -1
            DL0612 3:23 '3' `join` waits for 3 branches, but there are 2
        "#,
    );
}

#[test]
fn waits_are_for_times_instants_and_names() {
    check(
        r#"{id: a, wait: soon}, {id: b, wait: {for: "{{ inputs.n }}s"}}, {id: c, wait: {for: 1.5}}, {id: d, wait: {for: -1}},
        {id: e, wait: {until: tomorrow}}, {id: f, wait: {until: "2030-01-01T00:00:00Z"}}, {id: g, wait: {signal: " "}},
        {id: h, wait: {approval: true}}, {id: i, wait: {until: "{{ inputs.name }}"}}"#,
        r#"
            DL0601 2:15 'soon' `soon` is not a duration (write for example 500ms, 5s, 1m30s, 2h or 7d)
            DL0601 2:110 '-1' expected a duration such as 5s, or a number of seconds
            DL0608 3:31 'tomorrow' expected an instant such as 2030-01-31T09:00:00Z, or a number of seconds since 1970
            DL0507 3:114 '" "' a signal is waited for by its name, a string
        "#,
    );
}
