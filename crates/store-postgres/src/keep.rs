//! Secrets and cached results in PostgreSQL.

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::Timestamp;
use drawloom_store::{CachedRow, PAGE_BYTES, ResultCache, SecretRow, Secrets, StoreError};

use crate::{
    PostgresStore,
    columns::{Raw, limit as sql_limit, text},
};

#[async_trait]
impl Secrets for PostgresStore {
    async fn put_secret(&self, name: &str, sealed: Bytes, at: Timestamp) -> Result<(), StoreError> {
        let sealed = Raw(sealed);
        let sql = "INSERT INTO secrets (name, sealed, updated_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at";
        let put = async |it: std::sync::Arc<crate::connect::Session>| {
            it.execute(sql, &[&name.as_bytes(), &sealed, &at.0]).await.map(drop)
        };
        self.writing()?.with(put).await
    }

    async fn secret(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        self.pool()
            .with(async |session| {
                let found = session.find("SELECT sealed FROM secrets WHERE name = $1", &[&name.as_bytes()]).await?;
                Ok(found.map(|row| row.try_get::<_, Vec<u8>>(0)).transpose()?.map(Bytes::from))
            })
            .await
    }

    async fn secrets(&self) -> Result<Vec<SecretRow>, StoreError> {
        self.pool()
            .with(async |session| {
                let found = session.query("SELECT name, updated_at FROM secrets ORDER BY name", &[]).await?;
                let row = |row| Ok(SecretRow { name: text(row, 0)?, updated_at: Timestamp(row.try_get(1)?) });
                found.iter().map(row).collect()
            })
            .await
    }

    async fn delete_secret(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM secrets WHERE name = $1";
        self.writing()?.with(async |session| Ok(session.execute(sql, &[&name.as_bytes()]).await? > 0)).await
    }
}

#[async_trait]
impl ResultCache for PostgresStore {
    async fn cached(&self, key: &[u8; 32], now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        let sql = "SELECT output FROM results WHERE key = $1 AND expires > $2";
        self.pool()
            .with(async |session| {
                let found = session.find(sql, &[&&key[..], &now.0]).await?;
                Ok(found.map(|row| row.try_get::<_, Vec<u8>>(0)).transpose()?.map(Bytes::from))
            })
            .await
    }

    async fn put_cached(&self, key: &[u8; 32], output: Bytes, expires: Timestamp) -> Result<(), StoreError> {
        let output = Raw(output);
        let sql = "INSERT INTO results (key, output, expires) VALUES ($1, $2, $3) \
                   ON CONFLICT (key) DO UPDATE SET output = excluded.output, expires = excluded.expires";
        self.writing()?
            .with(async |session| session.execute(sql, &[&&key[..], &output, &expires.0]).await.map(drop))
            .await
    }

    async fn drop_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let sql = "DELETE FROM results WHERE key = ANY(ARRAY(SELECT key FROM results WHERE expires <= $1 \
                   ORDER BY expires LIMIT $2)) AND expires <= $1";
        self.writing()?
            .with(async |session| {
                let dropped = session.execute(sql, &[&now.0, &sql_limit(limit)]).await?;
                Ok(usize::try_from(dropped).unwrap_or(usize::MAX))
            })
            .await
    }

    async fn all_cached(&self, after: Option<[u8; 32]>, limit: usize) -> Result<Vec<CachedRow>, StoreError> {
        // No key lies below the empty one. The window tells the server where the page ends, so that it sends no more.
        let after = after.as_ref().map_or(&[][..], |it| &it[..]);
        let sql = "SELECT key, output, expires FROM (SELECT key, output, expires, \
                   sum(octet_length(output)) OVER (ORDER BY key) AS bytes, row_number() OVER (ORDER BY key) AS place \
                   FROM (SELECT * FROM results WHERE key > $1 ORDER BY key LIMIT $2) r) r \
                   WHERE bytes <= $3 OR place = 1 ORDER BY key";
        let most = i64::try_from(PAGE_BYTES).unwrap_or(i64::MAX);
        self.pool()
            .with(async |session| {
                let mut rows = Vec::new();
                for row in session.query(sql, &[&after, &sql_limit(limit), &most]).await? {
                    let key = <[u8; 32]>::try_from(row.try_get::<_, &[u8]>(0)?);
                    let key = key.map_err(|_| StoreError::Damaged("a cached result has no proper key".to_owned()))?;
                    let output: Vec<u8> = row.try_get(1)?;
                    rows.push(CachedRow { key, output: output.into(), expires: Timestamp(row.try_get(2)?) });
                }
                Ok(rows)
            })
            .await
    }
}
