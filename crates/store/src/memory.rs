//! The memory store: the whole contract in maps behind one lock, for tests and for runs that need not last.
//!
//! **Invariant:** every operation takes the lock once, so each is atomic. Nothing survives the process.

mod blobs;
mod catalog;
mod journal;
mod keep;
mod logs;
mod runs;
mod upkeep;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use drawloom_blueprint::{FlowHash, RunId, Timestamp};

use crate::{BlobHash, Entry, Epoch, Published, RunHead, RunState, StoreError, Written};

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    content: Arc<Mutex<Content>>,
    closed: AtomicBool,
}

/// Everything that is stored.
#[derive(Debug, Default)]
struct Content {
    epoch: Epoch,
    runs: BTreeMap<RunId, Run>,
    unended: BTreeSet<RunId>,
    due: BTreeSet<(Timestamp, RunId)>,
    keys: HashMap<String, RunId>,
    versions: BTreeMap<FlowHash, (Bytes, Option<String>)>,
    flows: BTreeMap<String, Flow>,
    secrets: BTreeMap<String, (Bytes, Timestamp)>,
    cache: BTreeMap<[u8; 32], (Bytes, Timestamp)>,
    blobs: BTreeMap<BlobHash, (Bytes, std::time::Instant)>,
    logs: logs::Kept,
    written: Written,
}

#[derive(Debug)]
struct Run {
    head: RunHead,
    state: RunState,
    facts: Vec<Entry>,
    blobs: BTreeSet<BlobHash>,
}

#[derive(Debug, Default)]
struct Flow {
    /// Number `n` stands at position `n - 1`.
    published: Vec<Published>,
    active: usize,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another handle on the same content, as if the store had been opened again.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self { content: self.content.clone(), closed: AtomicBool::new(false) }
    }

    fn content(&self) -> Result<MutexGuard<'_, Content>, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        // Nothing panics between two changes that belong together, so a poisoned lock still guards sound content.
        Ok(self.content.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
