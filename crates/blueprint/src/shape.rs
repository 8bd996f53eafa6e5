//! Whether a stored blueprint hangs together: what the compiler always makes, and a damaged one may not.
//!
//! **Invariant:** in a blueprint that passes, each step stands in one scope and each inner scope belongs to one step
//! outside it, so that running it enters only what it owns, and ends.

use crate::{Blueprint, Op, ScopeIx, Step, StepIx};

/// Says what does not hang together. Every index has been checked before.
pub(crate) fn check(it: &Blueprint) -> Result<(), String> {
    for (scope, at) in it.scopes.iter().zip(0..) {
        let at = ScopeIx(at);
        let ours = |step: &StepIx| (scope.first.0..scope.first.0 + scope.len).contains(&step.0);
        if let Some(step) = it.steps_of(at).find(|step| it.step(*step).scope != at) {
            return Err(format!("step {} stands in two scopes", step.0));
        }
        if scope.last.as_ref().is_some_and(|last| !ours(last)) {
            return Err(format!("the last step of scope {} is not in it", at.0));
        }
        // Inner scopes stand behind the one around them.
        let outer = scope.owner.map(|owner| it.step(owner).scope);
        match (at == Blueprint::ROOT, outer) {
            (true, None) => {}
            (false, Some(outer)) if outer < at => {}
            _ => return Err(format!("scope {} does not belong to a step outside it", at.0)),
        }
    }
    it.steps.iter().zip(0..).try_for_each(|(step, at)| check_step(it, StepIx(at), step))
}

fn check_step(it: &Blueprint, at: StepIx, step: &Step) -> Result<(), String> {
    let scope = it.scope(step.scope);
    if !(scope.first.0..scope.first.0 + scope.len).contains(&at.0) {
        return Err(format!("`{}` is not among the steps of its scope", step.id));
    }
    if let Some(inner) = step.op.scopes().iter().find(|inner| it.scope(**inner).owner != Some(at)) {
        return Err(format!("`{}` has scope {}, which is another's", step.id, inner.0));
    }
    let mut next = it.next(at).iter().chain(&step.fused_next);
    if next.any(|next| *next == at || it.step(*next).scope != step.scope) {
        return Err(format!("what needs `{}` is not beside it", step.id));
    }
    match &step.op {
        Op::Task(task) if !(task.retry.backoff.is_finite() && (0.0..=1.0).contains(&task.retry.jitter)) => {
            Err(format!("the `retry` of `{}` is out of range", step.id))
        }
        _ => Ok(()),
    }
}
