//! Group commit: batches are written, one after the other, while the next is decided.
//!
//! **Invariant:** batches are handed to the store in the order in which they come, and come back in that order,
//! each with the outcome of its commit. After a failure nothing more is handed over.

use std::{collections::BTreeSet, sync::Arc};

use drawloom_store::{Append, Claim, Commit, Entry, RunAppend, Store, StoreError};
use tokio::sync::mpsc;

use crate::{
    batch::{Batch, Change},
    blobs,
};

/// So many batches may be under way to the store.
const FLIGHT_MAX: usize = 4;

/// The batches under way.
pub(crate) struct Flight {
    out: mpsc::UnboundedSender<Batch>,
    back: mpsc::UnboundedReceiver<(Commit, Batch)>,
    next: Option<(Commit, Batch)>,
    len: usize,
}

impl Flight {
    /// Begins to write batches into `store` under `claim`; must be called within the async runtime.
    pub(crate) fn new(store: Arc<dyn Store>, claim: Claim, blob_from: usize) -> Self {
        let (out, batches) = mpsc::unbounded_channel();
        let (committing, back) = mpsc::unbounded_channel();
        tokio::spawn(Writer { store, claim, blob_from }.run(batches, committing));
        Self { out, back, next: None, len: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a batch should be handed over now. At rest each one is; under load they grow until the earlier
    /// one is done, or they are large.
    pub(crate) fn wants(&self, batch: &Batch) -> bool {
        self.len == 0 || (batch.is_large() && self.len < FLIGHT_MAX)
    }

    pub(crate) fn hand_over(&mut self, batch: Batch) {
        self.len += 1;
        // A writer that is gone shows when its answer is waited for.
        let _ = self.out.send(batch);
    }

    /// The next batch that is durable. Waits for ever where none is under way.
    pub(crate) async fn landed(&mut self) -> Result<Batch, StoreError> {
        if self.len == 0 {
            return std::future::pending().await;
        }
        if self.next.is_none() {
            self.next = self.back.recv().await;
        }
        let Some((commit, _)) = &mut self.next else { return Err(StoreError::Closed) };
        commit.await?;
        let Some((_, batch)) = self.next.take() else { return Err(StoreError::Closed) };
        self.len -= 1;
        Ok(batch)
    }
}

struct Writer {
    store: Arc<dyn Store>,
    claim: Claim,
    blob_from: usize,
}

impl Writer {
    async fn run(
        self,
        mut batches: mpsc::UnboundedReceiver<Batch>,
        committing: mpsc::UnboundedSender<(Commit, Batch)>,
    ) {
        while let Some(batch) = batches.recv().await {
            let (commit, failed) = match self.write(&batch.changes).await {
                Ok(append) => (self.store.append(append), false),
                Err(error) => (Box::pin(std::future::ready(Err(error))) as Commit, true),
            };
            if committing.send((commit, batch)).is_err() || failed {
                return;
            }
        }
    }

    /// Encodes changes, and puts its blobs where they must be before it.
    async fn write(&self, changes: &[Change]) -> Result<Append, StoreError> {
        let mut runs = Vec::with_capacity(changes.len());
        for change in changes {
            let mut facts = Vec::with_capacity(change.facts.len());
            let mut blobs = BTreeSet::new();
            for (at, fact) in &change.facts {
                let written = blobs::write(fact, self.blob_from);
                for (hash, bytes) in written.blobs {
                    if blobs.insert(hash) {
                        self.store.put_blob(bytes).await?;
                    }
                }
                for hash in written.refers {
                    // A value may look like a reference and be none.
                    if !blobs.contains(&hash) && self.store.renew_blob(hash).await? {
                        blobs.insert(hash);
                    }
                }
                facts.push(Entry { at: *at, fact: written.fact });
            }
            runs.push(RunAppend {
                run: change.run,
                follows: change.follows.clone(),
                facts,
                state: change.state.clone(),
                blobs: blobs.into_iter().collect(),
            });
        }
        Ok(Append { claim: self.claim, runs })
    }
}
