//! Large flows are checked in time that grows with them, and without deep recursion.

use std::fmt::Write as _;

use super::said;
use crate::{Code, Diagnostic};

const STEPS: usize = 20_000;

/// What is said about a flow with these steps.
fn check(steps: impl Iterator<Item = String>) -> Vec<Diagnostic> {
    let mut text = "drawloom: 1\nname: large\ninputs: { n: integer }\nsteps:\n".to_owned();
    for step in steps {
        writeln!(text, "- {step}").expect("writing to a text succeeds");
    }
    said(&[("large.yaml", &text)])
}

#[test]
fn a_long_list_in_which_each_step_uses_the_first_and_the_one_before() {
    let step = |at: usize| format!("{{id: s{at}, set: {{v: '{{{{ s0 }}}}{{{{ s{} }}}}'}}}}", at.max(1) - 1);
    let first = std::iter::once("{id: s0, set: {}}".to_owned());
    assert_eq!(check(first.chain((1..STEPS).map(step))), []);
}

#[test]
fn a_graph_in_which_each_step_uses_one_far_above() {
    let step = |at: usize| match at {
        0 => "{id: s0, set: {}}".to_owned(),
        _ => {
            let (parent, above) = ((at - 1) / 2, at / 8);
            let other = at - 1 - (at * 7919) % at.min(50);
            let used = if at >= 8 { above.saturating_sub(1) / 2 } else { 0 };
            format!(
                "{{id: s{at}, needs: [s{parent}, s{other}], set: {{v: '{{{{ s{used} | default(1) }}}}{{{{ s{parent} }}}}'}}}}"
            )
        }
    };
    let said = check((0..STEPS).map(step));
    assert!(said.iter().all(|it| it.code == Code::RepeatedNeed), "{:?}", &said[..said.len().min(3)]);
}

#[test]
fn a_graph_of_layers_in_which_each_step_uses_every_layer_before() {
    let layer = 100;
    let step = |at: usize| {
        let before = at / layer * layer;
        let needs =
            if before == 0 { "[]".to_owned() } else { format!("[s{}, s{}]", before - 1 - at % layer, before - layer) };
        let used = if before < 5 * layer { String::new() } else { format!("{{{{ s{} }}}}", before - 4 * layer) };
        format!("{{id: s{at}, needs: {needs}, set: {{v: '{used}'}}}}")
    };
    let said = check((0..STEPS).map(step));
    assert!(said.iter().all(|it| matches!(it.code, Code::RepeatedNeed)), "{:?}", &said[..said.len().min(3)]);
}

#[test]
fn one_large_circle() {
    let said = check((0..STEPS).map(|at| format!("{{id: s{at}, needs: [s{}], set: {{}}}}", (at + 1) % STEPS)));
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].code, Code::Cycle);
    assert!(said[0].message.len() < 300);
}

#[test]
fn nothing_but_mistakes() {
    let said = check((0..STEPS).map(|at| {
        format!("{{id: s{at}, needs: [t{at}, s{at}], when: '{{{{ u{at} }}}}', uses: htp, with: {{a: '{{{{ 1 | nope }}}}'}}}}")
    }));
    assert_eq!(said.len(), crate::limits::DIAGNOSTICS);
}

#[test]
fn a_large_group_that_everybody_needs() {
    let group = (0..300).map(|at| format!("{{id: g{at}, needs: [], when: '{{{{ inputs.n > {at} }}}}', set: {{}}}}"));
    let group = format!("{{id: g, group: [{}]}}", group.collect::<Vec<_>>().join(", "));
    let users = (0..300).map(|at| format!("{{id: u{at}, needs: [g], set: {{v: '{{{{ g{at} }}}}'}}}}"));
    assert_eq!(check(std::iter::once(group).chain(users)), []);
}

#[test]
fn steps_that_need_large_groups_are_bounded() {
    let group = |size: usize| {
        let inner: Vec<String> = (0..size).map(|at| format!("{{id: g{at}, needs: [], set: {{}}}}")).collect();
        format!("{{id: g, group: [{}]}}", inner.join(", "))
    };
    let flow = |size: usize, users: usize| {
        let users = (0..users).map(|at| format!("{{id: s{at}, needs: [g], set: {{}}}}"));
        check(std::iter::once(group(size)).chain(users))
    };
    assert_eq!(flow(2_000, 500), []);
    let said = flow(2_000, 2_000);
    let codes: Vec<_> = said.iter().map(|it| (it.code, it.message.as_str())).collect();
    let message = "with the 2000 steps that `s500` needs, there are more than 1000000 needs in this flow";
    assert_eq!(codes, [(Code::TooManyNeeds, message)]);
}
