//! The index of runs in SQLite.

use async_trait::async_trait;
use drawloom_blueprint::RunId;
use drawloom_store::{BlobHash, IdPrefix, RunFilter, RunReader, RunRow, StoreError};
use rusqlite::{Connection, OptionalExtension, ToSql, params, params_from_iter};

use crate::{
    SqliteStore,
    columns::{RUN, blob_hash, key, limit as sql_limit, run_id, run_row, status_code},
    fault::Work,
};

#[async_trait]
impl RunReader for SqliteStore {
    async fn run(&self, run: RunId) -> Result<Option<RunRow>, StoreError> {
        self.readers()
            .read(move |conn| {
                let mut find = conn.prepare_cached(&format!("SELECT {RUN} FROM runs r WHERE id = ?"))?;
                Ok(find.query_row([key(run)], run_row).optional()?)
            })
            .await
    }

    async fn runs(&self, filter: &RunFilter, before: Option<RunId>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let filter = filter.clone();
        self.readers().read(move |conn| runs(conn, &filter, before, limit)).await
    }

    async fn ids(&self, prefix: IdPrefix, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.readers()
            .read(move |conn| {
                let sql = "SELECT id FROM runs WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT ?";
                let mut find = conn.prepare_cached(sql)?;
                let place = params![key(prefix.first()), key(prefix.last()), sql_limit(limit)];
                let ids = find.query_map(place, |row| run_id(row, 0))?;
                Ok(ids.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn started_with(&self, idempotency_key: &str) -> Result<Option<RunId>, StoreError> {
        let idempotency_key = idempotency_key.to_owned();
        self.readers()
            .read(move |conn| {
                let mut find = conn.prepare_cached("SELECT id FROM runs WHERE idempotency_key = ?")?;
                Ok(find.query_row([idempotency_key], |row| run_id(row, 0)).optional()?)
            })
            .await
    }

    async fn blobs_of(&self, run: RunId) -> Result<Vec<BlobHash>, StoreError> {
        self.readers()
            .read(move |conn| {
                let mut find = conn.prepare_cached("SELECT blob FROM run_blobs WHERE run = ? ORDER BY blob")?;
                let blobs = find.query_map([key(run)], |row| blob_hash(row, 0))?;
                Ok(blobs.collect::<Result<_, _>>()?)
            })
            .await
    }
}

fn runs(conn: &Connection, filter: &RunFilter, before: Option<RunId>, limit: usize) -> Work<Vec<RunRow>> {
    let mut sql = format!("SELECT {RUN} FROM runs r WHERE 1");
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut and = |condition: &str, value: Box<dyn ToSql>| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
    };
    if let Some(before) = before {
        and("id < ?", Box::new(key(before)));
    }
    if let Some(flow) = &filter.flow {
        and("flow = ?", Box::new(flow.clone()));
    }
    if let Some(since) = filter.since {
        and("started_at >= ?", Box::new(since.0));
    }
    if let Some(parent) = filter.parent {
        and("parent = ?", Box::new(key(parent)));
    }
    for (name, value) in &filter.labels {
        and("id IN (SELECT run FROM run_labels WHERE name = ?", Box::new(name.clone()));
        and("value = ?)", Box::new(value.clone()));
    }
    if !filter.status.is_empty() {
        let codes: Vec<String> = filter.status.iter().map(|it| status_code(*it).to_string()).collect();
        sql.push_str(&format!(" AND status IN ({})", codes.join(", ")));
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    values.push(Box::new(sql_limit(limit)));
    let mut find = conn.prepare(&sql)?;
    let rows = find.query_map(params_from_iter(values), run_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
