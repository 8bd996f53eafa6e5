//! Where expressions stand in a flow, and where in a run each is evaluated.

use super::plan::{ListNo, Plan, StepNo};
use crate::{
    Node,
    model::{Body, Flow, Step, Task},
    node::Members,
};

/// Where in a run something is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// When something fires a trigger: there is no run yet.
    Trigger,
    /// Before the first step.
    Start,
    /// When a step begins.
    Step(StepNo),
    /// Before a step begins, to find out whether it does: its own condition.
    When(StepNo),
    /// The same for each step of a group.
    Group(StepNo),
    /// Before the steps of a list.
    Before(ListNo),
    /// After the steps of a list.
    After(ListNo),
}

/// What an expression is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// A parameter of a task, which may hold secrets.
    Parameter,
    /// A setting of a trigger, which may hold secrets.
    Trigger,
    /// Something else, named for messages.
    Other(&'static str),
}

/// A part of the document in which expressions are evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    pub(super) at: At,
    pub(super) slot: Slot,
    pub(super) node: &'a Node,
}

/// Calls `visit` with each site of a flow.
pub(super) fn each<'a>(flow: &'a Flow, plan: &Plan<'a>, visit: &mut dyn FnMut(Site<'a>)) {
    let mut all = |at, name, members: &'a Members| {
        members.iter().for_each(|(_, node)| visit(Site { at, slot: Slot::Other(name), node }));
    };
    all(At::Start, "`labels`", &flow.labels);
    all(At::After(ListNo::ROOT), "`outputs`", &flow.outputs);
    if let Some(node) = flow.limits.concurrency.as_ref().and_then(|it| it.key.as_ref()) {
        visit(Site { at: At::Start, slot: Slot::Other("a concurrency key"), node });
    }
    if let Some(node) = flow.defaults.cache.as_ref().and_then(|it| it.key.as_ref()) {
        visit(Site { at: At::Start, slot: Slot::Other("a cache key"), node });
    }
    for it in &flow.triggers {
        visit(Site { at: At::Trigger, slot: Slot::Trigger, node: &it.settings });
    }
    for (no, step) in plan.steps() {
        of_step(plan, no, step, visit);
    }
}

fn of_step<'a>(plan: &Plan, no: StepNo, step: &'a Step, visit: &mut dyn FnMut(Site<'a>)) {
    let is_group = plan.is_group(no);
    let mut add = |at, name, node| visit(Site { at, slot: Slot::Other(name), node });
    let at = At::Step(no);
    if let Some(node) = &step.when {
        add(if is_group { At::Group(no) } else { At::When(no) }, "`when`", node);
    }
    match &step.body {
        Body::Task(it) => of_task(no, it, visit),
        Body::If(it) => add(at, "`if`", &it.condition),
        Body::Switch(arms) => arms.iter().filter_map(|it| it.when.as_ref()).for_each(|it| add(at, "`when`", it)),
        Body::ForEach(it) => {
            add(at, "`for_each.in`", &it.items);
            it.concurrency.iter().for_each(|it| add(at, "`concurrency`", it));
            it.batch.iter().for_each(|it| add(at, "`batch`", it));
        }
        Body::Loop(it) => {
            let body = plan.entry(no).body.unwrap_or(ListNo::ROOT);
            it.condition.iter().for_each(|it| add(At::Before(body), "`while`", it));
            it.until.iter().for_each(|it| add(At::After(body), "`until`", it));
            it.max.iter().for_each(|it| add(at, "`max`", it));
        }
        Body::Flow(it) => it.with.iter().for_each(|it| add(at, "the inputs of a sub-flow", it)),
        Body::Wait(it) => add(at, "`wait`", it.until.node()),
        Body::Set(it) => it.iter().for_each(|(_, it)| add(at, "`set`", it)),
        Body::Fail(it) => add(at, "`fail`", it),
        Body::Stop(it) => add(at, "`stop`", it),
        Body::Parallel(_) | Body::Try(_) | Body::Group(_) | Body::Broken => {}
    }
}

fn of_task<'a>(no: StepNo, it: &'a Task, visit: &mut dyn FnMut(Site<'a>)) {
    let at = At::Step(no);
    it.with.iter().for_each(|node| visit(Site { at, slot: Slot::Parameter, node }));
    if let Some(node) = it.cache.as_ref().and_then(|it| it.key.as_ref()) {
        visit(Site { at, slot: Slot::Other("a cache key"), node });
    }
}
