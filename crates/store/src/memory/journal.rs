//! Facts in memory.

use std::future::ready;

use async_trait::async_trait;
use drawloom_blueprint::{RunId, Timestamp};

use super::{Content, MemoryStore, Run};
use crate::{
    Append, Claim, Commit, DuePlace, Epoch, Follows, Journal, PAGE_BYTES, PAGE_ITEMS, Record, RunAppend, RunRow, Shard,
    StoreError, Unended,
    admit::{Present, admit},
};

#[async_trait]
impl Journal for MemoryStore {
    async fn claim(&self, _owner: &str) -> Result<Claim, StoreError> {
        let mut content = self.content()?;
        content.epoch = Epoch(content.epoch.0 + 1);
        Ok(Claim { epoch: content.epoch })
    }

    fn append(&self, append: Append) -> Commit {
        Box::pin(ready(self.content().and_then(|mut content| {
            admit(&append, &mut *content)?;
            content.written.commits += u64::from(append.runs.iter().any(|it| !it.facts.is_empty()));
            append.runs.into_iter().for_each(|it| content.write(it));
            Ok(())
        })))
    }

    async fn facts(&self, run: RunId, after: u64) -> Result<Vec<Record>, StoreError> {
        let content = self.content()?;
        let Some(run) = content.runs.get(&run) else { return Ok(Vec::new()) };
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        let mut room = PAGE_BYTES;
        let page = run.facts.iter().enumerate().skip(skip).take(PAGE_ITEMS).take_while(|(_, it)| {
            let fits = room > 0;
            room = room.saturating_sub(it.fact.len());
            fits
        });
        Ok(page.map(|(at, it)| Record { seq: at as u64 + 1, at: it.at, fact: it.fact.clone() }).collect())
    }

    async fn unended(&self, which: Unended, after: Option<RunId>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let content = self.content()?;
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let rows = content.unended.range((from, std::ops::Bound::Unbounded)).filter_map(|it| content.row(*it));
        Ok(rows.filter(|it| which == Unended::All || it.state.in_flight > 0).take(limit).collect())
    }

    async fn due(&self, until: Timestamp, after: Option<DuePlace>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let content = self.content()?;
        let after = after.map(|it| (it.due, it.run));
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let due = content.due.range((from, std::ops::Bound::Unbounded)).take_while(|(due, _)| *due <= until);
        Ok(due.filter_map(|(_, run)| content.row(*run)).take(limit).collect())
    }
}

impl Present for Content {
    fn epoch(&mut self, _: Shard) -> Result<Epoch, StoreError> {
        // All shards are claimed together, so one epoch stands for each of them.
        Ok(self.epoch)
    }

    fn last_seq(&mut self, run: RunId) -> Result<u64, StoreError> {
        Ok(self.runs.get(&run).map_or(0, |it| it.facts.len() as u64))
    }

    fn key_owner(&mut self, key: &str) -> Result<Option<RunId>, StoreError> {
        Ok(self.keys.get(key).copied())
    }
}

impl Content {
    /// Writes what was admitted.
    fn write(&mut self, append: RunAppend) {
        let RunAppend { run: id, follows, facts, state, blobs } = append;
        self.written.rows += facts.len() as u64;
        self.written.bytes += facts.iter().map(|it| it.fact.len() as u64).sum::<u64>();
        match follows {
            Follows::Nothing(head) => {
                if let Some(key) = &head.idempotency_key {
                    self.keys.insert(key.clone(), id);
                }
                let run = Run { head: *head, state, facts, blobs: blobs.into_iter().collect() };
                self.unlist(id);
                self.runs.insert(id, run);
            }
            Follows::Seq(_) => {
                let Some(run) = self.runs.get_mut(&id) else { return };
                let stays = (run.state.next_due, run.state.status.is_end()) == (state.next_due, state.status.is_end());
                run.facts.extend(facts);
                run.blobs.extend(blobs);
                if stays {
                    run.state = state;
                    return;
                }
                self.unlist(id);
                if let Some(run) = self.runs.get_mut(&id) {
                    run.state = state;
                }
            }
        }
        self.list(id);
    }

    /// Takes a run out of the lists that depend on its state.
    pub(super) fn unlist(&mut self, id: RunId) {
        let Some(run) = self.runs.get(&id) else { return };
        if let Some(due) = run.state.next_due {
            self.due.remove(&(due, id));
        }
        if run.state.status.is_end() {
            self.unended.remove(&id);
        }
    }

    fn list(&mut self, id: RunId) {
        let Some(run) = self.runs.get(&id) else { return };
        if run.state.status.is_end() {
            self.unended.remove(&id);
            return;
        }
        self.unended.insert(id);
        if let Some(due) = run.state.next_due {
            self.due.insert((due, id));
        }
    }
}
