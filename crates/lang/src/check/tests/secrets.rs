//! Where secrets may stand.

use super::{check, check_flow};

#[test]
fn secrets_stand_in_parameters_only() {
    check(
        r#"{id: a, when: "{{ secrets.A }}", name: "{{ secrets.A }}", uses: http, with: {url: "{{ secrets.A }}", headers: {x: "a {{ secrets['B_2'] }}"}},
            cache: {ttl: 1h, key: "{{ secrets.A }}"}},
        {id: b, set: {a: "{{ secrets.A }}"}}, {id: c, for_each: {in: "{{ secrets.A }}"}, do: [{id: d, uses: log, with: {message: "{{ secrets.A }}"}}]},
        {id: e, wait: {signal: "{{ secrets.A }}"}}, {id: f, flow: other, with: {a: "{{ secrets.A }}"}},
        {id: g, needs: [], when: "{{ inputs.n > 1 }}", fail: "{{ secrets.A }}"},
        {id: h, uses: http, with: {url: "{{ secrets }}", body: "{{ secrets[inputs.name] }}", method: "{{ secrets['a b'] }}"}}"#,
        r#""#,
    );
}

#[test]
fn secrets_stand_in_triggers_but_not_in_labels_and_outputs() {
    check_flow(
        r#"drawloom: 1
name: "test {{ secrets.A }}"
description: uses {{ secrets.A }}
labels: { a: "{{ secrets.A }}" }
triggers: [{ webhook: { path: a, secret: "{{ secrets.A }}" } }]
limits: { concurrency: { max: 1, key: "{{ secrets.A }}" } }
steps: [{ id: a, set: {} }]
outputs: { a: "{{ secrets.A }}" }
"#,
        r#""#,
    );
}
