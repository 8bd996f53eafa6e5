//! Data of attempts that is too large for a value: kept in the store as it comes, read back as it is needed.
//!
//! **Invariant:** a reference is given out once its blob is durable, and a fact with a reference names the blob to the
//! store, which then keeps it as long as the run. What no fact refers to is swept.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{ErrorClass, StepError, Value};
use drawloom_queue::{BlobRef, BlobSink, BlobSource, Blobs};
use drawloom_store::{BlobHash, BlobWriter, Store, StoreError};
use sha2::{Digest, Sha256};

/// How much of a blob is read at once.
const PART: usize = 256 * 1024;

/// The blobs of a store, as attempts see them.
pub(crate) struct Data(pub(crate) Arc<dyn Store>);

#[async_trait]
impl Blobs for Data {
    async fn create(&self) -> Result<Box<dyn BlobSink>, StepError> {
        let writer = self.0.new_blob().await.map_err(|it| failed(&it))?;
        Ok(Box::new(Sink { writer, size: 0 }))
    }

    async fn open(&self, blob: &BlobRef) -> Result<Box<dyn BlobSource>, StepError> {
        let gone =
            || StepError::invalid(format!("there is no blob {}, or not any more", blob.hash)).with_code("no_blob");
        let hash: BlobHash = blob.hash.parse().map_err(|_| gone())?;
        // The attempt may come from a run that is gone, and should find the blob until its end.
        if !self.0.renew_blob(hash).await.map_err(|it| failed(&it))? {
            return Err(gone());
        }
        Ok(Box::new(Source { store: Arc::clone(&self.0), hash, read: 0, digest: Sha256::new() }))
    }
}

struct Sink {
    writer: Box<dyn BlobWriter>,
    size: u64,
}

#[async_trait]
impl BlobSink for Sink {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StepError> {
        self.size += bytes.len() as u64;
        self.writer.write(bytes).await.map_err(|it| failed(&it))
    }

    async fn finish(self: Box<Self>) -> Result<BlobRef, StepError> {
        let hash = self.writer.finish().await.map_err(|it| failed(&it))?;
        Ok(BlobRef { hash: hash.to_string(), size: self.size })
    }
}

struct Source {
    store: Arc<dyn Store>,
    hash: BlobHash,
    read: u64,
    digest: Sha256,
}

#[async_trait]
impl BlobSource for Source {
    async fn next(&mut self) -> Result<Option<Bytes>, StepError> {
        let part = self.store.blob_part(self.hash, self.read, PART).await.map_err(|it| failed(&it))?;
        let damaged = |why| failed(&StoreError::Damaged(format!("blob {} {why}", self.hash)));
        let part = part.ok_or_else(|| damaged("is missing"))?;
        if part.is_empty() {
            let whole = BlobHash(self.digest.clone().finalize().into()) == self.hash;
            return if whole { Ok(None) } else { Err(damaged("holds other bytes")) };
        }
        self.digest.update(&part);
        self.read += part.len() as u64;
        Ok(Some(part))
    }
}

fn failed(error: &StoreError) -> StepError {
    let class = match error {
        StoreError::Damaged(_) => ErrorClass::Failed,
        _ => ErrorClass::Unavailable,
    };
    StepError::new(class, format!("the store: {error}")).with_code("blobs")
}

/// The blobs that a value refers to.
pub(crate) fn references(value: &Value) -> Vec<BlobHash> {
    let mut all = Vec::new();
    BlobRef::each(value, &mut |it| all.extend(it.hash.parse::<BlobHash>().ok()));
    all
}

#[cfg(test)]
mod tests {
    use drawloom_store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn what_was_written_is_read_again() {
        let data = Data(Arc::new(MemoryStore::new()));
        let mut sink = data.create().await.unwrap();
        let whole = Bytes::from(vec![7; PART + 10]);
        sink.write(whole.slice(..5)).await.unwrap();
        sink.write(whole.slice(5..)).await.unwrap();
        let blob = sink.finish().await.unwrap();
        assert_eq!(blob, BlobRef { hash: BlobHash::of(&whole).to_string(), size: whole.len() as u64 });
        let mut source = data.open(&blob).await.unwrap();
        let mut read = Vec::new();
        while let Some(part) = source.next().await.unwrap() {
            read.extend_from_slice(&part);
        }
        assert!(read == whole);
        let none = BlobRef { hash: BlobHash::of(b"not there").to_string(), size: 9 };
        assert_eq!(data.open(&none).await.err().unwrap().code.as_deref(), Some("no_blob"));
    }
}
