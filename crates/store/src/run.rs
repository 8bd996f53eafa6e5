//! Rows of the index of runs, and how to find them.
//!
//! **Invariant:** a row is derived from the run's facts and written in the same commit as they are, so the two
//! cannot disagree.

use std::collections::BTreeMap;

use async_trait::async_trait;
use drawloom_blueprint::{FlowHash, RunId, RunStatus, Timestamp};

use crate::{BlobHash, StoreError};

/// What is known of a run from its start on and never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunHead {
    /// The flow's name.
    pub flow: String,
    /// The version it runs.
    pub version: FlowHash,
    /// The version's number, where it was published.
    pub number: Option<u32>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// When it was started.
    pub started_at: Timestamp,
    /// The run that started it, where it is a sub-flow.
    pub parent: Option<RunId>,
    /// The key of the flow's `concurrency`, evaluated.
    pub concurrency_key: Option<String>,
    /// The caller's key by which a repeated start finds this run. No two runs in a store have the same one.
    pub idempotency_key: Option<String>,
}

/// What changes in a run's row as it goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunState {
    /// Its status.
    pub status: RunStatus,
    /// When it ended; present exactly where the status is an end.
    pub ended_at: Option<Timestamp>,
    /// The earliest instant at which a timer of the run is due.
    pub next_due: Option<Timestamp>,
    /// How many of its attempts are handed out or wait for room. A run without any sleeps until a timer or
    /// somebody wakes it, and need not be in memory.
    pub in_flight: u32,
    /// Why it did not succeed, in one line.
    pub error: Option<String>,
}

/// A run as the index knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// The run.
    pub run: RunId,
    /// What never changes.
    pub head: RunHead,
    /// How it stood after its last fact.
    pub state: RunState,
    /// The number of its last fact, which is also how many facts it has.
    pub last_seq: u64,
}

/// Which runs to list. Every part that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this flow.
    pub flow: Option<String>,
    /// In one of these states; empty means in any.
    pub status: Vec<RunStatus>,
    /// Started at this instant or later.
    pub since: Option<Timestamp>,
    /// With all of these labels.
    pub labels: BTreeMap<String, String>,
    /// Started by this run.
    pub parent: Option<RunId>,
}

/// Reads the index. What is read is committed; it may be older than an append that has not returned yet.
#[async_trait]
pub trait RunReader: Send + Sync {
    /// The row of `run`.
    async fn run(&self, run: RunId) -> Result<Option<RunRow>, StoreError>;

    /// At most `limit` runs that `filter` holds for, newest id first, from below `before` on. The next page is
    /// asked for with the id of the last row; a page with fewer than `limit` rows is the last one.
    async fn runs(&self, filter: &RunFilter, before: Option<RunId>, limit: usize) -> Result<Vec<RunRow>, StoreError>;

    /// At most `limit` ids that begin with `prefix`, newest first.
    async fn ids(&self, prefix: IdPrefix, limit: usize) -> Result<Vec<RunId>, StoreError>;

    /// The run that was started with this idempotency key.
    async fn started_with(&self, key: &str) -> Result<Option<RunId>, StoreError>;

    /// The blobs that the facts of `run` refer to, in order of hash.
    async fn blobs_of(&self, run: RunId) -> Result<Vec<BlobHash>, StoreError>;
}

/// The first characters of a run id: all ids from `first` to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdPrefix {
    first: RunId,
    last: RunId,
}

impl IdPrefix {
    /// Reads a prefix of 0 to 26 characters of Crockford's base 32, in either case; none where `text` is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const LETTERS: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
        if text.len() > 26 {
            return None;
        }
        let mut first = 0_u128;
        for (at, letter) in text.bytes().enumerate() {
            let digit = LETTERS.iter().position(|it| *it == letter.to_ascii_lowercase())? as u128;
            // 26 characters hold 130 bits, so the first one has only three.
            if at == 0 && digit > 7 {
                return None;
            }
            first |= digit << (125 - 5 * at);
        }
        let free = 130 - 5 * text.len();
        let rest = if free >= 128 { u128::MAX } else { (1 << free) - 1 };
        Some(Self { first: RunId(first), last: RunId(first | rest) })
    }

    /// The smallest id with this prefix.
    #[must_use]
    pub fn first(self) -> RunId {
        self.first
    }

    /// The largest id with this prefix.
    #[must_use]
    pub fn last(self) -> RunId {
        self.last
    }

    /// Whether `run` begins with this.
    #[must_use]
    pub fn contains(self, run: RunId) -> bool {
        (self.first..=self.last).contains(&run)
    }
}

impl RunFilter {
    /// Whether the filter holds for `row`.
    #[must_use]
    pub fn holds(&self, row: &RunRow) -> bool {
        self.flow.as_ref().is_none_or(|it| *it == row.head.flow)
            && (self.status.is_empty() || self.status.contains(&row.state.status))
            && self.since.is_none_or(|it| it <= row.head.started_at)
            && self.labels.iter().all(|(name, value)| row.head.labels.get(name) == Some(value))
            && self.parent.is_none_or(|it| row.head.parent == Some(it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_for_the_ids_that_begin_with_it() {
        let run = RunId(0x0190_1234_5678_9abc_def0_1234_5678_9abc);
        let text = run.to_string();
        for len in 0..=26 {
            let prefix = IdPrefix::parse(&text[..len].to_uppercase()).expect("a prefix");
            assert!(prefix.contains(run), "{len}");
            assert!(prefix.first().to_string().starts_with(&text[..len]));
            assert!(prefix.last().to_string().starts_with(&text[..len]));
        }
        assert_eq!(IdPrefix::parse(&text).map(IdPrefix::last), Some(run));
        for wrong in ["8", "u", "0i", "é", " 0", "000000000000000000000000000"] {
            assert_eq!(IdPrefix::parse(wrong), None, "{wrong}");
        }
    }
}
