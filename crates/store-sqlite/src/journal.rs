//! The journal in SQLite.

use async_trait::async_trait;
use drawloom_blueprint::{RunId, Timestamp};
use drawloom_store::{
    Append, Claim, Commit, DuePlace, Journal, PAGE_BYTES, PAGE_ITEMS, Record, RunRow, StoreError, Unended, pack,
};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore,
    columns::{RUN, count, key, limit as sql_limit, run_row, unsigned},
    fault::Work,
};

#[async_trait]
impl Journal for SqliteStore {
    async fn claim(&self, owner: &str) -> Result<Claim, StoreError> {
        let owner = owner.to_owned();
        self.writer()?.alone(move |desk| desk.claim(&owner)).await
    }

    fn append(&self, append: Append) -> Commit {
        let outcome = match self.writer() {
            Ok(writer) => writer.append(append),
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        Box::pin(async { outcome.await.unwrap_or(Err(StoreError::Closed)) })
    }

    fn writes_early(&self) -> bool {
        true
    }

    async fn facts(&self, run: RunId, after: u64) -> Result<Vec<Record>, StoreError> {
        self.readers().read(move |conn| facts(conn, run, after)).await
    }

    async fn unended(&self, which: Unended, after: Option<RunId>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        self.readers().read(move |conn| unended(conn, which, after, limit)).await
    }

    async fn due(&self, until: Timestamp, after: Option<DuePlace>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        self.readers().read(move |conn| due(conn, until, after, limit)).await
    }
}

fn facts(conn: &Connection, run: RunId, after: u64) -> Work<Vec<Record>> {
    // The first wanted fact may stand within a row, so reading begins at the row that could hold it.
    let sql = "SELECT seq, body FROM facts WHERE run = ?1 AND seq >= \
               coalesce((SELECT max(seq) FROM facts WHERE run = ?1 AND seq <= ?2), 0) ORDER BY seq";
    let mut find = conn.prepare_cached(sql)?;
    let mut rows = find.query(params![key(run), unsigned(after.saturating_add(1))])?;
    let (mut page, mut room) = (Vec::new(), PAGE_BYTES);
    while let Some(row) = rows.next()? {
        let seq = count(row, 0)?;
        let facts = pack::unpack_facts(row.get(1)?, seq).ok_or_else(|| {
            StoreError::Damaged(format!("the facts of run {run} from number {seq} on cannot be read"))
        })?;
        for it in facts.into_iter().filter(|it| it.seq > after) {
            if room == 0 || page.len() == PAGE_ITEMS {
                return Ok(page);
            }
            room = room.saturating_sub(it.fact.len());
            page.push(it);
        }
    }
    Ok(page)
}

fn unended(conn: &Connection, which: Unended, after: Option<RunId>, limit: usize) -> Work<Vec<RunRow>> {
    // Every unended run is in one of two indexes; a page of all is merged from a page of each.
    let mut rows = unended_part(conn, "in_flight > 0", after, limit)?;
    if which == Unended::All {
        rows.extend(unended_part(conn, "in_flight = 0", after, limit)?);
        rows.sort_unstable_by_key(|it| it.run);
        rows.truncate(limit);
    }
    Ok(rows)
}

fn unended_part(conn: &Connection, part: &str, after: Option<RunId>, limit: usize) -> Work<Vec<RunRow>> {
    let sql = format!("SELECT {RUN} FROM runs r WHERE status < 3 AND {part} AND id > ? ORDER BY id LIMIT ?");
    // Nothing lies below the empty key.
    let after = after.map(key);
    let after: &[u8] = after.as_ref().map_or(&[], |it| it);
    let mut find = conn.prepare_cached(&sql)?;
    let rows = find.query_map(params![after, sql_limit(limit)], run_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn due(conn: &Connection, until: Timestamp, after: Option<DuePlace>, limit: usize) -> Work<Vec<RunRow>> {
    let sql = format!(
        "SELECT {RUN} FROM runs r WHERE status < 3 AND next_due IS NOT NULL AND next_due <= ? \
         AND (next_due, id) > (?, ?) ORDER BY next_due, id LIMIT ?"
    );
    let run = after.map(|it| key(it.run));
    let run: &[u8] = run.as_ref().map_or(&[], |it| it);
    let mut find = conn.prepare_cached(&sql)?;
    let due = after.map_or(i64::MIN, |it| it.due.0);
    let rows = find.query_map(params![until.0, due, run, sql_limit(limit)], run_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
