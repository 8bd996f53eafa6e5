//! Which steps may end without an output in a run that goes on, and which edges pass that on.
//!
//! A step may be skipped where it has a condition, where its trigger rule may not hold, or where it needs a step
//! that may be skipped. Failures that nothing handles are not looked at: they fail the run.

use drawloom_blueprint::TriggerRule;

use super::{
    cycles::Order,
    plan::{Plan, StepNo},
};

/// Why a step may have no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// It has an output whenever it has ended.
    Never,
    /// It, or a group around it, has a condition.
    Condition,
    /// Its trigger rule may not hold.
    Rule,
    /// It is skipped together with this step, which it needs.
    Need(StepNo),
    /// It may fail and the run goes on.
    Failure,
}

/// Why each step may have no output.
#[derive(Debug)]
pub(super) struct Skips {
    skips: Vec<Absence>,
}

impl Skips {
    pub(super) fn new(plan: &Plan, order: &Order) -> Self {
        let mut it = Self { skips: vec![Absence::Never; plan.entries.len()] };
        // For a group: whether all of its steps may be skipped.
        let mut all = vec![false; plan.entries.len()];
        for no in &order.steps {
            let why = it.skip(plan, *no, &all);
            it.skips[no.ix()] = why;
            let may = |no: &StepNo| it.skips[no.ix()] != Absence::Never;
            all[no.ix()] = if plan.is_group(*no) { plan.before(*no).iter().all(may) } else { may(no) };
        }
        it
    }

    /// Why the step may be skipped, given the same of all before it.
    fn skip(&self, plan: &Plan, no: StepNo, all: &[bool]) -> Absence {
        let before = plan.before(no);
        let need = || before.iter().find(|it| self.skips[it.ix()] != Absence::Never);
        let by_need = || need().map_or(Absence::Never, |it| Absence::Need(*it));
        if plan.is_group(no) {
            return by_need();
        }
        if plan.conditions(no).next().is_some() {
            return Absence::Condition;
        }
        match plan.entry(no).rule {
            TriggerRule::AllSuccess | TriggerRule::NoneSkipped => by_need(),
            TriggerRule::OneSuccess | TriggerRule::OneDone | TriggerRule::NoneFailedMinOneSuccess => {
                if before.iter().all(|it| all[it.ix()]) { by_need() } else { Absence::Never }
            }
            TriggerRule::AllFailed | TriggerRule::OneFailed | TriggerRule::AllSkipped if !before.is_empty() => {
                Absence::Rule
            }
            _ => Absence::Never,
        }
    }

    /// Why the step may have no output once it has ended.
    pub(super) fn absence(&self, plan: &Plan, no: StepNo) -> Absence {
        if plan.goes_on(no) { Absence::Failure } else { self.skips[no.ix()] }
    }

    /// Whether the step may be skipped.
    pub(super) fn may_be_skipped(&self, no: StepNo) -> bool {
        self.skips[no.ix()] != Absence::Never
    }

    /// Whether the step may have no output for another reason than its own condition.
    pub(super) fn besides_condition(&self, plan: &Plan, no: StepNo) -> bool {
        let before = plan.before(no).iter().any(|it| self.skips[it.ix()] != Absence::Never);
        plan.goes_on(no) || (before && plan.entry(no).rule != TriggerRule::NoneFailed) || needs_failure(plan, no)
    }
}

fn needs_failure(plan: &Plan, no: StepNo) -> bool {
    use TriggerRule::{AllFailed, AllSkipped, OneFailed};
    matches!(plan.entry(no).rule, AllFailed | OneFailed | AllSkipped)
}

/// Whether a step that runs has certainly seen the end of all its needs.
pub(super) fn waits_for_all(plan: &Plan, no: StepNo) -> bool {
    match plan.entry(no).rule {
        TriggerRule::Always => false,
        TriggerRule::OneSuccess | TriggerRule::OneFailed | TriggerRule::OneDone => is_single(plan, no),
        _ => true,
    }
}

/// Whether a step that runs has certainly seen all its needs run.
pub(super) fn needs_all_to_run(plan: &Plan, no: StepNo) -> bool {
    match plan.entry(no).rule {
        TriggerRule::AllSuccess | TriggerRule::NoneSkipped => true,
        TriggerRule::OneSuccess | TriggerRule::OneDone | TriggerRule::NoneFailedMinOneSuccess => is_single(plan, no),
        _ => false,
    }
}

/// Whether a step runs only where its needs gave no output.
pub(super) fn needs_none_to_succeed(plan: &Plan, no: StepNo) -> bool {
    match plan.entry(no).rule {
        TriggerRule::AllFailed | TriggerRule::AllSkipped => true,
        TriggerRule::OneFailed => is_single(plan, no),
        _ => false,
    }
}

/// Whether a step waits for one step only.
fn is_single(plan: &Plan, no: StepNo) -> bool {
    match plan.before(no) {
        [] => true,
        [one] => !plan.is_group(*one) || plan.before(*one).len() <= 1,
        _ => false,
    }
}
