//! Large flows cost time in proportion to their size. The documents are built from one step, as reading one of
//! this size is what other tests are about.

use std::collections::BTreeMap;

use drawloom_blueprint::Blueprint;

use super::{kinds, lower};
use crate::{
    Node, Optimise, Options, Source, Span, Spanned,
    model::{Body, Flow, Step},
    optimise::optimise,
    parse,
};

/// A flow of `count` steps like this one, with the ids `s0`, `s1`, …, each changed by `change`.
fn flow(step: &str, count: usize, change: impl Fn(usize, &mut Step)) -> Flow {
    let source = Source::new("flow.yaml", format!("drawloom: 1\nname: large\nsteps:\n  - {step}\n"));
    let mut flow = parse(&source).0.expect("a flow");
    let first = flow.steps.remove(0);
    let step = |at: usize| {
        let mut step = first.clone();
        step.id.value = format!("s{at}");
        change(at, &mut step);
        step
    };
    flow.steps = (0..count).map(step).collect();
    flow
}

fn plain(flow: &Flow) -> Blueprint {
    let (kinds, children) = (kinds(), BTreeMap::new());
    lower(flow, &Options { optimise: Optimise::Off, kinds: &kinds, children: &children })
}

/// A flat graph: each step needs up to three of the steps shortly before it.
fn graph(count: usize) -> Flow {
    flow("{ id: s, uses: shell, with: { command: run } }", count, |at, step| {
        let needs = [1, 2, 7].iter().filter_map(|it| at.checked_sub(*it));
        step.needs = Some(needs.map(|it| Spanned::new(format!("s{it}"), Span::default())).collect());
    })
}

#[test]
fn a_list_of_100_000_steps_compiles() {
    let list = flow("{ id: s, uses: log, with: { message: \"{{ inputs.x }}\" } }", 100_000, |at, step| {
        let Body::Task(task) = &mut step.body else { panic!("no task") };
        task.with = Some(Node::made(format!("{{{{ inputs.x }}}} {at}"), Span::default()));
    });
    let (it, _) = optimise(plain(&list), Optimise::On);
    assert_eq!((it.steps.len(), it.edges.len()), (100_000, 99_999));
    assert_eq!(it.steps.iter().filter(|it| it.fused_next.is_some()).count(), 99_999);
    assert_eq!(it.exprs.len(), 200_001, "a text and its end for each step, and what they share");
}

#[test]
fn a_graph_of_100_000_steps_compiles_and_shrinks() {
    let plain = plain(&graph(100_000));
    assert_eq!(plain.edges.len(), 99_999 + 99_998 + 99_993);
    let (it, _) = optimise(plain, Optimise::On);
    // The needs of a step two back follow from those one back; those seven back are seen in two steps only.
    assert_eq!(it.edges.len(), 99_999 + 99_993);
    assert_eq!(it.exprs.len(), 1);
    assert_eq!(Blueprint::decode(&it.encode()).as_ref(), Ok(&it));
}

#[test]
fn blocks_within_blocks_compile() {
    let mut text = "{ id: last, uses: log }".to_owned();
    for at in 0..30 {
        text = format!("{{ id: s{at}, loop: {{ until: \"{{{{ inputs.x }}}}\" }}, do: [{text}] }}");
    }
    let it = super::steps(&format!("  - {text}\n"));
    assert_eq!((it.scopes.len(), it.steps.len()), (31, 31));
}

#[test]
fn a_group_of_many_steps_compiles() {
    let mut it = flow("{ id: s, uses: log }", 100_000, |_, _| {});
    let mut group = flow("{ id: g, group: [] }", 1, |_, _| {}).steps.remove(0);
    group.body = Body::Group(std::mem::take(&mut it.steps));
    let mut after = flow("{ id: s, uses: log }", 1, |_, step| step.id.value = "after".to_owned()).steps.remove(0);
    after.needs = Some(vec![Spanned::new(group.id.value.clone(), Span::default())]);
    it.steps = vec![group, after];
    let it = plain(&it);
    assert_eq!((it.steps.len(), it.edges.len()), (100_001, 99_999 + 100_000));
}
