//! What of a blueprint the ledger looks up again and again.

use std::sync::Arc;

use drawloom_blueprint::{Blueprint, Op, ScopeIx, StepIx};

/// A blueprint, and its edges backwards.
pub(crate) struct Shape {
    pub(crate) blueprint: Arc<Blueprint>,
    /// The needs of each step.
    needs: Vec<Vec<StepIx>>,
}

impl Shape {
    pub(crate) fn new(blueprint: Arc<Blueprint>) -> Self {
        let mut needs = vec![Vec::new(); blueprint.steps.len()];
        for at in 0..blueprint.steps.len() {
            let step = StepIx(u32::try_from(at).unwrap_or(u32::MAX));
            for next in blueprint.next(step) {
                needs[next.ix()].push(step);
            }
        }
        Self { blueprint, needs }
    }

    pub(crate) fn needs(&self, step: StepIx) -> &[StepIx] {
        &self.needs[step.ix()]
    }

    pub(crate) fn op(&self, step: StepIx) -> &Op {
        &self.blueprint.step(step).op
    }

    pub(crate) fn name(&self, step: StepIx) -> &str {
        &self.blueprint.step(step).id
    }

    /// The position of a step in its scope.
    pub(crate) fn local(&self, step: StepIx) -> usize {
        let scope = self.blueprint.step(step).scope;
        (step.0 - self.blueprint.scope(scope).first.0) as usize
    }

    /// The steps that run in any case at the end of a step.
    pub(crate) fn finally(&self, step: StepIx) -> Option<ScopeIx> {
        match self.op(step) {
            Op::Try(it) => it.finally,
            _ => None,
        }
    }

    /// The steps that undo a step.
    pub(crate) fn undo(&self, step: StepIx) -> Option<ScopeIx> {
        match self.op(step) {
            Op::Task(it) => it.compensate,
            _ => None,
        }
    }
}
