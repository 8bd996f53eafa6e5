//! Writing log lines, and cutting the middle of logs that grew too large.
//!
//! **Invariant:** what is kept and cut is decided by the port's [`Budget`], the same for every store.

use drawloom_blueprint::Timestamp;
use drawloom_store::{
    LogAppend, LogSource,
    log_batch::{self, BatchSize, Budget, Part},
    pack,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    columns::{count, key, unsigned},
    fault::Work,
};

/// The columns that [`budget`] reads.
pub(crate) const BUDGET: &str = "last_seq, head, tail, cut_lines, cut_cost, cut_first, cut_batch, cut_last, cut_at";

/// How much of a log is kept, read from the columns from `at` on.
pub(crate) fn budget(row: &Row<'_>, at: usize) -> rusqlite::Result<Budget> {
    Ok(Budget {
        last_seq: row.get::<_, Option<i64>>(at)?.map(i64::unsigned_abs),
        head: count(row, at + 1)?,
        tail: count(row, at + 2)?,
        cut: log_batch::Cut {
            lines: count(row, at + 3)?,
            cost: count(row, at + 4)?,
            first_seq: count(row, at + 5)?,
            last_batch: count(row, at + 6)?,
            last_seq: count(row, at + 7)?,
            last_at: Timestamp(row.get(at + 8)?),
        },
    })
}

impl super::Desk {
    pub(super) fn append_logs(&mut self, appends: Vec<LogAppend>) -> Work<()> {
        appends.into_iter().try_for_each(|it| append(&self.conn, it))
    }
}

fn append(conn: &Connection, append: LogAppend) -> Work<()> {
    let (source, mut budget) = find_or_insert(conn, &append.source)?;
    let batches = log_batch::split(append.lines, budget.last_seq);
    if batches.is_empty() {
        return Ok(());
    }
    for lines in batches {
        let mut size = BatchSize::of(0, &lines);
        let part = budget.add(&size);
        conn.prepare_cached(
            "INSERT INTO log_batches (run, source, part, first_seq, last_seq, lines, cost, last_at, body) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            key(append.source.run),
            source,
            part == Part::Tail,
            unsigned(size.first_seq),
            unsigned(size.last_seq),
            unsigned(size.lines),
            unsigned(size.cost),
            size.last_at.0,
            pack::pack_lines(&lines),
        ])?;
        size.batch = conn.last_insert_rowid().unsigned_abs();
        while budget.is_over()
            && let Some(oldest) = oldest_of_tail(conn, source)?
        {
            conn.prepare_cached("DELETE FROM log_batches WHERE batch = ?")?.execute([unsigned(oldest.batch)])?;
            budget.drop_oldest(&oldest);
        }
    }
    update(conn, source, &budget)
}

fn find_or_insert(conn: &Connection, source: &LogSource) -> Work<(i64, Budget)> {
    let sql = format!("SELECT key, {BUDGET} FROM log_sources WHERE run = ? AND path = ? AND attempt = ?");
    let mut find = conn.prepare_cached(&sql)?;
    let place = params![key(source.run), source.path, source.attempt];
    if let Some(found) = find.query_row(place, |row| Ok((row.get(0)?, budget(row, 1)?))).optional()? {
        return Ok(found);
    }
    conn.prepare_cached("INSERT INTO log_sources (run, path, attempt) VALUES (?, ?, ?)")?.execute(place)?;
    Ok((conn.last_insert_rowid(), Budget::default()))
}

fn oldest_of_tail(conn: &Connection, source: i64) -> Work<Option<BatchSize>> {
    let sql = "SELECT batch, first_seq, last_seq, lines, cost, last_at FROM log_batches \
               WHERE source = ? AND part = 1 ORDER BY batch LIMIT 1";
    let mut find = conn.prepare_cached(sql)?;
    let oldest = find.query_row([source], |row| {
        Ok(BatchSize {
            batch: count(row, 0)?,
            first_seq: count(row, 1)?,
            last_seq: count(row, 2)?,
            lines: count(row, 3)?,
            cost: count(row, 4)?,
            last_at: Timestamp(row.get(5)?),
        })
    });
    Ok(oldest.optional()?)
}

fn update(conn: &Connection, source: i64, budget: &Budget) -> Work<()> {
    let sql = "UPDATE log_sources SET last_seq = ?, head = ?, tail = ?, cut_lines = ?, cut_cost = ?, cut_first = ?, \
               cut_batch = ?, cut_last = ?, cut_at = ? WHERE key = ?";
    conn.prepare_cached(sql)?.execute(params![
        budget.last_seq.map(unsigned),
        unsigned(budget.head),
        unsigned(budget.tail),
        unsigned(budget.cut.lines),
        unsigned(budget.cut.cost),
        unsigned(budget.cut.first_seq),
        unsigned(budget.cut.last_batch),
        unsigned(budget.cut.last_seq),
        budget.cut.last_at.0,
        source,
    ])?;
    Ok(())
}
