//! Secrets and cached results in SQLite.

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::Timestamp;
use drawloom_store::{CachedRow, PAGE_BYTES, ResultCache, SecretRow, Secrets, StoreError};
use rusqlite::{OptionalExtension, params};

use crate::{SqliteStore, columns::limit as sql_limit};

#[async_trait]
impl Secrets for SqliteStore {
    async fn put_secret(&self, name: &str, sealed: Bytes, at: Timestamp) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.writer()?
            .alone(move |desk| {
                let sql = "INSERT OR REPLACE INTO secrets (name, sealed, updated_at) VALUES (?, ?, ?)";
                desk.conn().prepare_cached(sql)?.execute(params![name, &sealed[..], at.0])?;
                Ok(())
            })
            .await
    }

    async fn secret(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let name = name.to_owned();
        self.readers()
            .read(move |conn| {
                let mut find = conn.prepare_cached("SELECT sealed FROM secrets WHERE name = ?")?;
                let sealed: Option<Vec<u8>> = find.query_row([name], |row| row.get(0)).optional()?;
                Ok(sealed.map(Bytes::from))
            })
            .await
    }

    async fn secrets(&self) -> Result<Vec<SecretRow>, StoreError> {
        self.readers()
            .read(|conn| {
                let mut find = conn.prepare_cached("SELECT name, updated_at FROM secrets ORDER BY name")?;
                let rows =
                    find.query_map([], |row| Ok(SecretRow { name: row.get(0)?, updated_at: Timestamp(row.get(1)?) }))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn delete_secret(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.writer()?
            .alone(move |desk| Ok(desk.conn().execute("DELETE FROM secrets WHERE name = ?", [name])? > 0))
            .await
    }
}

#[async_trait]
impl ResultCache for SqliteStore {
    async fn cached(&self, key: &[u8; 32], now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        let key = *key;
        self.readers()
            .read(move |conn| {
                let mut find = conn.prepare_cached("SELECT output FROM results WHERE key = ? AND expires > ?")?;
                let output: Option<Vec<u8>> = find.query_row(params![key, now.0], |row| row.get(0)).optional()?;
                Ok(output.map(Bytes::from))
            })
            .await
    }

    async fn put_cached(&self, key: &[u8; 32], output: Bytes, expires: Timestamp) -> Result<(), StoreError> {
        let key = *key;
        self.writer()?
            .alone(move |desk| {
                let sql = "INSERT OR REPLACE INTO results (key, output, expires) VALUES (?, ?, ?)";
                desk.conn().prepare_cached(sql)?.execute(params![key, &output[..], expires.0])?;
                Ok(())
            })
            .await
    }

    async fn drop_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.writer()?
            .alone(move |desk| {
                let sql = "DELETE FROM results WHERE key IN \
                           (SELECT key FROM results WHERE expires <= ? ORDER BY expires LIMIT ?)";
                Ok(desk.conn().execute(sql, params![now.0, sql_limit(limit)])?)
            })
            .await
    }

    async fn all_cached(&self, after: Option<[u8; 32]>, limit: usize) -> Result<Vec<CachedRow>, StoreError> {
        self.readers()
            .read(move |conn| {
                // No key lies below the empty one.
                let after = after.as_ref().map_or(&[][..], |it| &it[..]);
                let sql = "SELECT key, output, expires FROM results WHERE key > ? ORDER BY key LIMIT ?";
                let mut find = conn.prepare_cached(sql)?;
                let mut found = find.query(params![after, sql_limit(limit)])?;
                let mut rows = Vec::new();
                let mut bytes = 0;
                while let Some(row) = found.next()? {
                    let output: Vec<u8> = row.get(1)?;
                    bytes += output.len();
                    if bytes > PAGE_BYTES && !rows.is_empty() {
                        break;
                    }
                    rows.push(CachedRow { key: row.get(0)?, output: output.into(), expires: Timestamp(row.get(2)?) });
                }
                Ok(rows)
            })
            .await
    }
}
