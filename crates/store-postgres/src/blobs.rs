//! Blobs in PostgreSQL: in parts, so that a large one is never in memory whole unless it is asked for whole.
//!
//! **Invariant:** a blob's row appears together with the last of its parts. Parts that belong to no blob yet are a
//! draft's, which goes when it is dropped, or else is swept when it is old.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use drawloom_store::{BlobHash, BlobWriter, Blobs, StoreError};
use sha2::{Digest, Sha256};

use crate::{
    PostgresStore,
    columns::{Raw, blob_hash, count, limit as sql_limit},
    connect::Session,
    fault::{Fault, Work},
    pool::Pool,
};

/// The size of all parts but the last.
const PART: usize = 256 * 1024;

#[async_trait]
impl Blobs for PostgresStore {
    async fn put_blob(&self, bytes: Bytes) -> Result<BlobHash, StoreError> {
        let hash = BlobHash::of(&bytes);
        if self.renew_blob(hash).await? {
            return Ok(hash);
        }
        let parts: Vec<Raw> =
            (0..bytes.len()).step_by(PART).map(|at| Raw(bytes.slice(at..bytes.len().min(at + PART)))).collect();
        self.writing()?
            .with(async |session| {
                let put = async {
                    let key = begin(&session).await?;
                    for (at, part) in (0_i64..).zip(&parts) {
                        put_part(&session, key, at, part).await?;
                    }
                    finish(&session, key, hash, bytes.len() as u64).await
                };
                session.transact("BEGIN", put).await
            })
            .await?;
        Ok(hash)
    }

    async fn blob(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        let sql = "SELECT b.size, p.bytes FROM blobs b LEFT JOIN blob_parts p ON p.blob = b.key WHERE b.hash = $1 ORDER BY p.at";
        let parts = self.pool().with(async |session| session.query(sql, &[&&hash.0[..]]).await).await?;
        if parts.is_empty() {
            return Ok(None);
        }
        let mut bytes = BytesMut::new();
        for row in &parts {
            // A blob without bytes has no parts.
            let part: Option<&[u8]> = row.try_get(1).map_err(|it| Fault::from(it).reading())?;
            bytes.extend_from_slice(part.unwrap_or_default());
        }
        if BlobHash::of(&bytes) != hash {
            return Err(StoreError::Damaged(format!("blob {hash} holds other bytes")));
        }
        Ok(Some(bytes.freeze()))
    }

    async fn has_blob(&self, hash: BlobHash) -> Result<bool, StoreError> {
        let sql = "SELECT FROM blobs WHERE hash = $1";
        self.pool().with(async |session| Ok(session.find(sql, &[&&hash.0[..]]).await?.is_some())).await
    }

    async fn blobs(&self, after: Option<BlobHash>, limit: usize) -> Result<Vec<BlobHash>, StoreError> {
        // Nothing lies below the empty hash.
        let after: &[u8] = after.as_ref().map_or(&[], |it| &it.0);
        let sql = "SELECT hash FROM blobs WHERE hash > $1 ORDER BY hash LIMIT $2";
        self.pool()
            .with(async |session| {
                let found = session.query(sql, &[&after, &sql_limit(limit)]).await?;
                found.iter().map(|row| blob_hash(row, 0)).collect()
            })
            .await
    }

    async fn new_blob(&self) -> Result<Box<dyn BlobWriter>, StoreError> {
        self.writer()?;
        let key = self.pool().with(async |session| begin(&session).await).await?;
        let pool = Arc::clone(&self.pool);
        let draft = Draft { key, pool, room: self.room.handle().clone() };
        Ok(Box::new(Writer { draft, hash: Sha256::new(), size: 0, parts: 0, rest: BytesMut::new() }))
    }

