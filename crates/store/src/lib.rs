//! The store port: contracts, the memory store, the vault's cipher, and the conformance suite.
//!
//! A store keeps the journal (what happened in runs), an index of runs derived from it, the catalog (versions of
//! flows), and what belongs to them: secrets, cached results, blobs, logs. Each is a small trait; [`Store`] is all
//! of them. The sentences of the contracts are checked by the `conformance` suite on every store.
//!
//! **Invariant:** this crate knows no database and no runtime state. It never looks into a fact, except to verify it
//! on request.

pub mod admit;
mod blobs;
mod catalog;
pub mod conformance;
pub mod copy;
mod error;
pub mod files;
mod journal;
mod keep;
mod logs;
mod memory;
pub mod pack;
mod run;
mod shard;
mod upkeep;
pub mod vault;
pub mod verify;

pub use blobs::{BlobHash, BlobWriter, Blobs, FolderBlobs};
pub use catalog::{Catalog, FlowRow, Publish, Published, Version};
pub use error::StoreError;
pub use journal::{Append, Claim, Commit, DuePlace, Entry, Follows, Journal, Record, RunAppend, Unended};
pub use keep::{CachedRow, ResultCache, SecretRow, Secrets};
pub use logs::batch as log_batch;
pub use logs::{
    LINE_COST, LINE_MAX, LOG_MAX, LogAppend, LogLine, LogPlace, LogQuery, LogRecord, LogSource, LogStream, Logs,
};
pub use memory::MemoryStore;
pub use run::{IdPrefix, RunFilter, RunHead, RunReader, RunRow, RunState};
pub use shard::{Epoch, SHARDS, Shard};
pub use upkeep::{Finding, FlowSize, Keep, Prune, Pruned, StoreInfo, Upkeep, Written};

/// About how many bytes one page of facts or log lines holds.
pub const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// The most facts or log lines on one page.
pub const PAGE_ITEMS: usize = 10_000;

/// Everything a store does. An `Arc<dyn Store>` turns into an `Arc` of any of the parts.
pub trait Store: Journal + RunReader + Catalog + Secrets + ResultCache + Blobs + Logs + Upkeep {}

impl<T: Journal + RunReader + Catalog + Secrets + ResultCache + Blobs + Logs + Upkeep> Store for T {}
