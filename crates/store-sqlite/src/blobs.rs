//! Blobs of an SQLite store: files in a folder beside it.

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_store::{BlobHash, BlobWriter, Blobs, StoreError};

use crate::SqliteStore;

#[async_trait]
impl Blobs for SqliteStore {
    async fn put_blob(&self, bytes: Bytes) -> Result<BlobHash, StoreError> {
        self.writer()?;
        self.readers.refuse_closed()?;
        self.blobs.put_blob(bytes).await
    }

    async fn blob(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        self.readers.refuse_closed()?;
        self.blobs.blob(hash).await
    }

    async fn has_blob(&self, hash: BlobHash) -> Result<bool, StoreError> {
        self.readers.refuse_closed()?;
        self.blobs.has_blob(hash).await
    }

    async fn new_blob(&self) -> Result<Box<dyn BlobWriter>, StoreError> {
        self.writer()?;
        self.readers.refuse_closed()?;
        self.blobs.new_blob().await
    }

    async fn blob_part(&self, hash: BlobHash, from: u64, most: usize) -> Result<Option<Bytes>, StoreError> {
        self.readers.refuse_closed()?;
        self.blobs.blob_part(hash, from, most).await
    }

    async fn renew_blob(&self, hash: BlobHash) -> Result<bool, StoreError> {
        self.writer()?;
        self.readers.refuse_closed()?;
        self.blobs.renew_blob(hash).await
    }

    async fn blobs(&self, after: Option<BlobHash>, limit: usize) -> Result<Vec<BlobHash>, StoreError> {
        self.readers.refuse_closed()?;
        self.blobs.blobs(after, limit).await
    }
}
