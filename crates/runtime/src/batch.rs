//! What was decided since the last commit was handed over: facts of many runs, and what is to leave once they are
//! durable.
//!
//! **Invariant:** effects, replies and events of a batch leave in the order in which they were decided, and none
//! before every fact of it and of earlier batches is durable.

use drawloom_blueprint::{Fact, RunId, Timestamp};
use drawloom_engine::Effect;
use drawloom_store::{Follows, RunState};
use hashbrown::HashMap;

use crate::inbox::Message;

/// A batch takes in no more once it has so many moves: some milliseconds of work.
const MOVES_MAX: usize = 8_192;

/// A batch with so many moves is handed over although an earlier one is still being committed.
const MOVES_MANY: usize = 512;

/// So many changed runs are many for a store that writes them while more is decided.
const RUNS_MANY: usize = 8;

/// The facts of one run in a batch.
pub(crate) struct Change {
    pub(crate) run: RunId,
    pub(crate) follows: Follows,
    /// The number of the first fact.
    pub(crate) first: u64,
    pub(crate) facts: Vec<(Timestamp, Fact)>,
    pub(crate) state: RunState,
}

/// A fact on its way into a batch.
pub(crate) struct Noted {
    pub(crate) run: RunId,
    pub(crate) follows: Follows,
    /// Its number.
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) fact: Fact,
    /// What the index is to say of the run from then on.
    pub(crate) state: RunState,
}

/// Something that leaves after the commit.
pub(crate) enum Release {
    /// What a run asks the world to do.
    Effects(RunId, Vec<Effect>),
    /// News for the loop itself.
    Message(Box<Message>),
    /// An answer to a caller.
    Reply(Box<dyn FnOnce() + Send>),
}

/// A batch.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) changes: Vec<Change>,
    pub(crate) releases: Vec<Release>,
    places: HashMap<RunId, usize>,
    moves: usize,
}

impl Batch {
    /// Adds a fact of a run; those of one run form one change.
    pub(crate) fn add(&mut self, noted: Noted) {
        let Noted { run, follows, seq, at, fact, state } = noted;
        self.moves += fact.moves.len();
        let place = *self.places.entry(run).or_insert(self.changes.len());
        match self.changes.get_mut(place) {
            Some(known) => {
                known.facts.push((at, fact));
                known.state = state;
            }
            None => self.changes.push(Change { run, follows, first: seq, facts: vec![(at, fact)], state }),
        }
    }

    /// Has this leave after the commit.
    pub(crate) fn release(&mut self, it: Release) {
        // Releases count a little, so that a flood of questions cannot keep a batch open.
        self.moves += 1;
        self.releases.push(it);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.releases.is_empty()
    }

    /// Whether there is nothing to commit.
    pub(crate) fn is_factless(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.moves < MOVES_MAX
    }

    pub(crate) fn is_large(&self) -> bool {
        self.moves >= MOVES_MANY
    }

    pub(crate) fn has_many_runs(&self) -> bool {
        self.changes.len() >= RUNS_MANY
    }
}
