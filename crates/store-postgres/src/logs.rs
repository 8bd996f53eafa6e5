//! Logs in PostgreSQL.
//!
//! **Invariant:** what is kept and cut is decided by the port's [`Budget`], the same for every store. Whoever writes
//! to the log of an attempt holds its row until the commit, so batches are numbered in the order of their lines.

use std::collections::HashMap;

use async_trait::async_trait;
use drawloom_blueprint::{RunId, Timestamp};
use drawloom_store::{
    LogAppend, LogPlace, LogQuery, LogRecord, LogSource, Logs, PAGE_BYTES, PAGE_ITEMS, StoreError,
    log_batch::{self, BatchSize, Budget, Part},
    pack,
};
use tokio_postgres::Row;

use crate::{
    PostgresStore,
    columns::{Key, count, number, short_hash, text, unsigned},
    connect::{Session, Values},
    fault::{Fault, Work},
};

/// The columns that [`budget`] reads.
const BUDGET: &str = "last_seq, head, tail, cut_lines, cut_cost, cut_first, cut_batch, cut_last, cut_at";

/// Batches that are read at once. Each holds 256 KiB at most, unless it is one line.
const BATCHES: i64 = 16;

/// What readers see is as of one instant.
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

#[async_trait]
impl Logs for PostgresStore {
    async fn append_logs(&self, appends: Vec<LogAppend>) -> Result<(), StoreError> {
        // In one order everywhere, so that nobody waits in a circle.
        let mut sources: Vec<_> = appends.iter().map(|it| &it.source).collect();
        sources.sort_unstable();
        sources.dedup();
        self.writing()?
            .with(async |session| {
                let work = async {
                    let mut budgets = lock(&session, &sources).await?;
                    for it in &appends {
                        if let Some((source, budget)) = budgets.get_mut(&it.source) {
                            append(&session, it, *source, budget).await?;
                        }
                    }
                    for (source, budget) in budgets.values() {
                        update(&session, *source, budget).await?;
                    }
                    Ok(())
                };
                session.transact("BEGIN", work).await
            })
            .await
    }

    async fn read_logs(&self, query: &LogQuery, after: LogPlace, limit: usize) -> Result<Vec<LogRecord>, StoreError> {
        let limit = limit.min(PAGE_ITEMS);
        self.pool().with(async |session| session.transact(READ, read(&session, query, after, limit)).await).await
    }

    async fn log_sources(&self, run: RunId) -> Result<Vec<LogSource>, StoreError> {
        let query = LogQuery { run, path: None, attempt: None };
        let found = self.pool().with(async |session| sources(&session, &query).await).await?;
        Ok(found.into_iter().map(|it| it.1).collect())
    }
}

/// How much of a log is kept, read from the columns from `at` on.
fn budget(row: &Row, at: usize) -> Work<Budget> {
    Ok(Budget {
        last_seq: row.try_get::<_, Option<i64>>(at)?.map(i64::unsigned_abs),
        head: count(row, at + 1)?,
        tail: count(row, at + 2)?,
        cut: log_batch::Cut {
            lines: count(row, at + 3)?,
            cost: count(row, at + 4)?,
            first_seq: count(row, at + 5)?,
            last_batch: count(row, at + 6)?,
            last_seq: count(row, at + 7)?,
            last_at: Timestamp(row.try_get(at + 8)?),
        },
    })
}

/// The rows of attempts, made where they are missing, and nobody else's until the commit.
async fn lock<'a>(session: &Session, sources: &[&'a LogSource]) -> Work<HashMap<&'a LogSource, (i64, Budget)>> {
    let mut found = HashMap::new();
    let sql = format!(
        "INSERT INTO log_sources (run, place, attempt, path) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (run, place, attempt) DO UPDATE SET path = excluded.path RETURNING key, {BUDGET}"
    );
    for it in sources {
        let (run, place, attempt) = (Key::from(it.run), short_hash(&[&it.path]), i64::from(it.attempt));
        let row = session.one(&sql, &[&run, &place, &attempt, &it.path.as_bytes()]).await?;
        found.insert(*it, (row.try_get(0)?, budget(&row, 1)?));
    }
    Ok(found)
}

async fn append(session: &Session, append: &LogAppend, source: i64, budget: &mut Budget) -> Work<()> {
    for lines in log_batch::split(append.lines.clone(), budget.last_seq) {
        let size = BatchSize::of(0, &lines);
        let part = i16::from(budget.add(&size) == Part::Tail);
        let sql = "INSERT INTO log_batches (run, source, part, first_seq, last_seq, lines, cost, last_at, body) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let (first, last) = (unsigned(size.first_seq), unsigned(size.last_seq));
        let (lines, cost, at, body) =
            (unsigned(size.lines), unsigned(size.cost), size.last_at.0, pack::pack_lines(&lines));
        let run = Key::from(append.source.run);
        session.execute(sql, &[&run, &source, &part, &first, &last, &lines, &cost, &at, &body]).await?;
        while budget.is_over()
            && let Some(oldest) = oldest_of_tail(session, source).await?
        {
            session.execute("DELETE FROM log_batches WHERE batch = $1", &[&unsigned(oldest.batch)]).await?;
            budget.drop_oldest(&oldest);
        }
    }
    Ok(())
}

