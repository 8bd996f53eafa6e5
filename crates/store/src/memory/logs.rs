//! Logs in memory.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use drawloom_blueprint::RunId;

use super::MemoryStore;
use crate::{
    LogAppend, LogLine, LogPlace, LogQuery, LogRecord, LogSource, Logs, PAGE_BYTES, PAGE_ITEMS, StoreError,
    log_batch::{self, BatchSize, Budget, Part},
};

/// The logs of all attempts.
#[derive(Debug, Default)]
pub(super) struct Kept {
    sources: BTreeMap<LogSource, Source>,
    batches: u64,
}

#[derive(Debug, Default)]
struct Source {
    budget: Budget,
    head: Vec<Batch>,
    tail: VecDeque<Batch>,
}

#[derive(Debug)]
struct Batch {
    size: BatchSize,
    lines: Vec<LogLine>,
}

impl Kept {
    fn append(&mut self, append: LogAppend) {
        let source = self.sources.entry(append.source).or_default();
        for lines in log_batch::split(append.lines, source.budget.last_seq) {
            self.batches += 1;
            let size = BatchSize::of(self.batches, &lines);
            match source.budget.add(&size) {
                Part::Head => source.head.push(Batch { size, lines }),
                Part::Tail => source.tail.push_back(Batch { size, lines }),
            }
            while source.budget.is_over()
                && let Some(oldest) = source.tail.pop_front()
            {
                source.budget.drop_oldest(&oldest.size);
            }
        }
    }

    fn of_run(&self, run: RunId) -> impl Iterator<Item = (&LogSource, &Source)> {
        let first = LogSource { run, path: String::new(), attempt: 0 };
        self.sources.range(first..).take_while(move |(it, _)| it.run == run)
    }

    pub(super) fn delete(&mut self, run: RunId) {
        let sources: Vec<LogSource> = self.of_run(run).map(|(it, _)| it.clone()).collect();
        for source in sources {
            self.sources.remove(&source);
        }
    }

    pub(super) fn bytes(&self, run: RunId) -> u64 {
        self.of_run(run).map(|(_, it)| it.budget.kept()).sum()
    }
}

impl Source {
    /// The lines and the notice behind `after`.
    fn read(&self, source: &LogSource, after: LogPlace, found: &mut Vec<LogRecord>) {
        found.extend(self.budget.cut.notice(source, after));
        for batch in self.head.iter().chain(&self.tail).filter(|it| it.size.batch >= after.batch) {
            let places = batch.lines.iter().map(|it| (it, LogPlace { batch: batch.size.batch, seq: it.seq }));
            found.extend(places.filter(|(_, place)| *place > after).map(|(line, place)| LogRecord {
                source: source.clone(),
                line: line.clone(),
                place,
            }));
        }
    }
}

#[async_trait]
impl Logs for MemoryStore {
    async fn append_logs(&self, appends: Vec<LogAppend>) -> Result<(), StoreError> {
        let mut content = self.content()?;
        appends.into_iter().for_each(|it| content.logs.append(it));
        Ok(())
    }

    async fn read_logs(&self, query: &LogQuery, after: LogPlace, limit: usize) -> Result<Vec<LogRecord>, StoreError> {
        let content = self.content()?;
        let mut found = Vec::new();
        for (source, kept) in content.logs.of_run(query.run) {
            let wanted = query.path.as_ref().is_none_or(|it| *it == source.path)
                && query.attempt.is_none_or(|it| it == source.attempt);
            if wanted {
                kept.read(source, after, &mut found);
            }
        }
        found.sort_by_key(|it| it.place);
        found.truncate(limit.min(PAGE_ITEMS));
        let mut room = PAGE_BYTES;
        let fit = found.iter().take_while(|it| {
            let fits = room > 0;
            room = room.saturating_sub(it.line.text.len());
            fits
        });
        let fit = fit.count();
        found.truncate(fit);
        Ok(found)
    }

    async fn log_sources(&self, run: RunId) -> Result<Vec<LogSource>, StoreError> {
        Ok(self.content()?.logs.of_run(run).map(|(it, _)| it.clone()).collect())
    }
}
