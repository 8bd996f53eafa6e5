//! Drops needs that follow from other needs.
//!
//! Say `c` needs `a` and `b`, and `b` needs `a`. Under the rules in [`carries`], `b` ends after `a`, and brings
//! `c` the news that `a` would have brought:
//!
//! - `a` succeeded (or failed and may): its tally is neutral for `c`, with the need and without it.
//! - `a` failed or was not run for a failure: `b` waits for all its needs, finds a bad one and is
//!   `upstream_failed`; so `c` has a bad need either way. (`b` may not be a step whose failure counts as handled.)
//! - `a` was skipped: for `none_failed` that is neutral. Under `all_success`, `b` is skipped or, where another
//!   need of it is bad, `upstream_failed`; so `c` has a need without success either way, and a bad one exactly
//!   when it had one before.
//!
//! Both rules wait for every need, so that `c` is decided at the same moment, too. All edges can go at once: each
//! dropped edge leaves all outcomes as they were, so the argument for the others still holds; and the need of
//! `c` that ends last is never dropped.

use drawloom_blueprint::{Blueprint, Step, StepIx, TriggerRule};

use super::change::Change;

/// Work per step and edge after which the pass stops looking, so that dense graphs compile in linear time.
const WORK_PER_ITEM: usize = 32;

pub(super) fn reduce(mut blueprint: Blueprint) -> (Blueprint, Vec<Change>) {
    let needs = Needs::of(&blueprint);
    let mut work = WORK_PER_ITEM * (blueprint.steps.len() + blueprint.edges.len());
    // The step whose needs were marked last, for each step: cheaper than clearing marks.
    let mut marked: Vec<Option<StepIx>> = vec![None; blueprint.steps.len()];
    let mut dropped: Vec<(StepIx, StepIx, StepIx)> = Vec::new();
    'steps: for (c, at) in blueprint.steps.iter().zip(0..).map(|(step, at)| (step, StepIx(at))) {
        let own = needs.of_step(at);
        if own.len() < 2 || !waits_for_all(c.rule) {
            continue;
        }
        own.iter().for_each(|a| marked[a.ix()] = Some(at));
        for b in own {
            let through = needs.of_step(*b);
            let Some(left) = work.checked_sub(through.len() + 1) else { break 'steps };
            work = left;
            if !carries(blueprint.step(*b), c) {
                continue;
            }
            for a in through {
                if marked[a.ix()] == Some(at) {
                    marked[a.ix()] = None;
                    dropped.push((*a, at, *b));
                }
            }
        }
    }
    blueprint = drop_edges(blueprint, &dropped);
    let changes = report(&blueprint, &dropped);
    (blueprint, changes)
}

/// Whether the outcome of `b` tells `c` all it needs to know of the needs of `b`.
fn carries(b: &Step, c: &Step) -> bool {
    use TriggerRule::{AllSuccess, NoneFailed};
    !b.continue_on_failure
        && matches!((b.rule, c.rule), (AllSuccess, AllSuccess | NoneFailed) | (NoneFailed, NoneFailed))
}

fn waits_for_all(rule: TriggerRule) -> bool {
    matches!(rule, TriggerRule::AllSuccess | TriggerRule::NoneFailed)
}

fn report(blueprint: &Blueprint, dropped: &[(StepIx, StepIx, StepIx)]) -> Vec<Change> {
    let id = |ix: &StepIx| blueprint.step(*ix).id.clone();
    dropped.iter().map(|(a, c, b)| Change::EdgeDropped { from: id(a), to: id(c), through: id(b) }).collect()
}

/// The blueprint without these edges; the order of the others stays.
fn drop_edges(mut blueprint: Blueprint, dropped: &[(StepIx, StepIx, StepIx)]) -> Blueprint {
    if dropped.is_empty() {
        return blueprint;
    }
    let mut gone: Vec<(StepIx, StepIx)> = dropped.iter().map(|(a, c, _)| (*a, *c)).collect();
    gone.sort_unstable();
    let mut kept = Vec::with_capacity(blueprint.edges.len() - gone.len());
    let rows: Vec<Vec<StepIx>> =
        (0..).map(StepIx).take(blueprint.steps.len()).map(|at| blueprint.next(at).to_vec()).collect();
    for (at, row) in (0..).map(StepIx).zip(&rows) {
        let step = &mut blueprint.steps[at.ix()];
        step.edges_first = position(kept.len());
        kept.extend(row.iter().filter(|to| gone.binary_search(&(at, **to)).is_err()));
        step.edges_len = position(kept.len()) - step.edges_first;
    }
    for (_, to) in gone {
        blueprint.steps[to.ix()].needs -= 1;
    }
    blueprint.edges = kept;
    blueprint
}

fn position(at: usize) -> u32 {
    u32::try_from(at).expect("invariant: the blueprint had no more than 2^32 edges")
}

/// The needs of each step, as compressed rows.
struct Needs {
    first: Vec<usize>,
    rows: Vec<StepIx>,
}

impl Needs {
    fn of(blueprint: &Blueprint) -> Self {
        let mut first = vec![0; blueprint.steps.len() + 1];
        for to in &blueprint.edges {
            first[to.ix() + 1] += 1;
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        let mut free = first.clone();
        let mut rows = vec![StepIx(0); blueprint.edges.len()];
        for from in (0..).map(StepIx).take(blueprint.steps.len()) {
            for to in blueprint.next(from) {
                rows[free[to.ix()]] = from;
                free[to.ix()] += 1;
            }
        }
        Self { first, rows }
    }

    fn of_step(&self, step: StepIx) -> &[StepIx] {
        &self.rows[self.first[step.ix()]..self.first[step.ix() + 1]]
    }
}
