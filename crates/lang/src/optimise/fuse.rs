//! Fuses chains of inline steps: the engine goes from one to the next within one decision, without queueing.
//!
//! The engine begins the second step of a fused pair right after the success of the first, before anything else
//! that the same decision could do. That is what happens anyway where nothing else can happen: so only steps are
//! fused whose list is straight (each step waits for the one before it and for nothing else), and whose blocks
//! stand in straight lists and do one thing at a time themselves. The second step must run by its rule when the
//! first succeeded; when the first ends otherwise, the engine judges the second as any other. Nothing follows a
//! step that ends the run.

use drawloom_blueprint::{Blueprint, ExprIx, Op, Scope, ScopeIx, Step, StepIx, TriggerRule, Value, expr::Expr};

use super::change::Change;

pub(super) fn fuse(mut blueprint: Blueprint) -> (Blueprint, Vec<Change>) {
    let mut changes = Vec::new();
    for scope in undisturbed(&blueprint) {
        let steps: Vec<StepIx> = blueprint.steps_of(scope).collect();
        for pair in steps.windows(2) {
            let (first, second) = (blueprint.step(pair[0]), blueprint.step(pair[1]));
            if goes_on(first) && follows(second) {
                changes.push(Change::Fused { first: first.id.clone(), next: second.id.clone() });
                blueprint.steps[pair[0].ix()].fused_next = Some(pair[1]);
            }
        }
    }
    (blueprint, changes)
}

fn goes_on(step: &Step) -> bool {
    step.op.is_inline() && !matches!(step.op, Op::Fail(_) | Op::Stop(_))
}

/// Whether the step is inline and runs when the only step that it needs has succeeded.
fn follows(step: &Step) -> bool {
    use TriggerRule::{AllFailed, AllSkipped, Always, OneFailed};
    step.op.is_inline() && !matches!(step.rule, AllFailed | AllSkipped | OneFailed | Always)
}

/// The scopes in which, while a run is in them, nothing else of the run happens; in order.
fn undisturbed(blueprint: &Blueprint) -> Vec<ScopeIx> {
    let mut found = Vec::new();
    let mut open = vec![Blueprint::ROOT];
    while let Some(at) = open.pop() {
        if !is_straight(blueprint, blueprint.scope(at)) {
            continue;
        }
        found.push(at);
        let blocks = blueprint.steps_of(at).map(|step| &blueprint.step(step).op);
        open.extend(blocks.filter(|op| does_one_thing(blueprint, op)).flat_map(Op::scopes));
    }
    found.sort_unstable();
    found
}

/// Whether each step of the scope waits for the one before it, and for that one only.
fn is_straight(blueprint: &Blueprint, scope: &Scope) -> bool {
    let last = scope.first.0 + scope.len;
    (scope.first.0..last).all(|at| {
        let step = blueprint.step(StepIx(at));
        let next = blueprint.next(StepIx(at));
        let waits = step.needs == u32::from(at > scope.first.0) && step.rule != TriggerRule::Always;
        waits && if at + 1 < last { next == [StepIx(at + 1)] } else { next.is_empty() }
    })
}

/// Whether the block never has two frames at once. The steps that undo a task are left alone.
fn does_one_thing(blueprint: &Blueprint, op: &Op) -> bool {
    match op {
        Op::Switch(_) | Op::Loop(_) | Op::Try(_) => true,
        Op::ForEach(it) => it.concurrency.is_some_and(|ix| is_one(blueprint, ix)),
        _ => false,
    }
}

fn is_one(blueprint: &Blueprint, ix: ExprIx) -> bool {
    matches!(blueprint.expr(ix), Expr::Const(Value::Int(1)))
}