    async fn blob_part(&self, hash: BlobHash, from: u64, most: usize) -> Result<Option<Bytes>, StoreError> {
        let sql = "SELECT key, size FROM blobs WHERE hash = $1";
        let part = PART as u64;
        self.pool()
            .with(async |session| {
                let Some(row) = session.find(sql, &[&&hash.0[..]]).await? else { return Ok(None) };
                let (key, size): (i64, u64) = (row.try_get(0)?, count(&row, 1)?);
                let end = from.saturating_add(most as u64).min(size);
                let mut bytes = BytesMut::new();
                let mut at = from;
                while at < end {
                    let (number, skip) = (at / part, at % part);
                    let len = (end - at).min(part - skip);
                    // These fit: they lie within a part.
                    let (skip, wanted) = (skip as i32 + 1, len as i32);
                    let sql = "SELECT substr(bytes, $3, $4) FROM blob_parts WHERE blob = $1 AND at = $2";
                    let row = session.find(sql, &[&key, &crate::columns::unsigned(number), &skip, &wanted]).await?;
                    let found: Vec<u8> = row.map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
                    if found.len() as u64 != len {
                        return Err(StoreError::Damaged(format!("a part of blob {hash} is missing")).into());
                    }
                    bytes.extend_from_slice(&found);
                    at += len;
                }
                Ok(Some(bytes.freeze()))
            })
            .await
    }

    async fn renew_blob(&self, hash: BlobHash) -> Result<bool, StoreError> {
        let sql = "UPDATE blobs SET put_at = now() WHERE hash = $1";
        self.writing()?.with(async |session| Ok(session.execute(sql, &[&&hash.0[..]]).await? > 0)).await
    }
}

/// A new draft.
async fn begin(session: &Session) -> Work<i64> {
    Ok(session.one("INSERT INTO blob_drafts DEFAULT VALUES RETURNING key", &[]).await?.try_get(0)?)
}

async fn put_part(session: &Session, key: i64, at: i64, part: &Raw) -> Work<()> {
    // Where the connection is lost, a part may be put twice.
    let sql = "INSERT INTO blob_parts (blob, at, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    session.execute(sql, &[&key, &at, part]).await.map(drop)
}

/// Makes a draft the blob, unless there is one already.
async fn finish(session: &Session, key: i64, hash: BlobHash, size: u64) -> Work<()> {
    let sql = "INSERT INTO blobs (hash, key, size, put_at) VALUES ($1, $2, $3, now()) \
               ON CONFLICT (hash) DO UPDATE SET put_at = now() RETURNING key";
    let row = session.one(sql, &[&&hash.0[..], &key, &crate::columns::unsigned(size)]).await?;
    if row.try_get::<_, i64>(0)? != key {
        session.execute("DELETE FROM blob_parts WHERE blob = $1", &[&key]).await?;
    }
    session.execute("DELETE FROM blob_drafts WHERE key = $1", &[&key]).await.map(drop)
}

/// Parts that belong to no blob yet. Dropping this drops them.
struct Draft {
    key: i64,
    pool: Arc<Pool>,
    room: tokio::runtime::Handle,
}

impl Drop for Draft {
    fn drop(&mut self) {
        let (key, pool) = (self.key, Arc::clone(&self.pool));
        self.room.spawn(async move {
            let dropping = pool.with(async |session| {
                let drop_draft = async {
                    let sql = "DELETE FROM blob_drafts WHERE key = $1 RETURNING key";
                    // What was finished is a draft no more.
                    if session.find(sql, &[&key]).await?.is_some() {
                        session.execute("DELETE FROM blob_parts WHERE blob = $1", &[&key]).await?;
                    }
                    Ok(())
                };
                session.transact("BEGIN", drop_draft).await
            });
            if let Err(error) = dropping.await {
                tracing::debug!(%error, "a draft of a blob stays until it is swept");
            }
        });
    }
}

struct Writer {
    draft: Draft,
    hash: Sha256,
    size: u64,
    parts: i64,
    rest: BytesMut,
}

impl Writer {
    async fn put(&mut self, part: Bytes) -> Result<(), StoreError> {
        let (key, at, part) = (self.draft.key, self.parts, Raw(part));
        self.draft.pool.with(async |session| put_part(&session, key, at, &part).await).await?;
        self.parts += 1;
        Ok(())
    }
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.hash.update(&bytes);
        self.size += bytes.len() as u64;
        self.rest.extend_from_slice(&bytes);
        while self.rest.len() >= PART {
            let part = self.rest.split_to(PART).freeze();
            self.put(part).await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobHash, StoreError> {
        if !self.rest.is_empty() {
            let rest = self.rest.split().freeze();
            self.put(rest).await?;
        }
        let hash = BlobHash(std::mem::take(&mut self.hash).finalize().into());
        let (key, size) = (self.draft.key, self.size);
        self.draft
            .pool
            .with(async |session| session.transact("BEGIN", finish(&session, key, hash, size)).await)
            .await?;
        Ok(hash)
    }
}
