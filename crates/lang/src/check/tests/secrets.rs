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
        r#"
            DL0701 2:19 'secrets.A' a secret must not stand in `when`: it would be kept and shown (secrets may stand in the `with` of task steps and in the settings of triggers)
            DL0701 2:40 '"{{ secrets.A }}"' a secret must not stand in a name: it would be shown (take it out)
            DL0701 3:39 'secrets.A' a secret must not stand in a cache key: it would be kept and shown (secrets may stand in the `with` of task steps and in the settings of triggers)
            DL0701 4:30 'secrets.A' a secret must not stand in `set`: it would be kept and shown (secrets may stand in the `with` of task steps and in the settings of triggers)
            DL0701 4:74 'secrets.A' a secret must not stand in `for_each.in`: it would be kept and shown (secrets may stand in the `with` of task steps and in the settings of triggers)
            DL0701 5:36 'secrets.A' a secret must not stand in `wait`: it would be kept and shown (secrets may stand in the `with` of task steps and in the settings of triggers)
            DL0701 5:88 'secrets.A' a secret must not stand in the inputs of a sub-flow: it would be kept and shown (secrets may stand in the `with` of task steps and in the settings of triggers)
            DL0701 6:66 'secrets.A' a secret must not stand in `fail`: it would be kept and shown (secrets may stand in the `with` of task steps and in the settings of triggers)
            DL0702 7:45 'secrets' secrets are used one by one and by their names (write `secrets.NAME`)
            DL0702 7:68 'secrets[inputs.name]' secrets are used one by one and by their names (write `secrets.NAME`)
            DL0214 7:106 'secrets['a b']' `a b` is not a name for a secret (letters, digits and `_`, beginning with a letter or `_`)
        "#,
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
        r#"
            DL0701 2:7 '"test {{ secrets.A }}"' a secret must not stand in a name: it would be shown (take it out)
            DL0701 3:14 'uses {{ secrets.A }}' a secret must not stand in a description: it would be shown (take it out)
            DL0701 4:18 'secrets.A' a secret must not stand in `labels`: it would be kept and shown (secrets may stand in the `with` of task steps and in the settings of triggers)
            DL0701 6:43 'secrets.A' a secret must not stand in a concurrency key: it would be kept and shown (secrets may stand in the `with` of task steps and in the settings of triggers)
            DL0701 8:19 'secrets.A' a secret must not stand in `outputs`: it would be kept and shown (secrets may stand in the `with` of task steps and in the settings of triggers)
        "#,
    );
}
