//! The journal: facts of runs, appended by the owner of their shards.
//!
//! **Invariant:** the facts of a run are numbered 1, 2, 3, … without a gap or a repetition; once an append has
//! been acknowledged its facts are there after any crash (as far as the store's durability setting promises),
//! and nobody but the present owner of the run's shard can add to them.

use std::{future::Future, pin::Pin};

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{RunId, Timestamp};

use crate::{BlobHash, Epoch, RunHead, RunRow, RunState, StoreError};

/// Proof that the caller owns all shards since `epoch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The epoch that appends under this claim are checked against.
    pub epoch: Epoch,
}

/// A fact and the instant at which it was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was decided.
    pub at: Timestamp,
    /// The encoded fact. The store does not look into it.
    pub fact: Bytes,
}

/// A fact in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number in its run, from 1 on.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// The encoded fact, byte for byte as it was appended.
    pub fact: Bytes,
}

/// What the facts of an append follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Follows {
    /// Nothing: they are the first of a new run.
    Nothing(Box<RunHead>),
    /// The fact with this number, which must be the run's last one.
    Seq(u64),
}

/// New facts of one run, and how it stands after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAppend {
    /// The run.
    pub run: RunId,
    /// What the facts follow.
    pub follows: Follows,
    /// The facts, in order. May be empty where only the row changes; a new run has at least one.
    pub facts: Vec<Entry>,
    /// The run's row after the last of them.
    pub state: RunState,
    /// Blobs that the facts refer to. They are kept at least as long as the run.
    pub blobs: Vec<BlobHash>,
}

/// New facts of any number of runs: one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The caller's claim.
    pub claim: Claim,
    /// The runs. One run may occur several times; the later then follows the earlier.
    pub runs: Vec<RunAppend>,
}

/// The outcome of an append, to be waited for.
///
/// The append is under way whether or not this is polled or dropped.
pub type Commit = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'static>>;

/// Which unended runs are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unended {
    /// All of them.
    All,
    /// Those with attempts in flight ([`RunState::in_flight`]), which must be in memory to go on.
    InFlight,
}

/// A place in the order of [`Journal::due`]: the due time and the run of the last row seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DuePlace {
    /// The due time of that row.
    pub due: Timestamp,
    /// Its run.
    pub run: RunId,
}

/// Appends facts and reads them back. Readers see committed facts only.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Makes this process the owner of all shards and returns the proof of it. Each claim has an epoch above every
    /// earlier one, across restarts. Appends under earlier claims are refused from then on with
    /// [`StoreError::Fenced`]. `owner` is for people who find the store taken: it says what this process does with it.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where the store has one owner process at a time and another process is it.
    async fn claim(&self, owner: &str) -> Result<Claim, StoreError>;

    /// Hands an append to the store and returns its outcome as a future. All of it is committed at once, or
    /// nothing of it is.
    ///
    /// The order of the *calls* is the order of the commits, so the next append may be handed over before the
    /// outcome of this one is known; where this one is refused, one that follows its facts is refused too, since
    /// its numbers leave a gap. Must be called within the async runtime.
    ///
    /// # Errors (in the outcome)
    /// - [`StoreError::Fenced`]: somebody claimed a shard of one of these runs after `claim`.
    /// - [`StoreError::Conflict`]: facts do not follow the last one of their run, a run said to be new exists,
    ///   a new run has no fact, or one said to exist does not.
    /// - [`StoreError::KeyTaken`]: the idempotency key of a new run belongs to another one.
    /// - [`StoreError::Full`]: there is no room. The store is usable again when there is.
    /// - [`StoreError::Broken`]: a write or flush failed. It is not known whether this append survives, and
    ///   every later one is refused too, until the store has been opened again and its runs were read anew.
    fn append(&self, append: Append) -> Commit;

    /// Whether an append is written while others are still being made, all of which then share one commit. Such a store
    /// is handed many small ones; any other does better with fewer that are larger.
    fn writes_early(&self) -> bool {
        false
    }

    /// The facts of `run` after number `after` (0: from the start), in order. One answer holds at least one fact
    /// where there is one, and then as many as make a page ([`PAGE_BYTES`](crate::PAGE_BYTES),
    /// [`PAGE_ITEMS`](crate::PAGE_ITEMS)); the next page is asked for with the number of the last fact, and an
    /// empty answer is the end. Numbers are never given again, so a prefix that was archived stays recognisable:
    /// the first fact then has a number above `after + 1`.
    async fn facts(&self, run: RunId, after: u64) -> Result<Vec<Record>, StoreError>;

    /// At most `limit` runs that have not ended, oldest id first, from above `after` on; a page with fewer than
    /// `limit` rows is the last one.
    async fn unended(&self, which: Unended, after: Option<RunId>, limit: usize) -> Result<Vec<RunRow>, StoreError>;

    /// At most `limit` unended runs whose [`RunState::next_due`] is at `until` or earlier, in due order (runs due
    /// at the same time by id), from behind `after` on.
    async fn due(&self, until: Timestamp, after: Option<DuePlace>, limit: usize) -> Result<Vec<RunRow>, StoreError>;
}
