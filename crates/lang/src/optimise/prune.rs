//! Drops conditions and arms that constants have decided.
//!
//! A step's conditions are evaluated in order up to the first that does not hold. One that always holds changes
//! nothing, and those after one that never holds are not reached; both go. The step itself stays, as it must
//! show as skipped. The arms of a switch are tried in order up to the first that holds: one that never does is
//! passed by, and those after one that always does are not reached. Conditions that are not constant stay,
//! since evaluating them may fail. Scopes keep their names, so that paths in a run do not change.

use drawloom_blueprint::{Arm, Blueprint, ExprIx, Op, expr::Expr};

use super::change::Change;
use crate::explain::expr_source;

pub(super) fn prune(mut blueprint: Blueprint) -> (Blueprint, Vec<Change>) {
    let mut changes = Vec::new();
    let mut steps = std::mem::take(&mut blueprint.steps);
    for step in &mut steps {
        let when = std::mem::take(&mut step.when);
        step.when = conditions(&blueprint, when, |condition| {
            let condition = expr_source(&blueprint.exprs, condition);
            changes.push(Change::ConditionDropped { step: step.id.clone(), condition });
        });
        if let Op::Switch(arms) = &mut step.op {
            let all = std::mem::take(arms);
            *arms = live_arms(&blueprint, &step.id, all, &mut changes);
        }
    }
    blueprint.steps = steps;
    (blueprint, changes)
}

/// Whether the condition holds, where that is known.
fn known(blueprint: &Blueprint, condition: ExprIx) -> Option<bool> {
    if let Expr::Const(it) = blueprint.expr(condition) { Some(it.is_true()) } else { None }
}

fn conditions(blueprint: &Blueprint, mut when: Vec<ExprIx>, mut dropped: impl FnMut(ExprIx)) -> Vec<ExprIx> {
    let mut open = true;
    when.retain(|condition| {
        let holds = known(blueprint, *condition);
        let keep = open && holds != Some(true);
        open &= holds != Some(false);
        if !keep {
            dropped(*condition);
        }
        keep
    });
    when
}

fn live_arms(blueprint: &Blueprint, step: &str, arms: Vec<Arm>, changes: &mut Vec<Change>) -> Vec<Arm> {
    let mut open = true;
    let mut live = Vec::with_capacity(arms.len());
    for (arm, number) in arms.into_iter().zip(1_usize..) {
        let (step, name) = (step.to_owned(), format!("{} ({number})", blueprint.scope(arm.scope).name));
        let holds = arm.when.map_or(Some(true), |it| known(blueprint, it));
        if !open || holds == Some(false) {
            changes.push(Change::ArmDropped { step, arm: name });
            continue;
        }
        if holds == Some(true) {
            open = false;
            if arm.when.is_some() {
                changes.push(Change::ArmCertain { step, arm: name });
            }
            live.push(Arm { when: None, ..arm });
        } else {
            live.push(arm);
        }
    }
    live
}
