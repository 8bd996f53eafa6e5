//! Steps and arms that can never run (warnings).
//!
//! A step behind an unconditional `fail` or `stop` is never reached, and neither is an arm of a `switch` behind one
//! that is always taken.

use drawloom_blueprint::TriggerRule;

use super::{
    conditions::known_value,
    cycles::Order,
    plan::{Plan, StepNo},
    suggest::shortened,
};
use crate::{
    Code, Diagnostic,
    model::{Arm, Body, Flow},
};

pub(super) fn check(flow: &Flow, plan: &Plan, order: &Order, problems: &mut Vec<Diagnostic>) {
    // Where no step could be read, that has been said.
    if plan.entries.is_empty() && problems.is_empty() {
        let message = "the flow has no steps: its runs do nothing";
        problems.push(Diagnostic::new(Code::NoSteps, flow.name.span, message));
    }
    steps(plan, order, problems);
    for (_, step) in plan.steps() {
        if let Body::Switch(it) = &step.body {
            arms(it, problems);
        }
    }
}

/// Whether and why a step never lets others run.
#[derive(Clone, Copy, PartialEq)]
enum End {
    No,
    /// It ends the run, as does no other before it.
    Itself,
    /// It is never reached, because of this one.
    Behind(StepNo),
}

fn steps(plan: &Plan, order: &Order, problems: &mut Vec<Diagnostic>) {
    let mut ends = vec![End::No; plan.entries.len()];
    for no in &order.steps {
        let entry = plan.entry(*no);
        if plan.is_group(*no) {
            // Whoever waits for a group waits for each of its steps.
            let dead = plan.before(*no).iter().find(|it| ends[it.ix()] != End::No);
            ends[no.ix()] = dead.map_or(End::No, |it| End::Behind(cause(*it, &ends)));
            continue;
        }
        let waits = !matches!(
            entry.rule,
            TriggerRule::Always
                | TriggerRule::AllDone
                | TriggerRule::AllFailed
                | TriggerRule::OneFailed
                | TriggerRule::OneDone
                | TriggerRule::OneSuccess
                | TriggerRule::AllSkipped
        );
        let dead = entry.needs.iter().find(|it| ends[it.ix()] != End::No).filter(|_| waits);
        if let Some(dead) = dead {
            let first = ends[dead.ix()] == End::Itself || plan.is_group(*dead);
            let cause = cause(*dead, &ends);
            ends[no.ix()] = End::Behind(cause);
            if first {
                let how = if matches!(plan.entry(cause).step.body, Body::Stop(_)) { "stop" } else { "fail" };
                let (id, cause_id) = (shortened(&entry.step.id.value), shortened(plan.id(cause)));
                let message = format!("`{id}` can never run: `{cause_id}` ends the run before it");
                let problem = Diagnostic::new(Code::Unreachable, entry.step.id.span, message);
                let help = format!("give `{cause_id}` a condition (`when`), or move the `{how}` to the end");
                problems.push(problem.label(plan.id_span(cause), "the run ends here").help(help));
            }
        } else if matches!(entry.step.body, Body::Fail(_) | Body::Stop(_)) && ends_for_sure(plan, *no) {
            ends[no.ix()] = End::Itself;
        }
    }
}

fn cause(no: StepNo, ends: &[End]) -> StepNo {
    if let End::Behind(it) = ends[no.ix()] { it } else { no }
}

fn ends_for_sure(plan: &Plan, no: StepNo) -> bool {
    plan.conditions(no).next().is_none() && !plan.goes_on(no)
}

fn arms(arms: &[Arm], problems: &mut Vec<Diagnostic>) {
    let always = |arm: &Arm| arm.when.as_ref().is_some_and(|it| known_value(it).is_some_and(|it| it.is_true()));
    let Some(taken) = arms.iter().position(always) else { return };
    let Some(place) = arms[taken].when.as_ref().map(|it| it.span) else { return };
    for it in &arms[taken + 1..] {
        let message = "this arm is never taken: one before it always is";
        problems.push(Diagnostic::new(Code::Unreachable, it.span, message).label(place, "this always holds"));
    }
}
