//! Looking after a store: what it holds, whether it is sound, what may go, and copies of it.
//!
//! **Invariant:** nothing here touches a run that has not ended, or one whose parent has not.

use std::{collections::BTreeMap, path::Path, time::Duration};

use async_trait::async_trait;
use drawloom_blueprint::{RunId, RunStatus, Timestamp};

use crate::StoreError;

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreInfo {
    /// `memory`, `sqlite`, …
    pub kind: &'static str,
    /// Where it is, for people.
    pub place: String,
    /// The version of its schema.
    pub schema: u32,
    /// Bytes on disk, without blobs.
    pub bytes: u64,
    /// Blobs.
    pub blobs: u64,
    /// Bytes of blobs.
    pub blob_bytes: u64,
    /// Runs by status; states without a run are left out.
    pub runs: BTreeMap<RunStatus, u64>,
    /// Versions.
    pub versions: u64,
    /// Runs, facts and bytes by flow, by name.
    pub flows: Vec<FlowSize>,
    /// What this handle has written.
    pub written: Written,
}

/// What was written to the journal since the store was opened, by this handle alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Commits that held facts.
    pub commits: u64,
    /// Rows of facts; a row may hold several.
    pub rows: u64,
    /// Bytes of those rows.
    pub bytes: u64,
}

/// What the runs of one flow take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowSize {
    /// The flow's name.
    pub flow: String,
    /// Its runs.
    pub runs: u64,
    /// Their facts.
    pub facts: u64,
    /// The bytes of their encoded facts.
    pub fact_bytes: u64,
    /// The bytes of the log text of their attempts.
    pub log_bytes: u64,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The run, version or other thing it is about.
    pub about: String,
    /// What is wrong, in a sentence.
    pub message: String,
}

/// Which ended runs to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Those that ended less than this long ago.
    For(Duration),
    /// The last so many to end, of each flow.
    Last(u64),
}

/// What to drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prune {
    /// Of this flow; none: of each flow.
    pub flow: Option<String>,
    /// What to keep.
    pub keep: Keep,
    /// Now.
    pub now: Timestamp,
    /// The most runs to drop in one call.
    pub limit: usize,
}

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs, with their facts and logs.
    pub runs: u64,
    /// Facts of those runs.
    pub facts: u64,
    /// Blobs that no run refers to any more.
    pub blobs: u64,
}

/// Looks after a store.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// What the store holds.
    async fn info(&self) -> Result<StoreInfo, StoreError>;

    /// Looks for damage: pages of the store, gaps in numbers, facts that cannot be read, rows that disagree with
    /// the end of their journal, versions that are missing or do not have their hash, blobs that are missing. At
    /// most `limit` findings; none means that all is well. Reads everything.
    async fn check(&self, limit: usize) -> Result<Vec<Finding>, StoreError>;

    /// Drops ended runs with their facts, logs and keys, of each flow the oldest end first, in one commit, and then blobs that were
    /// put over an hour ago and belong to no run. A run whose parent has not ended stays. Dropping fewer runs than
    /// the limit means that there are no more to drop.
    async fn prune(&self, prune: Prune) -> Result<Pruned, StoreError>;

    /// Drops one run with its facts, logs and keys. Says whether it was there.
    ///
    /// # Errors
    /// [`StoreError::Unended`] where it, or its parent, has not ended.
    async fn delete_run(&self, run: RunId) -> Result<bool, StoreError>;

    /// Writes a copy of the store, as of one instant, while it is in use. `to` must not exist.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where it does.
    async fn backup(&self, to: &Path) -> Result<(), StoreError>;

    /// Waits until everything that was handed over is committed or refused, and gives the store up. Every later
    /// call fails with [`StoreError::Closed`]; closing again does nothing. A store that is dropped is closed too.
    async fn close(&self) -> Result<(), StoreError>;
}
