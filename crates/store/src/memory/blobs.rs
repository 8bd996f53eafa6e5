//! Blobs in memory.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Content, MemoryStore};
use crate::{BlobHash, BlobWriter, Blobs, StoreError};

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

    async fn new_blob(&self) -> Result<Box<dyn BlobWriter>, StoreError> {
        drop(self.content()?);
        Ok(Box::new(Writer { content: Arc::clone(&self.content), bytes: Vec::new() }))
    }

    async fn blob_part(&self, hash: BlobHash, from: u64, most: usize) -> Result<Option<Bytes>, StoreError> {
        let content = self.content()?;
        let Some((bytes, _)) = content.blobs.get(&hash) else { return Ok(None) };
        let from = usize::try_from(from).map_or(bytes.len(), |it| it.min(bytes.len()));
        Ok(Some(bytes.slice(from..from.saturating_add(most).min(bytes.len()))))
    }

    async fn renew_blob(&self, hash: BlobHash) -> Result<bool, StoreError> {
        let mut content = self.content()?;
        let found = content.blobs.get_mut(&hash).map(|(_, put_at)| *put_at = Instant::now());
        Ok(found.is_some())
    }

    async fn blobs(&self, after: Option<BlobHash>, limit: usize) -> Result<Vec<BlobHash>, StoreError> {
        let content = self.content()?;
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        Ok(content.blobs.range((from, std::ops::Bound::Unbounded)).map(|(hash, _)| *hash).take(limit).collect())
    }
}

/// A blob on its way, which takes memory here as everything does.
struct Writer {
    content: Arc<Mutex<Content>>,
    bytes: Vec<u8>,
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<BlobHash, StoreError> {
        let hash = BlobHash::of(&self.bytes);
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        content.blobs.insert(hash, (self.bytes.into(), Instant::now()));
        Ok(hash)
    }
}
