//! Blobs in memory.

use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;

use super::MemoryStore;
use crate::{BlobHash, Blobs, StoreError};

#[async_trait]
impl Blobs for MemoryStore {
    async fn put_blob(&self, bytes: Bytes) -> Result<BlobHash, StoreError> {
        let hash = BlobHash::of(&bytes);
        // Putting a blob again makes it young again, so that it is not swept before a run refers to it.
        self.content()?.blobs.insert(hash, (bytes, Instant::now()));
        Ok(hash)
    }

    async fn blob(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        Ok(self.content()?.blobs.get(&hash).map(|(bytes, _)| bytes.clone()))
    }

    async fn has_blob(&self, hash: BlobHash) -> Result<bool, StoreError> {
        Ok(self.content()?.blobs.contains_key(&hash))
    }

    async fn blobs(&self, after: Option<BlobHash>, limit: usize) -> Result<Vec<BlobHash>, StoreError> {
        let content = self.content()?;
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        Ok(content.blobs.range((from, std::ops::Bound::Unbounded)).map(|(hash, _)| *hash).take(limit).collect())
    }
}
