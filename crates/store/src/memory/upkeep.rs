//! Looking after a memory store.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use drawloom_blueprint::RunId;

use super::{Content, MemoryStore};
use crate::{Finding, FlowSize, Keep, Prune, Pruned, StoreError, StoreInfo, Upkeep, verify};

#[async_trait]
impl Upkeep for MemoryStore {
    async fn info(&self) -> Result<StoreInfo, StoreError> {
        let content = self.content()?;
        let mut runs = BTreeMap::new();
        let mut flows: BTreeMap<&str, FlowSize> = BTreeMap::new();
        for (id, run) in &content.runs {
            *runs.entry(run.state.status).or_default() += 1;
            let flow = flows.entry(&run.head.flow).or_default();
            flow.runs += 1;
            flow.facts += run.facts.len() as u64;
            flow.fact_bytes += run.facts.iter().map(|it| it.fact.len() as u64).sum::<u64>();
            flow.log_bytes += content.logs.bytes(*id);
        }
        let flows = flows.into_iter().map(|(name, size)| FlowSize { flow: name.to_owned(), ..size });
        Ok(StoreInfo {
            kind: "memory",
            place: "memory:".to_owned(),
            schema: 0,
            bytes: 0,
            blobs: content.blobs.len() as u64,
            blob_bytes: content.blobs.values().map(|(bytes, _)| bytes.len() as u64).sum(),
            runs,
            versions: content.versions.len() as u64,
            flows: flows.collect(),
            written: content.written,
        })
    }

    async fn check(&self, limit: usize) -> Result<Vec<Finding>, StoreError> {
        verify::verify(self, limit).await
    }

    async fn prune(&self, prune: Prune) -> Result<Pruned, StoreError> {
        let mut content = self.content()?;
        let mut pruned = Pruned::default();
        for run in content.prunable(&prune) {
            pruned.runs += 1;
            pruned.facts += content.delete(run);
        }
        pruned.blobs = content.sweep_blobs();
        Ok(pruned)
    }

    async fn delete_run(&self, run: RunId) -> Result<bool, StoreError> {
        let mut content = self.content()?;
        if !content.runs.contains_key(&run) {
            return Ok(false);
        }
        if !content.is_done_with(run) {
            return Err(StoreError::Unended { run });
        }
        content.delete(run);
        Ok(true)
    }

    async fn backup(&self, _to: &Path) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("a backup".to_owned()))
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.closed.store(true, Ordering::Release);
        Ok(())
    }
}

impl Content {
    /// Whether the run and the one that waits for it have ended.
    fn is_done_with(&self, run: RunId) -> bool {
        let parent = self.runs.get(&run).and_then(|it| it.head.parent);
        !self.unended.contains(&run) && parent.is_none_or(|it| !self.unended.contains(&it))
    }

    /// The runs to drop, oldest end first.
    fn prunable(&self, prune: &Prune) -> Vec<RunId> {
        let mut ended: Vec<_> = self
            .runs
            .iter()
            .filter(|(_, run)| prune.flow.as_ref().is_none_or(|it| *it == run.head.flow))
            .filter_map(|(id, run)| Some((run.state.ended_at?, *id, run.head.flow.as_str())))
            .collect();
        ended.sort_unstable();
        let mut newer: BTreeMap<&str, u64> = BTreeMap::new();
        let mut wanted: Vec<RunId> = Vec::new();
        for (ended_at, id, flow) in ended.into_iter().rev() {
            let rank = newer.entry(flow).or_default();
            *rank += 1;
            let goes = match prune.keep {
                Keep::For(age) => ended_at.after(age) <= prune.now,
                Keep::Last(count) => *rank > count,
            };
            if goes && self.is_done_with(id) {
                wanted.push(id);
            }
        }
        wanted.into_iter().rev().take(prune.limit).collect()
    }

    /// Drops a run and says how many facts it had.
    fn delete(&mut self, id: RunId) -> u64 {
        self.unlist(id);
        self.logs.delete(id);
        let Some(run) = self.runs.remove(&id) else { return 0 };
        if let Some(key) = &run.head.idempotency_key {
            self.keys.remove(key);
        }
        run.facts.len() as u64
    }

    fn sweep_blobs(&mut self) -> u64 {
        let used: BTreeSet<_> = self.runs.values().flat_map(|it| it.blobs.iter().copied()).collect();
        let before = self.blobs.len();
        let Some(old) = Instant::now().checked_sub(Duration::from_secs(3600)) else { return 0 };
        self.blobs.retain(|hash, (_, put_at)| used.contains(hash) || *put_at > old);
        (before - self.blobs.len()) as u64
    }
}
