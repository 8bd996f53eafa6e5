//! What the writer knows of runs because it has written it itself, on this connection and under this claim.
//!
//! **Invariant:** nobody else appends while the claim holds, and the claim is looked at in each commit; so what is
//! known holds wherever a commit succeeds. After any failure nothing is known.

use std::collections::HashMap;

use drawloom_blueprint::RunId;
use drawloom_store::RunState;

use super::plan::Plan;

/// Runs that are known at most.
const RUNS: usize = 100_000;

/// A run that has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) last: u64,
    pub(super) state: RunState,
    /// Rows of facts that the run's own row does not count yet, and the bytes of those facts.
    pub(super) loose_rows: u32,
    pub(super) loose_bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Known(HashMap<RunId, Run>);

impl Known {
    pub(super) fn get(&self, run: RunId) -> Option<&Run> {
        self.0.get(&run)
    }

    pub(super) fn last(&self, run: RunId) -> Option<u64> {
        self.0.get(&run).map(|it| it.last)
    }

    /// Notes what a plan makes true.
    pub(super) fn note(&mut self, plan: &Plan) {
        if self.0.len() > RUNS {
            self.0.clear();
        }
        for end in &plan.ends {
            if end.state.status.is_end() {
                // Hardly anything follows an end, so its place is better used for another run.
                self.0.remove(&end.run);
                continue;
            }
            let it = self.0.entry(end.run).or_default();
            it.last = end.last;
            it.state.clone_from(&end.state);
            (it.loose_rows, it.loose_bytes) = match end.loose {
                None => (0, 0),
                Some((rows, bytes)) => (it.loose_rows + rows, it.loose_bytes + bytes),
            };
        }
    }

    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}
