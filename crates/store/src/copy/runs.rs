//! Copies runs: rows, facts and logs, many runs to a commit.
//!
//! **Invariant:** facts keep their numbers, instants and bytes; what waits to be committed is bounded.

use drawloom_blueprint::RunId;

use super::{Copier, CopyError, PAGE};
use crate::{
    Append, Claim, Entry, Follows, LogAppend, LogPlace, LogQuery, PAGE_BYTES, PAGE_ITEMS, RunAppend, RunFilter, RunRow,
    StoreError,
};

/// What a fact, line or row is taken to weigh besides its bytes.
const WEIGHT: usize = 200;

/// Copies all runs, the newest first.
pub(super) async fn copy(copier: &mut Copier<'_>, claim: Claim) -> Result<(), CopyError> {
    let mut before = None;
    let mut batch = Batch { claim, runs: Vec::new(), logs: Vec::new(), bytes: 0 };
    loop {
        let page = copier.from.runs(&RunFilter::default(), before, PAGE).await.map_err(CopyError::Source)?;
        for row in &page {
            batch.run(copier, row).await?;
            batch.logs(copier, row.run).await?;
            copier.done.runs += 1;
            copier.tell();
        }
        before = page.last().map(|it| it.run);
        if page.len() < PAGE {
            return batch.commit(copier).await;
        }
    }
}

/// What waits to be committed.
struct Batch {
    claim: Claim,
    runs: Vec<RunAppend>,
    logs: Vec<LogAppend>,
    bytes: usize,
}

impl Batch {
    async fn run(&mut self, copier: &mut Copier<'_>, row: &RunRow) -> Result<(), CopyError> {
        let run = row.run;
        let mut blobs = copier.from.blobs_of(run).await.map_err(CopyError::Source)?;
        let mut follows = Follows::Nothing(Box::new(row.head.clone()));
        let mut last = 0;
        loop {
            let page = copier.from.facts(run, last).await.map_err(CopyError::Source)?;
            if page.is_empty() {
                break;
            }
            let mut facts = Vec::with_capacity(page.len());
            for it in page {
                if it.seq != last + 1 {
                    return Err(damaged(run, &format!("fact {} follows fact {last}", it.seq)));
                }
                last = it.seq;
                self.bytes += it.fact.len() + WEIGHT;
                facts.push(Entry { at: it.at, fact: it.fact });
            }
            copier.done.facts += facts.len() as u64;
            let blobs = std::mem::take(&mut blobs);
            self.runs.push(RunAppend { run, follows, facts, state: row.state.clone(), blobs });
            follows = Follows::Seq(last);
            self.make_room(copier).await?;
        }
        if last != row.last_seq {
            return Err(damaged(run, &format!("its row counts {} facts and its journal has {last}", row.last_seq)));
        }
        Ok(())
    }

    /// The lines of a run, in the order in which they came.
    async fn logs(&mut self, copier: &mut Copier<'_>, run: RunId) -> Result<(), CopyError> {
        let query = LogQuery { run, path: None, attempt: None };
        let mut after = LogPlace::default();
        loop {
            let page = copier.from.read_logs(&query, after, PAGE_ITEMS).await.map_err(CopyError::Source)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.place;
            copier.done.lines += page.len() as u64;
            for it in page {
                self.bytes += it.line.text.len() + WEIGHT;
                match self.logs.last_mut() {
                    Some(append) if append.source == it.source => append.lines.push(it.line),
                    _ => self.logs.push(LogAppend { source: it.source, lines: vec![it.line] }),
                }
            }
            self.make_room(copier).await?;
        }
    }

    async fn make_room(&mut self, copier: &mut Copier<'_>) -> Result<(), CopyError> {
        if self.bytes > PAGE_BYTES { self.commit(copier).await } else { Ok(()) }
    }

    async fn commit(&mut self, copier: &mut Copier<'_>) -> Result<(), CopyError> {
        self.bytes = 0;
        let append = Append { claim: self.claim, runs: std::mem::take(&mut self.runs) };
        if !append.runs.is_empty() {
            copier.to.append(append).await.map_err(CopyError::Target)?;
        }
        let logs = std::mem::take(&mut self.logs);
        if !logs.is_empty() {
            copier.to.append_logs(logs).await.map_err(CopyError::Target)?;
        }
        Ok(())
    }
}

fn damaged(run: RunId, why: &str) -> CopyError {
    CopyError::Source(StoreError::Damaged(format!("run {run}: {why}")))
}
