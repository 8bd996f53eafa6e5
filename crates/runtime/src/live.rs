//! A run in memory.
//!
//! **Invariant:** the facts it has decided are numbered without a gap, and each is in a batch exactly once.

use std::{collections::HashSet, sync::Arc, time::Duration};

use drawloom_blueprint::{Blueprint, Fact, Move, RunId, Timestamp};
use drawloom_engine::{Effect, InlineKinds, Run};
use drawloom_store::{Follows, RunHead, RunState};
use tokio::time::Instant;

use crate::{batch::Noted, start::NewRun, trail::Trail};

/// A run in memory.
pub(crate) struct Live {
    pub(crate) run: Run,
    pub(crate) trail: Trail,
    /// The head of a run whose first facts are not in a batch yet.
    head: Option<Box<RunHead>>,
    /// The number of the last fact that was decided.
    pub(crate) seq: u64,
    /// The number of the last one that is durable.
    pub(crate) durable: u64,
    /// Sub-flows that it waits for.
    pub(crate) children: HashSet<RunId>,
    /// Whether it has more to do at once.
    more: bool,
    /// Whether it was asked to end.
    pub(crate) ending: bool,
    pub(crate) touched: Instant,
}

impl Live {
    /// A run to which nothing has happened yet.
    pub(crate) fn empty(blueprint: &Arc<Blueprint>, inline: InlineKinds) -> Self {
        Self {
            run: Run::new(Arc::clone(blueprint), inline),
            trail: Trail::new(Arc::clone(blueprint)),
            head: None,
            seq: 0,
            durable: 0,
            children: HashSet::new(),
            more: false,
            ending: false,
            touched: Instant::now(),
        }
    }

    /// A run about to begin at `now`.
    pub(crate) fn beginning(new: &NewRun, inline: InlineKinds, now: Timestamp) -> Self {
        let it = &new.started;
        let head = RunHead {
            flow: it.flow.clone(),
            version: it.version,
            number: it.number,
            labels: it.labels.clone(),
            started_at: now,
            parent: it.parent.as_ref().map(|it| it.run),
            concurrency_key: it.concurrency_key.clone(),
            idempotency_key: new.idempotency_key.clone(),
        };
        Self { head: Some(Box::new(head)), ..Self::empty(&new.blueprint, inline) }
    }

    /// Takes notice of what was decided, and makes it the next part of the run's journal.
    pub(crate) fn note(&mut self, now: Timestamp, fact: Option<Fact>, effects: &[Effect]) -> Option<Noted> {
        self.more = effects.contains(&Effect::Continue);
        for it in effects {
            if let Effect::StartChild(child) = it {
                self.children.insert(child.run);
            }
        }
        let fact = fact?;
        self.ending |= fact.moves.iter().any(|it| matches!(it, Move::Ending(..)));
        let follows = match self.head.take() {
            Some(head) => Follows::Nothing(head),
            None => Follows::Seq(self.seq),
        };
        self.seq += 1;
        Some(Noted { run: self.run.id(), follows, seq: self.seq, at: now, fact, state: self.state() })
    }

    /// How many things it has under way that must be in memory to go on: attempts, sub-flows, and work left over.
    pub(crate) fn in_flight(&self) -> u32 {
        if self.run.status().is_end() {
            return 0;
        }
        let children = u32::try_from(self.children.len()).unwrap_or(u32::MAX);
        self.run.running().saturating_add(children).saturating_add(u32::from(self.more))
    }

    fn state(&self) -> RunState {
        let error = self.run.end().and_then(|it| it.error.as_ref());
        RunState {
            status: self.run.status(),
            ended_at: self.run.ended_at(),
            next_due: self.run.next_due(),
            in_flight: self.in_flight(),
            error: error.map(|it| it.to_string().lines().next().unwrap_or_default().to_owned()),
        }
    }

    /// Whether it may leave memory: it does nothing, all of it is durable, and it was not touched lately.
    pub(crate) fn may_leave(&self, idle: Duration) -> bool {
        self.in_flight() == 0 && self.seq == self.durable && self.touched.elapsed() >= idle
    }
}
