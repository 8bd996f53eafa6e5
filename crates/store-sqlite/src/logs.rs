//! Logs in SQLite.

use std::collections::HashMap;

use async_trait::async_trait;
use drawloom_blueprint::RunId;
use drawloom_store::{
    LogAppend, LogPlace, LogQuery, LogRecord, LogSource, Logs, PAGE_BYTES, PAGE_ITEMS, StoreError, log_batch::Budget,
    pack,
};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore,
    columns::{count, key, unsigned},
    fault::Work,
    writer::{BUDGET, budget},
};

#[async_trait]
impl Logs for SqliteStore {
    async fn append_logs(&self, appends: Vec<LogAppend>) -> Result<(), StoreError> {
        self.writer()?.logs(appends).await.unwrap_or(Err(StoreError::Closed))
    }

    async fn read_logs(&self, query: &LogQuery, after: LogPlace, limit: usize) -> Result<Vec<LogRecord>, StoreError> {
        let query = query.clone();
        self.readers().read(move |conn| read(conn, &query, after, limit.min(PAGE_ITEMS))).await
    }

    async fn log_sources(&self, run: RunId) -> Result<Vec<LogSource>, StoreError> {
        let query = LogQuery { run, path: None, attempt: None };
        self.readers().read(move |conn| Ok(sources(conn, &query)?.into_iter().map(|it| it.1).collect())).await
    }
}

/// The attempts that `query` asks for, by path and attempt.
fn sources(conn: &Connection, query: &LogQuery) -> Work<Vec<(i64, LogSource, Budget)>> {
    let sql = format!(
        "SELECT key, path, attempt, {BUDGET} FROM log_sources WHERE run = ?1 AND (?2 IS NULL OR path = ?2) \
         AND (?3 IS NULL OR attempt = ?3) ORDER BY path, attempt"
    );
    let mut find = conn.prepare_cached(&sql)?;
    let rows = find.query_map(params![key(query.run), query.path, query.attempt], |row| {
        let source = LogSource { run: query.run, path: row.get(1)?, attempt: row.get(2)? };
        Ok((row.get(0)?, source, budget(row, 3)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(conn: &Connection, query: &LogQuery, after: LogPlace, limit: usize) -> Work<Vec<LogRecord>> {
    let sources = sources(conn, query)?;
    let mut notices: Vec<_> = sources.iter().filter_map(|(_, it, budget)| budget.cut.notice(it, after)).collect();
    let mut page = Page { lines: Vec::new(), after, limit, room: PAGE_BYTES };
    let is_whole = match &sources[..] {
        [] => true,
        [(source, it, _)] => {
            let sql = "SELECT batch, source, body FROM log_batches WHERE source = ? AND part IN (0, 1) AND batch >= ? \
                       ORDER BY part, batch";
            page.fill(conn, sql, params![source, unsigned(after.batch)], &HashMap::from([(*source, it)]))?
        }
        _ => {
            let sql = "SELECT batch, source, body FROM log_batches WHERE run = ? AND batch >= ? ORDER BY batch";
            let wanted = sources.iter().map(|(source, it, _)| (*source, it)).collect();
            page.fill(conn, sql, params![key(query.run), unsigned(after.batch)], &wanted)?
        }
    };
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

/// Lines that are gathered until there are enough.
struct Page {
    lines: Vec<LogRecord>,
    after: LogPlace,
    limit: usize,
    room: usize,
}

impl Page {
    /// Adds the lines of the rows of attempts that are `wanted`. Says whether there are no more behind them.
    fn fill(
        &mut self,
        conn: &Connection,
        sql: &str,
        place: impl rusqlite::Params,
        wanted: &HashMap<i64, &LogSource>,
    ) -> Work<bool> {
        let mut find = conn.prepare_cached(sql)?;
        let mut rows = find.query(place)?;
        while let Some(row) = rows.next()? {
            let batch = count(row, 0)?;
            let Some(source) = wanted.get(&row.get(1)?) else { continue };
            let lines = pack::unpack_lines(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?);
            let lines =
                lines.ok_or_else(|| StoreError::Damaged(format!("log lines of run {} cannot be read", source.run)))?;
            for line in lines {
                let place = LogPlace { batch, seq: line.seq };
                if place <= self.after {
                    continue;
                }
                if self.lines.len() == self.limit || self.room == 0 {
                    return Ok(false);
                }
                self.room = self.room.saturating_sub(line.text.len());
                self.lines.push(LogRecord { source: (*source).clone(), line, place });
            }
        }
        Ok(true)
    }
}
