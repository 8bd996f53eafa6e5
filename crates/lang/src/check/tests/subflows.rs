//! Flows that use other flows.

use super::{compare, line, said};
use crate::Source;

/// Checks the first of these flows, given as names and steps, with the others beside it; what is said about others
/// is left out.
#[track_caller]
fn check(flows: &[(&str, &str)], expected: &str) {
    let text = |(name, rest): &(&str, &str)| (format!("{name}.yaml"), format!("{{drawloom: 1, name: {name}, {rest}}}"));
    let documents: Vec<(String, String)> = flows.iter().map(text).collect();
    let documents: Vec<(&str, &str)> = documents.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let first = Source::new(documents[0].0, documents[0].1);
    let own = said(&documents).into_iter().filter(|it| it.path == first.name());
    let found: Vec<String> = own.map(|it| line(&it, &first)).collect();
    compare(&found, expected, first.text());
}

#[test]
fn inputs_and_outputs_fit() {
    let child = ("child", "inputs: {a: integer, b: {default: 1}}, steps: [{id: s, set: {}}], outputs: {sum: 1}");
    check(
        &[
            (
                "main",
                "steps: [{id: x, flow: ./child.yaml, with: {a: many, c: 1}}, {id: y, flow: ./child.yaml},
                {id: z, flow: ./child.yaml, with: {a: '{{ x.smu }}'}}, {id: u, set: {v: '{{ x.sum }}{{ other.zzz }}'}},
                {id: other, needs: [], flow: published, with: {any: 1}}, {id: d, flow: ./child.yaml, with: {a: 1}, detach: true},
                {id: e, set: {v: '{{ d.sum }}{{ d.sum | default(1) }}'}}]",
            ),
            child,
        ],
        r#"
            DL0804 1:73 'many' the input `a` must be an integer, not a string
            DL0804 1:79 'c' unknown input `c` (did you mean `a`?)
            DL0804 1:101 './child.yaml' the flow `child` needs the input `a` (give it in `with`)
            DL0807 2:59 'x.smu' the output of `x` has no `smu` (did you mean `sum`?)
            DL0310 2:104 'other' `other` need not have ended when `u` begins [3 'other': it comes later] (let `u` wait for it: move `u` behind `other`; or say what is meant then: `other | default(…)`)
            DL0808 4:38 'd.sum' `d` is detached: nobody waits for its outputs
        "#,
    );
}

#[test]
fn flows_that_call_themselves_come_to_an_end() {
    check(
        &[("main", "steps: [{id: a, flow: ./main.yaml}]")],
        r#"
            DL0803 1:49 './main.yaml' the flow `main` calls itself here, and never stops doing so (call it under a condition that becomes false, or use a `loop`)
        "#,
    );
    check(
        &[("main", "steps: [{id: a, flow: main}, {id: b, flow: main@3}, {id: c, flow: other}]")],
        r#"
            DL0803 1:49 'main' the flow `main` calls itself here, and never stops doing so (call it under a condition that becomes false, or use a `loop`)
            DL0911 warning 1:70 'main@3' the flow `main` may call itself here again and again (see that its condition becomes false; runs nest no deeper than 32)
        "#,
    );
    check(
        &[("main", "steps: [{id: a, if: '{{ run.depth < 3 }}', then: [{id: b, flow: ./main.yaml}]}]")],
        r#"
            DL0911 warning 1:91 './main.yaml' the flow `main` may call itself here again and again (see that its condition becomes false; runs nest no deeper than 32)
        "#,
    );
    check(
        &[("main", "steps: [{id: s, when: '{{ run.depth > 3 }}', stop: enough}, {id: b, flow: ./main.yaml}]")],
        r#"
            DL0911 warning 1:101 './main.yaml' the flow `main` may call itself here again and again (see that its condition becomes false; runs nest no deeper than 32)
        "#,
    );
    check(
        &[
            ("main", "steps: [{id: a, flow: ./b.yaml}]"),
            ("b", "steps: [{id: x, loop: {until: '{{ c }}'}, do: [{id: c, flow: ./c.yaml}]}]"),
            ("c", "steps: [{id: x, flow: ./main.yaml}]"),
        ],
        r#"
            DL0802 1:49 './b.yaml' the sub-flow `./b.yaml` has 3 errors
            DL0803 1:49 './b.yaml' the flow `main` calls itself here, and never stops doing so (call it under a condition that becomes false, or use a `loop`)
        "#,
    );
    check(
        &[
            ("main", "steps: [{id: a, flow: ./b.yaml}, {id: d, flow: ./d.yaml}]"),
            ("b", "steps: [{id: x, when: '{{ run.depth < 9 }}', flow: ./main.yaml}]"),
            ("d", "steps: [{id: x, set: {}}]"),
        ],
        r#"
            DL0911 warning 1:49 './b.yaml' the flow `main` may call itself here again and again (see that its condition becomes false; runs nest no deeper than 32)
        "#,
    );
}
