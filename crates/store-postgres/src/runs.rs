//! The index of runs in PostgreSQL.

use async_trait::async_trait;
use drawloom_blueprint::RunId;
use drawloom_store::{BlobHash, IdPrefix, RunFilter, RunReader, RunRow, StoreError};
use tokio_postgres::types::ToSql;

use crate::{
    PostgresStore,
    columns::{Key, RUN, blob_hash, limit as sql_limit, run_id, run_row, short_hash, status_code},
    connect::Session,
    fault::Work,
    journal::rows,
};

#[async_trait]
impl RunReader for PostgresStore {
    async fn run(&self, run: RunId) -> Result<Option<RunRow>, StoreError> {
        let sql = format!("SELECT {RUN} FROM runs r WHERE r.id = $1");
        let find = async |session: std::sync::Arc<Session>| {
            session.find(&sql, &[&Key::from(run)]).await?.as_ref().map(run_row).transpose()
        };
        self.pool().with(find).await
    }

    async fn runs(&self, filter: &RunFilter, before: Option<RunId>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        self.pool().with(async |session| runs(&session, filter, before, limit).await).await
    }

    async fn ids(&self, prefix: IdPrefix, limit: usize) -> Result<Vec<RunId>, StoreError> {
        let sql = "SELECT id FROM runs WHERE id BETWEEN $1 AND $2 ORDER BY id DESC LIMIT $3";
        let (first, last) = (Key::from(prefix.first()), Key::from(prefix.last()));
        self.pool()
            .with(async |session| {
                let found = session.query(sql, &[&first, &last, &sql_limit(limit)]).await?;
                found.iter().map(|row| run_id(row, 0)).collect()
            })
            .await
    }

    async fn started_with(&self, idempotency_key: &str) -> Result<Option<RunId>, StoreError> {
        let sql = "SELECT id FROM runs WHERE idempotency_key IS NOT NULL AND sha256(idempotency_key) = sha256($1)";
        self.pool()
            .with(async |session| {
                let found = session.find(sql, &[&idempotency_key.as_bytes()]).await?;
                found.as_ref().map(|row| run_id(row, 0)).transpose()
            })
            .await
    }

    async fn blobs_of(&self, run: RunId) -> Result<Vec<BlobHash>, StoreError> {
        let sql = "SELECT blob FROM run_blobs WHERE run = $1 ORDER BY blob";
        self.pool()
            .with(async |session| {
                let found = session.query(sql, &[&Key::from(run)]).await?;
                found.iter().map(|row| blob_hash(row, 0)).collect()
            })
            .await
    }
}

async fn runs(session: &Session, filter: &RunFilter, before: Option<RunId>, limit: usize) -> Work<Vec<RunRow>> {
    let mut conditions = vec!["true".to_owned()];
    let mut values: Vec<Box<dyn ToSql + Sync + Send>> = Vec::new();
    let mut and = |condition: &str, value: Box<dyn ToSql + Sync + Send>| {
        values.push(value);
        conditions.push(condition.replace('?', &format!("${}", values.len())));
    };
    if let Some(before) = before {
        and("r.id < ?", Box::new(Key::from(before)));
    }
    if let Some(flow) = &filter.flow {
        and("r.flow = ?", Box::new(flow.as_bytes().to_vec()));
    }
    if let Some(since) = filter.since {
        and("r.started_at >= ?", Box::new(since.0));
    }
    if let Some(parent) = filter.parent {
        and("r.parent = ?", Box::new(Key::from(parent)));
    }
    for (name, value) in &filter.labels {
        and(
            "EXISTS (SELECT FROM run_labels l WHERE l.label = ? AND l.run = r.id)",
            Box::new(short_hash(&[name, value])),
        );
    }
    if !filter.status.is_empty() {
        let codes: Vec<i16> = filter.status.iter().map(|it| status_code(*it)).collect();
        and("r.status = ANY(?)", Box::new(codes));
    }
    values.push(Box::new(sql_limit(limit)));
    let (conditions, last) = (conditions.join(" AND "), values.len());
    let sql = format!("SELECT {RUN} FROM runs r WHERE {conditions} ORDER BY r.id DESC LIMIT ${last}");
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| &**it as &(dyn ToSql + Sync)).collect();
    rows(session, &sql, &values).await
}
