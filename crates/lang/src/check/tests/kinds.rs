//! Kinds and their parameters.

use super::check;

#[test]
fn kinds_are_known() {
    check(
        r#"{id: a, uses: htp, with: {url: x}}, {id: b, uses: sleep}, {id: c, uses: set}, {id: d, uses: zzz}, {id: e, uses: bash}"#,
        r#""#,
    );
}

#[test]
fn parameters_fit_the_schema_of_the_kind() {
    check(
        r#"{id: a, uses: http}, {id: b, uses: http, with: {method: POST}},
        {id: c, uses: http, with: {url: 5, methd: POST, zzz: 1, max_bytes: -1, response: jsn, headers: [a]}},
        {id: d, uses: http, with: {url: x, auth: {bearr: a}, follow: often}},
        {id: e, uses: http, with: {url: x, body: {any: [thing]}, method: null, follow: 3}},
        {id: f, uses: shell, with: {command: ""}}, {id: g, uses: shell, with: {command: {a: 1}}}"#,
        r#""#,
    );
}

#[test]
fn expressions_are_typed_as_far_as_they_are_known() {
    check(
        r#"{id: a, uses: http, with: {url: "{{ inputs.name }}", max_bytes: "{{ inputs.n }}", response: "{{ inputs.name }}", follow: "{{ inputs.n }}"}},
        {id: b, uses: http, with: {url: "x{{ inputs.name }}", max_bytes: "1{{ inputs.n }}", response: "j{{ inputs.name }}", follow: "{{ inputs.n }}%"}},
        {id: c, uses: http, with: {url: "{{ 1 + 1 }}", max_bytes: "{{ 2 * 3 }}", headers: {"{{ inputs.n }}": 1}}},
        {id: d, uses: http, with: {url: x, auth: {bearer: "{{ secrets.T }}", extra: "{{ inputs.n }}"}}}"#,
        r#""#,
    );
}

#[test]
fn policies_mean_nothing_to_what_is_done_on_the_spot() {
    check(
        r#"{id: a, uses: log, with: {message: x}, retry: 3, timeout: 5s, queue: q, priority: 1, cache: 1h},
        {id: b, uses: log, with: {message: x}, retry: 3, compensate: []},
        {id: c, set: {}, timeout: 5s}, {id: g, timeout: 5s, group: []}"#,
        r#""#,
    );
}
