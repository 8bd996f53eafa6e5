//! Secrets and cached results in memory.

use std::ops::Bound;

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::Timestamp;

use super::MemoryStore;
use crate::{CachedRow, PAGE_BYTES, ResultCache, SecretRow, Secrets, StoreError};

#[async_trait]
impl Secrets for MemoryStore {
    async fn put_secret(&self, name: &str, sealed: Bytes, at: Timestamp) -> Result<(), StoreError> {
        self.content()?.secrets.insert(name.to_owned(), (sealed, at));
        Ok(())
    }

    async fn secret(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.content()?.secrets.get(name).map(|(sealed, _)| sealed.clone()))
    }

    async fn secrets(&self) -> Result<Vec<SecretRow>, StoreError> {
        let content = self.content()?;
        let rows = content.secrets.iter();
        Ok(rows.map(|(name, (_, at))| SecretRow { name: name.clone(), updated_at: *at }).collect())
    }

    async fn delete_secret(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.content()?.secrets.remove(name).is_some())
    }
}

#[async_trait]
impl ResultCache for MemoryStore {
    async fn cached(&self, key: &[u8; 32], now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        let content = self.content()?;
        Ok(content.cache.get(key).filter(|(_, expires)| *expires > now).map(|(output, _)| output.clone()))
    }

    async fn put_cached(&self, key: &[u8; 32], output: Bytes, expires: Timestamp) -> Result<(), StoreError> {
        self.content()?.cache.insert(*key, (output, expires));
        Ok(())
    }

    async fn drop_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut content = self.content()?;
        let expired = content.cache.iter().filter(|(_, (_, expires))| *expires <= now).map(|(key, _)| *key);
        let expired: Vec<_> = expired.take(limit).collect();
        for key in &expired {
            content.cache.remove(key);
        }
        Ok(expired.len())
    }

    async fn all_cached(&self, after: Option<[u8; 32]>, limit: usize) -> Result<Vec<CachedRow>, StoreError> {
        let content = self.content()?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rows = Vec::new();
        let mut bytes = 0;
        for (key, (output, expires)) in content.cache.range((from, Bound::Unbounded)).take(limit) {
            bytes += output.len();
            if bytes > PAGE_BYTES && !rows.is_empty() {
                break;
            }
            rows.push(CachedRow { key: *key, output: output.clone(), expires: *expires });
        }
        Ok(rows)
    }
}
