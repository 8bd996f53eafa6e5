//! Group commit: batches are written, one after the other, while the next is decided.
//!
//! **Invariant:** batches are handed to the store in the order in which they come, and come back in that order,
//! each with the outcome of its commit. After a failure nothing more is handed over.

use std::{
    collections::{BTreeSet, VecDeque},
    future::Future,
    pin::Pin,
    sync::Arc,
};

use bytes::Bytes;
use drawloom_store::{Append, BlobHash, Claim, Commit, Entry, RunAppend, Store, StoreError};
use futures_util::FutureExt;

use crate::{
    batch::{Batch, Change},
    blobs,
};

/// So many batches may be under way to the store before another large one.
const FLIGHT_MAX: usize = 4;

/// So many may be under way before another small one, to a store that writes early.
const EARLY_MAX: usize = 16;

/// The batches under way.
pub(crate) struct Flight {
    writer: Writer,
    /// Whether the store begins with a batch while the next is gathered.
    is_early: bool,
    under_way: VecDeque<Flying>,
    /// The batch whose commit failed. Whoever waits for an answer learns that there will be none when it is dropped,
    /// and by then the reason must be known.
    failed: Option<Batch>,
}

/// A batch and what it waits for.
enum Flying {
    /// Its commit.
    Plain(Commit, Batch),
    /// First its blobs, which must be there before it, then its commit. Nothing may overtake it.
    WithBlobs(Pin<Box<dyn Future<Output = Written> + Send>>),
}

/// A batch that comes back, and what became of its commit.
type Written = (Batch, Result<(), StoreError>);

type Landed = Result<Batch, StoreError>;

impl Flight {
    /// Writes batches into `store` under `claim`; values from `blob_from` bytes on are kept as blobs.
    pub(crate) fn new(store: Arc<dyn Store>, claim: Claim, blob_from: usize) -> Self {
        let is_early = store.writes_early();
        Self { writer: Writer { store, claim, blob_from }, is_early, under_way: VecDeque::new(), failed: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Whether a batch should be handed over now. At rest each is one; under load they grow until the earlier one is
    /// done, or they are large, or there is something to begin with for a store that writes early.
    pub(crate) fn wants(&self, batch: &Batch) -> bool {
        match self.under_way.back() {
            None => true,
            Some(Flying::WithBlobs(_)) => false,
            Some(Flying::Plain(..)) if batch.is_large() => self.under_way.len() < FLIGHT_MAX,
            Some(Flying::Plain(..)) => self.is_early && batch.has_many_runs() && self.under_way.len() < EARLY_MAX,
        }
    }

    /// Whether a batch should be handed over before everything that is at hand is in it.
    pub(crate) fn wants_early(&self, batch: &Batch) -> bool {
        self.is_early && batch.has_many_runs() && self.wants(batch)
    }

    /// Hands a batch over. It comes back at once where the store commits on the spot.
    pub(crate) fn hand_over(&mut self, batch: Batch) -> Option<Landed> {
        let is_alone = self.under_way.is_empty();
        self.hand_over_early(batch);
        is_alone.then(|| self.landed().now_or_never()).flatten()
    }

    /// Hands a batch over that comes back later in any case, so that no more than some are handed over before.
    pub(crate) fn hand_over_early(&mut self, batch: Batch) {
        self.under_way.push_back(if self.writer.is_plain(&batch) {
            Flying::Plain(self.writer.store.append(self.writer.plain(&batch.changes)), batch)
        } else {
            Flying::WithBlobs(Box::pin(self.writer.clone().write_with_blobs(batch)))
        });
    }

    /// The next batch that is durable. Waits for ever where none is under way. May be dropped and asked again.
    pub(crate) async fn landed(&mut self) -> Landed {
        let (with_blobs, outcome) = match self.under_way.front_mut() {
            None => return std::future::pending().await,
            Some(Flying::Plain(commit, _)) => (None, commit.await),
            Some(Flying::WithBlobs(work)) => {
                let (batch, outcome) = work.await;
                (Some(batch), outcome)
            }
        };
        match (with_blobs, self.under_way.pop_front()) {
            (Some(batch), _) | (None, Some(Flying::Plain(_, batch))) => self.land(batch, outcome),
            (None, _) => Err(StoreError::Closed),
        }
    }

    fn land(&mut self, batch: Batch, outcome: Result<(), StoreError>) -> Landed {
        match outcome {
            Ok(()) => Ok(batch),
            Err(error) => {
                self.failed = Some(batch);
                Err(error)
            }
        }
    }
}

#[derive(Clone)]
struct Writer {
    store: Arc<dyn Store>,
    claim: Claim,
    blob_from: usize,
}

impl Writer {
    fn is_plain(&self, batch: &Batch) -> bool {
        let mut facts = batch.changes.iter().flat_map(|it| &it.facts);
        facts.all(|(_, fact)| blobs::is_plain(fact, self.blob_from))
    }

    /// Encodes changes without blobs, all facts into one buffer.
    fn plain(&self, changes: &[Change]) -> Append {
        let mut buffer = Vec::with_capacity(changes.len() * 64);
        let mut ends = Vec::with_capacity(changes.len());
        for (_, fact) in changes.iter().flat_map(|it| &it.facts) {
            fact.encode_onto(&mut buffer);
            ends.push(buffer.len());
        }
        let buffer = Bytes::from(buffer);
        let mut begin = 0;
        let mut pieces = ends.into_iter().map(|end| buffer.slice(std::mem::replace(&mut begin, end)..end));
        let runs = changes.iter().map(|change| {
            let facts = change.facts.iter().zip(pieces.by_ref());
            append(change, facts.map(|((at, _), fact)| Entry { at: *at, fact }).collect(), BTreeSet::new())
        });
        Append { claim: self.claim, runs: runs.collect() }
    }

    async fn write_with_blobs(self, batch: Batch) -> Written {
        let outcome = match self.with_blobs(&batch.changes).await {
            Ok(append) => self.store.append(append).await,
            Err(error) => Err(error),
        };
        (batch, outcome)
    }

    /// Encodes changes, and puts their blobs where they must be before them.
    async fn with_blobs(&self, changes: &[Change]) -> Result<Append, StoreError> {
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
            runs.push(append(change, facts, blobs));
        }
        Ok(Append { claim: self.claim, runs })
    }
}

fn append(change: &Change, facts: Vec<Entry>, blobs: BTreeSet<BlobHash>) -> RunAppend {
    RunAppend {
        run: change.run,
        follows: change.follows.clone(),
        facts,
        state: change.state.clone(),
        blobs: blobs.into_iter().collect(),
    }
}