async fn oldest_of_tail(session: &Session, source: i64) -> Work<Option<BatchSize>> {
    let sql = "SELECT batch, first_seq, last_seq, lines, cost, last_at FROM log_batches \
               WHERE source = $1 AND part = 1 ORDER BY batch LIMIT 1";
    let Some(row) = session.find(sql, &[&source]).await? else { return Ok(None) };
    Ok(Some(BatchSize {
        batch: count(&row, 0)?,
        first_seq: count(&row, 1)?,
        last_seq: count(&row, 2)?,
        lines: count(&row, 3)?,
        cost: count(&row, 4)?,
        last_at: Timestamp(row.try_get(5)?),
    }))
}

async fn update(session: &Session, source: i64, budget: &Budget) -> Work<()> {
    let sql = "UPDATE log_sources SET last_seq = $1, head = $2, tail = $3, cut_lines = $4, cut_cost = $5, \
               cut_first = $6, cut_batch = $7, cut_last = $8, cut_at = $9 WHERE key = $10";
    let last = budget.last_seq.map(unsigned);
    let [head, tail, lines, cost, first, batch, last_cut] = [
        budget.head,
        budget.tail,
        budget.cut.lines,
        budget.cut.cost,
        budget.cut.first_seq,
        budget.cut.last_batch,
        budget.cut.last_seq,
    ]
    .map(unsigned);
    let values: Values<'_> =
        &[&last, &head, &tail, &lines, &cost, &first, &batch, &last_cut, &budget.cut.last_at.0, &source];
    session.execute(sql, values).await.map(drop)
}

/// The attempts that `query` asks for, by path and attempt.
async fn sources(session: &Session, query: &LogQuery) -> Work<Vec<(i64, LogSource, Budget)>> {
    let sql = format!(
        "SELECT key, path, attempt, {BUDGET} FROM log_sources WHERE run = $1 AND ($2::uuid IS NULL OR place = $2) \
         AND ($3::bigint IS NULL OR attempt = $3) ORDER BY path, attempt"
    );
    let place = query.path.as_deref().map(|it| short_hash(&[it]));
    let attempt = query.attempt.map(i64::from);
    let rows = session.query(&sql, &[&Key::from(query.run), &place, &attempt]).await?;
    let source = |row: &Row| {
        let source = LogSource { run: query.run, path: text(row, 1)?, attempt: number(row, 2)? };
        Ok((row.try_get(0)?, source, budget(row, 3)?))
    };
    rows.iter().map(source).collect()
}

async fn read(session: &Session, query: &LogQuery, after: LogPlace, limit: usize) -> Work<Vec<LogRecord>> {
    let sources = sources(session, query).await?;
    let mut notices: Vec<_> = sources.iter().filter_map(|(_, it, budget)| budget.cut.notice(it, after)).collect();
    let wanted: HashMap<i64, &LogSource> = sources.iter().map(|(source, it, _)| (*source, it)).collect();
    let mut page = Page { lines: Vec::new(), after, limit, room: PAGE_BYTES };
    let is_whole = wanted.is_empty() || page.fill(session, query, &wanted).await?;
    let mut lines = page.lines;
    if !is_whole {
        // What lies behind a full page belongs to the next one.
        let end = lines.last().map_or(after, |it| it.place);
        notices.retain(|it| it.place < end);
    }
    lines.append(&mut notices);
    lines.sort_by_key(|it| it.place);
    lines.truncate(limit);
    Ok(lines)
}

struct Page {
    lines: Vec<LogRecord>,
    after: LogPlace,
    limit: usize,
    room: usize,
}

impl Page {
    /// Adds lines, and says whether those are all that there are.
    async fn fill(&mut self, session: &Session, query: &LogQuery, wanted: &HashMap<i64, &LogSource>) -> Work<bool> {
        let mut from = unsigned(self.after.batch);
        loop {
            let rows = match wanted.keys().next() {
                Some(source) if wanted.len() == 1 => {
                    let sql = "SELECT batch, source, body FROM log_batches WHERE source = $1 AND part IN (0, 1) \
                               AND batch >= $2 ORDER BY part, batch LIMIT $3";
                    session.query(sql, &[source, &from, &BATCHES]).await?
                }
                _ => {
                    let sql = "SELECT batch, source, body FROM log_batches WHERE run = $1 AND batch >= $2 \
                               ORDER BY batch LIMIT $3";
                    session.query(sql, &[&Key::from(query.run), &from, &BATCHES]).await?
                }
            };
            for row in &rows {
                let batch = count(row, 0)?;
                from = unsigned(batch.saturating_add(1));
                let Some(source) = wanted.get(&row.try_get(1)?) else { continue };
                if !self.add(source, batch, row.try_get(2)?)? {
                    return Ok(false);
                }
            }
            if (rows.len() as i64) < BATCHES {
                return Ok(true);
            }
        }
    }

    /// Adds the lines of a batch, as far as there is room for them. Says whether there was.
    fn add(&mut self, source: &LogSource, batch: u64, body: &[u8]) -> Work<bool> {
        let lines = pack::unpack_lines(body).ok_or_else(|| {
            Fault::from(StoreError::Damaged(format!("log lines of run {} cannot be read", source.run)))
        })?;
        for line in lines {
            let place = LogPlace { batch, seq: line.seq };
            if place <= self.after {
                continue;
            }
            if self.lines.len() == self.limit || self.room == 0 {
                return Ok(false);
            }
            self.room = self.room.saturating_sub(line.text.len());
            self.lines.push(LogRecord { source: source.clone(), line, place });
        }
        Ok(true)
    }
}
