//! Forks: which successes of a run a new run may take over.

use std::collections::BTreeSet;

use drawloom_blueprint::{Blueprint, StepIx, Value};

use crate::{Run, effect::Place, frame::Status};

/// What a fork would keep and do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForkPlan {
    /// Steps of the new flow's root whose success is taken over, with their outputs.
    pub keep: Vec<(StepIx, Value)>,
    /// The ids of the steps that are done again, or for the first time.
    pub redo: Vec<String>,
}

/// Why a fork cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// A step that the flow does not have.
    #[error("there is no step `{0}` in the root of the new version (blocks are forked from as a whole)")]
    UnknownStep(String),
}

/// Plans a fork of `old` into a run of `new`, from the named steps on; without names, from every step that did
/// not succeed. Steps are matched by id. A step that depends on one that is done again is done again, too, and
/// so is a step whose id now names another kind of work, and one that was undone, as it is as if it had never been done.
///
/// # Errors
/// Where a named step is not in the root of the new flow.
pub fn fork_plan(old: &Run, new: &Blueprint, from: &[String]) -> Result<ForkPlan, ForkError> {
    let mut redo: BTreeSet<StepIx> = BTreeSet::new();
    for name in from {
        let step = new.find(name).filter(|it| new.step(*it).scope == Blueprint::ROOT);
        redo.insert(step.ok_or_else(|| ForkError::UnknownStep(name.clone()))?);
    }
    let mut outputs = Vec::new();
    for step in new.steps_of(Blueprint::ROOT) {
        match success(old, new, step) {
            Some(output) => outputs.push((step, output)),
            None => {
                redo.insert(step);
            }
        }
    }
    let mut open: Vec<StepIx> = redo.iter().copied().collect();
    while let Some(step) = open.pop() {
        open.extend(new.next(step).iter().copied().filter(|next| redo.insert(*next)));
    }
    outputs.retain(|(step, _)| !redo.contains(step));
    Ok(ForkPlan { keep: outputs, redo: redo.into_iter().map(|it| new.step(it).id.clone()).collect() })
}

/// The output of the old run's step of the same name and work, where it succeeded.
fn success(old: &Run, new: &Blueprint, step: StepIx) -> Option<Value> {
    let wanted = new.step(step);
    let found = old.blueprint.find(&wanted.id)?;
    let known = old.blueprint.step(found);
    if known.scope != Blueprint::ROOT || known.op.name() != wanted.op.name() {
        return None;
    }
    if old.state.undone.contains(&found) {
        return None;
    }
    let state = old.step(Place { frame: 0, step: found })?;
    (state.status == Status::Succeeded).then(|| state.output.clone().unwrap_or_default())
}
