//! The SQLite store keeps the contract, and what it promises beyond it: crashes, owners, copies, full disks.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

mod at_once;
mod backup;
mod crash;
mod damage;
mod limits;
mod owner;
mod upkeep;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{FlowHash, RunId, RunStatus, Timestamp};
use drawloom_store::{
    Append, Claim, Entry, Follows, RunAppend, RunHead, RunState, Store, StoreError,
    conformance::{self, Place},
};
use drawloom_store_sqlite::{Access, Durability, SqliteStore};
use tempfile::TempDir;

/// A folder of its own for each scenario.
struct Folder(TempDir, Durability);

impl Folder {
    fn new(durability: Durability) -> Self {
        Self(TempDir::new().unwrap(), durability)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("deep/store.db")
    }
}

#[async_trait]
impl Place for Folder {
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(SqliteStore::open(&self.path(), Access::Write(self.1))?))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sqlite_store_conforms() {
    conformance::all(&|| Box::new(Folder::new(Durability::Full))).await;
}

#[tokio::test]
async fn the_relaxed_sqlite_store_conforms() {
    conformance::all(&|| Box::new(Folder::new(Durability::Relaxed))).await;
}

fn open(path: &std::path::Path) -> SqliteStore {
    SqliteStore::open(path, Access::Write(Durability::Full)).unwrap()
}

fn run(n: u64) -> RunId {
    RunId((u128::from(1_700_000_000_000 + n) << 80) | u128::from(n))
}

/// One fact of a run, which is new where `after` is 0.
fn fact(run: RunId, after: u64, fact: impl Into<Bytes>) -> RunAppend {
    let head = RunHead {
        flow: "f".to_owned(),
        version: FlowHash([7; 32]),
        number: None,
        labels: [("l".to_owned(), "v".to_owned())].into(),
        started_at: Timestamp(0),
        parent: None,
        concurrency_key: None,
        idempotency_key: None,
    };
    let follows = if after == 0 { Follows::Nothing(Box::new(head)) } else { Follows::Seq(after) };
    let state = RunState { status: RunStatus::Running, in_flight: 1, ..RunState::default() };
    let facts = vec![Entry { at: Timestamp(after as i64), fact: fact.into() }];
    RunAppend { run, follows, facts, state, blobs: Vec::new() }
}

async fn append(store: &dyn Store, claim: Claim, runs: Vec<RunAppend>) -> Result<(), StoreError> {
    store.append(Append { claim, runs }).await
}

async fn count(store: &dyn Store, run: RunId) -> u64 {
    let mut last = 0;
    while let Some(it) = store.facts(run, last).await.unwrap().last() {
        last = it.seq;
    }
    last
}
