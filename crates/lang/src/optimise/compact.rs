//! Drops what nothing reaches: scopes that no step owns any more, their steps, and expressions without a use.
//!
//! This keeps behaviour because a run enters scopes only through the steps that own them and evaluates only
//! expressions that a step, an output, a label or a limit names. What is kept keeps its order, so that each
//! scope's steps stay together; expressions that have become equal share one place.

use drawloom_blueprint::{Blueprint, ExprIx, Lookup, ScopeIx, StepIx, expr::Expr};

use super::{change::Change, renumber::Numbers};
use crate::emit::arena::Arena;

pub(super) fn compact(blueprint: Blueprint) -> (Blueprint, Vec<Change>) {
    let scopes = reached_scopes(&blueprint);
    let steps = numbered(blueprint.steps.iter().map(|step| scopes[step.scope.ix()])).map(StepIx);
    let (exprs, arena) = kept_exprs(&blueprint, &steps.0);
    let mut changes: Vec<Change> = Vec::new();
    for (step, kept) in blueprint.steps.iter().zip(&steps.0) {
        if kept.is_none() {
            changes.push(Change::StepDropped { step: step.id.clone() });
        }
    }
    let count = blueprint.exprs.len() - arena.len();
    if count > 0 {
        changes.push(Change::ExpressionsDropped { count });
    }
    let scopes = numbered(scopes.into_iter()).map(ScopeIx);
    (rebuilt(blueprint, &steps.0, &Numbers { exprs: &exprs, scopes: &scopes.0 }, arena), changes)
}

/// Old positions to new ones, where there is one.
struct Renumbered<T>(Vec<Option<T>>);

impl Renumbered<u32> {
    fn map<T>(self, index: impl Fn(u32) -> T) -> Renumbered<T> {
        Renumbered(self.0.into_iter().map(|it| it.map(&index)).collect())
    }
}

fn numbered(kept: impl Iterator<Item = bool>) -> Renumbered<u32> {
    let mut next = 0;
    let number = |kept: bool| {
        next += u32::from(kept);
        kept.then(|| next - 1)
    };
    Renumbered(kept.map(number).collect())
}

/// Which scopes a run can enter.
fn reached_scopes(blueprint: &Blueprint) -> Vec<bool> {
    let mut reached = vec![false; blueprint.scopes.len()];
    let mut open = vec![Blueprint::ROOT];
    while let Some(scope) = open.pop() {
        if !std::mem::replace(&mut reached[scope.ix()], true) {
            open.extend(blueprint.steps_of(scope).flat_map(|step| blueprint.step(step).op.scopes()));
        }
    }
    reached
}

/// The new place of each expression that is used, and the expressions in their new places.
fn kept_exprs(blueprint: &Blueprint, steps: &[Option<StepIx>]) -> (Vec<Option<ExprIx>>, Vec<Expr>) {
    let mut used = vec![false; blueprint.exprs.len()];
    let mut mark = |ix: ExprIx| used[ix.ix()] = true;
    blueprint.labels.values().copied().for_each(&mut mark);
    blueprint.outputs.iter().map(|(_, ix)| *ix).for_each(&mut mark);
    blueprint.limits.concurrency.iter().filter_map(|it| it.key).for_each(&mut mark);
    for (step, _) in blueprint.steps.iter().zip(steps).filter(|(_, kept)| kept.is_some()) {
        step.when.iter().copied().chain(step.op.exprs()).for_each(&mut mark);
    }
    // Parts stand before wholes: from the back, each whole is known to be used before its parts are looked at.
    for at in (0..used.len()).rev() {
        if used[at] {
            blueprint.exprs[at].parts().iter().for_each(|part| used[part.ix()] = true);
        }
    }
    let mut arena = Arena::default();
    let mut places: Vec<Option<ExprIx>> = vec![None; used.len()];
    for (at, expr) in blueprint.exprs.iter().enumerate().filter(|(at, _)| used[*at]) {
        let part = |ix: &ExprIx| places[ix.ix()].expect("invariant: parts stand before the whole");
        let moved = match expr {
            Expr::Text(parts) => Expr::Text(parts.iter().map(part).collect()),
            Expr::List(parts) => Expr::List(parts.iter().map(part).collect()),
            Expr::Object(parts) => Expr::Object(parts.iter().map(|(name, ix)| (name.clone(), part(ix))).collect()),
            plain => plain.clone(),
        };
        places[at] = Some(arena.add(moved));
    }
    (places, arena.into_exprs())
}

fn rebuilt(old: Blueprint, places: &[Option<StepIx>], numbers: &Numbers<'_>, exprs: Vec<Expr>) -> Blueprint {
    let mut new = Blueprint { exprs, lookup: Lookup::default(), ..old };
    let step_at = |ix: StepIx| places[ix.ix()].expect("invariant: what a kept step or scope names is kept");
    new.labels.values_mut().for_each(|ix| *ix = numbers.expr(*ix));
    new.outputs.iter_mut().for_each(|(_, ix)| *ix = numbers.expr(*ix));
    if let Some(key) = new.limits.concurrency.as_mut().and_then(|it| it.key.as_mut()) {
        *key = numbers.expr(*key);
    }
    let mut edges = Vec::with_capacity(new.edges.len());
    let mut steps = Vec::with_capacity(new.steps.len());
    for (mut step, _) in std::mem::take(&mut new.steps).into_iter().zip(places).filter(|(_, kept)| kept.is_some()) {
        let row = step.edges_first as usize..(step.edges_first + step.edges_len) as usize;
        step.edges_first = u32::try_from(edges.len()).expect("invariant: there are no more edges than before");
        edges.extend(new.edges[row].iter().map(|to| step_at(*to)));
        step.scope = numbers.scope(step.scope);
        step.when.iter_mut().for_each(|ix| *ix = numbers.expr(*ix));
        step.op = numbers.op(step.op);
        step.fused_next = step.fused_next.map(step_at);
        steps.push(step);
    }
    // How many steps are kept before each: where a scope begins, also one without steps.
    let before: Vec<u32> = places
        .iter()
        .scan(0, |kept, place| Some(std::mem::replace(kept, *kept + u32::from(place.is_some()))))
        .chain([u32::try_from(steps.len()).expect("invariant: there are no more steps than before")])
        .collect();
    let mut scopes = Vec::with_capacity(new.scopes.len());
    let olds = std::mem::take(&mut new.scopes).into_iter().zip(numbers.scopes);
    for (mut scope, _) in olds.filter(|(_, kept)| kept.is_some()) {
        scope.first = StepIx(before[scope.first.ix()]);
        scope.owner = scope.owner.map(step_at);
        scope.last = scope.last.map(step_at);
        scopes.push(scope);
    }
    Blueprint { scopes, steps, edges, lookup: Lookup::default(), ..new }
}
