//! Looking after an SQLite store.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    time::Duration,
};

use async_trait::async_trait;
use drawloom_blueprint::RunId;
use drawloom_store::{BlobHash, Finding, FlowSize, Prune, Pruned, StoreError, StoreInfo, Upkeep, verify};
use rusqlite::Connection;

use crate::{
    SqliteStore, backup,
    columns::{UNWRITTEN, blob_hash, count, limit as sql_limit, run_id, status},
    fault::Work,
    prune, schema,
};

/// How long an unused blob stays, since the run that will refer to it may not be committed yet.
const BLOB_GRACE: Duration = Duration::from_secs(3600);

#[async_trait]
impl Upkeep for SqliteStore {
    async fn info(&self) -> Result<StoreInfo, StoreError> {
        let (place, blobs) = (self.path.display().to_string(), self.blobs.clone());
        let written = self.writer.as_ref().map(|it| it.written()).unwrap_or_default();
        self.readers()
            .read(move |conn| {
                let (blobs, blob_bytes) = blobs.size()?;
                Ok(StoreInfo { place, blobs, blob_bytes, written, ..info(conn)? })
            })
            .await
    }

    async fn check(&self, limit: usize) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.readers().read(move |conn| integrity(conn, limit)).await?;
        if findings.is_empty() {
            findings = self.readers().read(move |conn| strays(conn, limit)).await?;
        }
        if findings.is_empty() {
            findings = verify::verify(self, limit).await?;
        }
        Ok(findings)
    }

    async fn prune(&self, it: Prune) -> Result<Pruned, StoreError> {
        let pruned = self.writer()?.alone(move |desk| prune::prune(desk, &it)).await?;
        let blobs = self.blobs.clone();
        let swept = self.readers().read(move |conn| Ok(blobs.sweep(&used_blobs(conn)?, BLOB_GRACE)?)).await?;
        Ok(Pruned { blobs: swept, ..pruned })
    }

    async fn delete_run(&self, run: RunId) -> Result<bool, StoreError> {
        self.writer()?.alone(move |desk| prune::delete_run(desk, run)).await
    }

    async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let (to, blobs) = (to.to_owned(), self.blobs.folder().to_owned());
        self.readers().read(move |conn| backup::write(conn, &blobs, &to)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.readers.close();
        if let Some(writer) = self.writer.clone() {
            let closed = tokio::task::spawn_blocking(move || writer.close()).await;
            closed.map_err(|it| StoreError::Unavailable(it.to_string()))?;
        }
        Ok(())
    }
}

fn info(conn: &Connection) -> Work<StoreInfo> {
    let number = |sql: &str| conn.query_row(sql, [], |row| count(row, 0));
    let mut find = conn.prepare("SELECT status, count(*) FROM runs GROUP BY status")?;
    let runs = find.query_map([], |row| Ok((status(row, 0)?, count(row, 1)?)))?;
    let runs = runs.collect::<Result<BTreeMap<_, _>, _>>()?;
    let sql = format!(
        "SELECT r.flow, count(*), sum(r.last_seq + coalesce(f.facts, 0)), sum(r.fact_bytes + coalesce(f.bytes, 0)), \
         coalesce(sum(l.bytes), 0) FROM runs r \
         LEFT JOIN (SELECT r.id, sum(f.count) AS facts, sum(f.bytes) AS bytes FROM runs r JOIN facts f ON {UNWRITTEN} \
             GROUP BY r.id) f ON f.id = r.id \
         LEFT JOIN (SELECT run, sum(head + tail) AS bytes FROM log_sources GROUP BY run) l ON l.run = r.id \
         GROUP BY r.flow ORDER BY r.flow"
    );
    let mut find = conn.prepare(&sql)?;
    let flows = find.query_map([], |row| {
        Ok(FlowSize {
            flow: row.get(0)?,
            runs: count(row, 1)?,
            facts: count(row, 2)?,
            fact_bytes: count(row, 3)?,
            log_bytes: count(row, 4)?,
        })
    })?;
    Ok(StoreInfo {
        kind: "sqlite",
        schema: schema::SCHEMA,
        bytes: number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?,
        runs,
        versions: number("SELECT count(*) FROM versions")?,
        flows: flows.collect::<Result<_, _>>()?,
        ..StoreInfo::default()
    })
}

/// Damage that SQLite itself finds.
fn integrity(conn: &Connection, limit: usize) -> Work<Vec<Finding>> {
    let mut find = conn.prepare(&format!("PRAGMA integrity_check({})", sql_limit(limit.max(1))))?;
    let messages = find.query_map([], |row| row.get::<_, String>(0))?;
    let messages = messages.collect::<Result<Vec<_>, _>>()?;
    let wrong = messages.into_iter().filter(|it| it != "ok");
    Ok(wrong.map(|message| Finding { about: "the file".to_owned(), message }).take(limit).collect())
}

/// Facts that belong to no run. What else may be wrong is found through the port.
fn strays(conn: &Connection, limit: usize) -> Work<Vec<Finding>> {
    let sql = "SELECT DISTINCT run FROM facts WHERE run NOT IN (SELECT id FROM runs) LIMIT ?";
    let mut find = conn.prepare(sql)?;
    let runs = find.query_map([sql_limit(limit)], |row| run_id(row, 0))?;
    let message = "it has facts and is not in the index of runs";
    let finding = |run: rusqlite::Result<RunId>| Ok(Finding { about: run?.to_string(), message: message.to_owned() });
    runs.map(finding).collect()
}

fn used_blobs(conn: &Connection) -> Work<HashSet<BlobHash>> {
    let mut find = conn.prepare("SELECT DISTINCT blob FROM run_blobs")?;
    let blobs = find.query_map([], |row| blob_hash(row, 0))?;
    Ok(blobs.collect::<Result<_, _>>()?)
}
