//! The index of runs in memory: read off the runs themselves.

use async_trait::async_trait;
use drawloom_blueprint::RunId;

use super::{Content, MemoryStore};
use crate::{BlobHash, IdPrefix, RunFilter, RunReader, RunRow, StoreError};

#[async_trait]
impl RunReader for MemoryStore {
    async fn run(&self, run: RunId) -> Result<Option<RunRow>, StoreError> {
        Ok(self.content()?.row(run))
    }

    async fn runs(&self, filter: &RunFilter, before: Option<RunId>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let content = self.content()?;
        let to = before.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let rows = content.runs.range((std::ops::Bound::Unbounded, to)).rev().map(|(id, run)| run.row(*id));
        Ok(rows.filter(|it| filter.holds(it)).take(limit).collect())
    }

    async fn ids(&self, prefix: IdPrefix, limit: usize) -> Result<Vec<RunId>, StoreError> {
        let content = self.content()?;
        Ok(content.runs.range(prefix.first()..=prefix.last()).rev().map(|(id, _)| *id).take(limit).collect())
    }

    async fn started_with(&self, key: &str) -> Result<Option<RunId>, StoreError> {
        Ok(self.content()?.keys.get(key).copied())
    }

    async fn blobs_of(&self, run: RunId) -> Result<Vec<BlobHash>, StoreError> {
        Ok(self.content()?.runs.get(&run).map(|it| it.blobs.iter().copied().collect()).unwrap_or_default())
    }
}

impl Content {
    pub(super) fn row(&self, id: RunId) -> Option<RunRow> {
        self.runs.get(&id).map(|it| it.row(id))
    }
}

impl super::Run {
    pub(super) fn row(&self, run: RunId) -> RunRow {
        RunRow { run, head: self.head.clone(), state: self.state.clone(), last_seq: self.facts.len() as u64 }
    }
}
