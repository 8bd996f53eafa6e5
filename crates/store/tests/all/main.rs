//! The memory store keeps the contract.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

mod folder;
mod large;
mod tampered;

use std::sync::Arc;

use async_trait::async_trait;
use drawloom_store::{
    MemoryStore, Store, StoreError,
    conformance::{self, Place},
};

/// The content of a memory store, which handles come and go on.
struct Memory(MemoryStore);

#[async_trait]
impl Place for Memory {
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(self.0.reopen()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_store_conforms() {
    conformance::all(&|| Box::new(Memory(MemoryStore::new()))).await;
}
