//! Looking after a PostgreSQL store.

use std::{collections::BTreeMap, path::Path};

use async_trait::async_trait;
use drawloom_blueprint::RunId;
use drawloom_store::{Finding, FlowSize, Prune, Pruned, StoreError, StoreInfo, Upkeep, verify};

use crate::{
    PostgresStore,
    columns::{count, limit as sql_limit, run_id, status, text},
    connect::Session,
    fault::Work,
    prune, schema,
};

/// How old a blob is that no run uses and that goes: the run that will refer to it may not be committed yet.
const BLOB_AGE: &str = "interval '1 hour'";

/// How old a draft of a blob is that nobody will finish any more.
const DRAFT_AGE: &str = "interval '1 day'";

/// Blobs that go in one commit.
const SWEEP: i64 = 200;

#[async_trait]
impl Upkeep for PostgresStore {
    async fn info(&self) -> Result<StoreInfo, StoreError> {
        let written = self.writer.as_ref().map(crate::writer::Writer::written).unwrap_or_default();
        let read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let info = self.pool().with(async |session| session.transact(read, info(&session)).await).await?;
        Ok(StoreInfo { place: self.place(), written, ..info })
    }

    async fn check(&self, limit: usize) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.pool().with(async |session| strays(&session, limit).await).await?;
        if findings.is_empty() {
            findings = verify::verify(self, limit).await?;
        }
        Ok(findings)
    }

    async fn prune(&self, it: Prune) -> Result<Pruned, StoreError> {
        let pool = self.writing()?;
        let mut pruned =
            pool.with(async |session| session.transact("BEGIN", prune::prune(&session, &it)).await).await?;
        loop {
            let swept = pool.with(async |session| session.transact("BEGIN", sweep(&session)).await).await?;
            pruned.blobs += swept;
            if swept < SWEEP.unsigned_abs() {
                return Ok(pruned);
            }
        }
    }

    async fn delete_run(&self, run: RunId) -> Result<bool, StoreError> {
        self.writing()?.with(async |session| session.transact("BEGIN", prune::delete_run(&session, run)).await).await
    }

    async fn backup(&self, _: &Path) -> Result<(), StoreError> {
        let schema = self.connector.options.schema();
        Err(StoreError::Unsupported(format!("a backup file (`pg_dump --schema={schema}` of PostgreSQL writes one)")))
    }

    async fn close(&self) -> Result<(), StoreError> {
        if let Some(writer) = &self.writer {
            // Where the writer is gone, it was closed before.
            let _ = writer.close().await;
        }
        self.pool.close();
        Ok(())
    }
}

async fn info(session: &Session) -> Work<StoreInfo> {
    let found = session.query("SELECT status, count(*) FROM runs GROUP BY status", &[]).await?;
    let runs = found.iter().map(|row| Ok((status(row, 0)?, count(row, 1)?))).collect::<Work<BTreeMap<_, _>>>()?;
    let sql = "SELECT r.flow, count(*), sum(r.last_seq + coalesce(f.facts, 0))::bigint, \
               sum(r.fact_bytes + coalesce(f.bytes, 0))::bigint, coalesce(sum(l.bytes), 0)::bigint FROM runs r \
               LEFT JOIN LATERAL (SELECT sum(f.count) AS facts, sum(f.bytes) AS bytes FROM facts f \
                   WHERE r.status < 3 AND f.run = r.id AND f.seq > r.last_seq) f ON true \
               LEFT JOIN (SELECT run, sum(head + tail) AS bytes FROM log_sources GROUP BY run) l ON l.run = r.id \
               GROUP BY r.flow ORDER BY r.flow";
    let found = session.query(sql, &[]).await?;
    let flow = |row| {
        Ok(FlowSize {
            flow: text(row, 0)?,
            runs: count(row, 1)?,
            facts: count(row, 2)?,
            fact_bytes: count(row, 3)?,
            log_bytes: count(row, 4)?,
        })
    };
    let flows = found.iter().map(flow).collect::<Work<_>>()?;
    let sql = "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c \
               WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname <> 'blob_parts'";
    let bytes = count(&session.one(sql, &[]).await?, 0)?;
    let blobs = session.one("SELECT count(*), coalesce(sum(size), 0)::bigint FROM blobs", &[]).await?;
    let versions = session.one("SELECT count(*) FROM versions", &[]).await?;
    Ok(StoreInfo {
        kind: "postgres",
        schema: schema::SCHEMA,
        bytes,
        blobs: count(&blobs, 0)?,
        blob_bytes: count(&blobs, 1)?,
        runs,
        versions: count(&versions, 0)?,
        flows,
        ..StoreInfo::default()
    })
}

/// Facts that belong to no run. What else may be wrong is found through the port.
async fn strays(session: &Session, limit: usize) -> Work<Vec<Finding>> {
    let sql = "SELECT DISTINCT f.run FROM facts f WHERE NOT EXISTS (SELECT FROM runs r WHERE r.id = f.run) LIMIT $1";
    let found = session.query(sql, &[&sql_limit(limit)]).await?;
    let finding = |row| {
        let about = run_id(row, 0)?.to_string();
        Ok(Finding { about, message: "it has facts and is not in the index of runs".to_owned() })
    };
    found.iter().map(finding).collect()
}

/// Drops some old blobs that no run refers to, and drafts that were left. Says how many blobs there were.
async fn sweep(session: &Session) -> Work<u64> {
    let sql = format!(
        "WITH gone AS (DELETE FROM blobs WHERE hash = ANY(ARRAY(SELECT b.hash FROM blobs b \
             WHERE b.put_at < now() - {BLOB_AGE} AND NOT EXISTS (SELECT FROM run_blobs u WHERE u.blob = b.hash) LIMIT $1)) \
             AND put_at < now() - {BLOB_AGE} RETURNING key), \
         old AS (DELETE FROM blob_drafts WHERE begun_at < now() - {DRAFT_AGE} RETURNING key), \
         parts AS (DELETE FROM blob_parts p USING (SELECT key FROM gone UNION ALL SELECT key FROM old) k WHERE p.blob = k.key) \
         SELECT count(*) FROM gone"
    );
    count(&session.one(&sql, &[&SWEEP]).await?, 0)
}
