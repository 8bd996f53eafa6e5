//! The journal in PostgreSQL.

use async_trait::async_trait;
use drawloom_blueprint::{RunId, Timestamp};
use drawloom_store::{
    Append, Claim, Commit, DuePlace, Journal, PAGE_BYTES, PAGE_ITEMS, Record, RunRow, StoreError, Unended, pack,
};

use crate::{
    PostgresStore,
    columns::{Key, RUN, count, limit as sql_limit, run_row, unsigned},
    connect::{Session, Values},
    fault::Work,
};

/// Rows of facts that are asked for at once. They hold about half a page of the port each, at most, but for large ones.
const ROWS: i64 = 512;

#[async_trait]
impl Journal for PostgresStore {
    async fn claim(&self, owner: &str) -> Result<Claim, StoreError> {
        self.writer()?.claim(owner).await
    }

    fn append(&self, append: Append) -> Commit {
        let outcome = match self.writer() {
            Ok(writer) => writer.append(append),
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        Box::pin(async { outcome.await.unwrap_or(Err(StoreError::Closed)) })
    }

    async fn facts(&self, run: RunId, after: u64) -> Result<Vec<Record>, StoreError> {
        self.pool().with(async |session| facts(&session, run, after).await).await
    }

    async fn unended(&self, which: Unended, after: Option<RunId>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        self.pool().with(async |session| unended(&session, which, after, limit).await).await
    }

    async fn due(&self, until: Timestamp, after: Option<DuePlace>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let sql = format!(
            "SELECT {RUN} FROM runs r WHERE r.status < 3 AND r.next_due IS NOT NULL AND r.next_due <= $1 \
             AND (r.next_due, r.id) > ($2, $3) ORDER BY r.next_due, r.id LIMIT $4"
        );
        // Nothing is due before the beginning of time, so no row is left out where none was seen.
        let (due, run) = after.map_or((i64::MIN, Key(0)), |it| (it.due.0, it.run.into()));
        let limit = sql_limit(limit);
        self.pool().with(async |session| rows(&session, &sql, &[&until.0, &due, &run, &limit]).await).await
    }
}

async fn facts(session: &Session, run: RunId, after: u64) -> Work<Vec<Record>> {
    // The first wanted fact may stand within a row, so reading begins at the row that could hold it.
    // The server counts bytes, so that it sends no more than a page of large ones.
    let sql = "SELECT seq, body, count FROM (SELECT seq, body, count, sum(bytes) OVER (ORDER BY seq) - bytes AS before \
               FROM (SELECT * FROM facts WHERE run = $1 AND seq > $3 AND seq >= \
               coalesce((SELECT max(seq) FROM facts WHERE run = $1 AND seq <= $2), 0) ORDER BY seq LIMIT $4) f) f \
               WHERE before < $5 ORDER BY seq";
    let most = PAGE_BYTES as i64;
    let (mut page, mut room, mut behind) = (Vec::new(), PAGE_BYTES, -1_i64);
    loop {
        let first = unsigned(after.saturating_add(1));
        let rows = session.query(sql, &[&Key::from(run), &first, &behind, &ROWS, &most]).await?;
        for row in &rows {
            let (seq, number) = (count(row, 0)?, row.try_get::<_, i32>(2)?);
            let facts = pack::unpack_facts(row.try_get(1)?, seq).filter(|it| it.len() as i64 == i64::from(number));
            let facts = facts.ok_or_else(|| {
                StoreError::Damaged(format!("the facts of run {run} from number {seq} on cannot be read"))
            })?;
            for it in facts.into_iter().filter(|it| it.seq > after) {
                if room == 0 || page.len() == PAGE_ITEMS {
                    return Ok(page);
                }
                room = room.saturating_sub(it.fact.len());
                page.push(it);
            }
            behind = unsigned(seq);
        }
        if (rows.len() as i64) < ROWS {
            return Ok(page);
        }
    }
}

async fn unended(session: &Session, which: Unended, after: Option<RunId>, limit: usize) -> Work<Vec<RunRow>> {
    // Each of the two parts is read in the order of its index; a page of all is merged from a page of each.
    let mut rows = unended_part(session, true, after, limit).await?;
    if which == Unended::All {
        rows.extend(unended_part(session, false, after, limit).await?);
        rows.sort_unstable_by_key(|it| it.run);
        rows.truncate(limit);
    }
    Ok(rows)
}

async fn unended_part(session: &Session, busy: bool, after: Option<RunId>, limit: usize) -> Work<Vec<RunRow>> {
    let beyond = if after.is_some() { "r.id > $2" } else { "r.id >= $2" };
    let sql = format!(
        "SELECT {RUN} FROM runs r WHERE r.status < 3 AND r.busy = $1 AND {beyond} ORDER BY r.busy, r.id LIMIT $3"
    );
    let after = after.map_or(Key(0), Key::from);
    rows(session, &sql, &[&busy, &after, &sql_limit(limit)]).await
}

/// The rows of runs that `sql` finds.
pub(crate) async fn rows(session: &Session, sql: &str, values: Values<'_>) -> Work<Vec<RunRow>> {
    session.query(sql, values).await?.iter().map(run_row).collect()
}
