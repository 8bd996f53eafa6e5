//! The PostgreSQL store keeps the contract on a real server, and what it promises beyond it: lost connections,
//! restarts, owners that fight, servers that are not what they were.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

mod order;
mod outage;
mod owner;
mod refusal;
mod support;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{FlowHash, RunId, RunStatus, Timestamp};
use drawloom_store::{
    Append, Claim, Entry, Follows, Journal as _, RunAppend, RunHead, RunReader as _, RunState, Store, StoreError,
    Upkeep as _,
    conformance::{self, Place},
};
use drawloom_store_postgres::{Access, Durability};

use support::{Server, Spot};

struct Fresh(Spot, Durability);

#[async_trait]
impl Place for Fresh {
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(self.0.try_open(Access::Write(self.1))?))
    }
}

async fn conforms(durability: Durability) {
    let places = std::sync::Mutex::new(Vec::new());
    conformance::all(&|| {
        let spot = Server::shared().place();
        places.lock().unwrap().push(spot.clone());
        Box::new(Fresh(spot, durability))
    })
    .await;
    let places = std::mem::take(&mut *places.lock().unwrap());
    for it in places {
        it.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_postgres_store_conforms() {
    conforms(Durability::Full).await;
}

#[tokio::test]
async fn the_relaxed_postgres_store_conforms() {
    conforms(Durability::Relaxed).await;
}

/// The row of a run is not written each time that facts are; what it says is true all the same.
#[tokio::test]
async fn rows_count_all_facts_at_any_time() {
    let place = Server::shared().place();
    let mut store = place.open();
    let mut claim = store.claim("owner").await.unwrap();
    let mut bytes = 0;
    for after in 0..150 {
        let text = format!("fact {after}");
        bytes += text.len() as u64;
        append(&store, claim, vec![fact(run(1), after, text)]).await.unwrap();
        if after % 40 == 7 {
            // Another process knows nothing of what this one has written itself.
            drop(store);
            store = place.open();
            claim = store.claim("owner").await.unwrap();
        }
        if after % 10 == 0 {
            assert_eq!(store.run(run(1)).await.unwrap().unwrap().last_seq, after + 1);
            let info = store.info().await.unwrap();
            assert_eq!((info.flows[0].facts, info.flows[0].fact_bytes), (after + 1, bytes));
        }
    }
    let mut end = fact(run(1), 150, "end");
    end.state = RunState { status: RunStatus::Failed, ended_at: Some(Timestamp(9)), ..RunState::default() };
    append(&store, claim, vec![end]).await.unwrap();
    let info = store.info().await.unwrap();
    assert_eq!((info.flows[0].facts, info.flows[0].fact_bytes), (151, bytes + 3));
    assert_eq!(store.run(run(1)).await.unwrap().unwrap().last_seq, 151);
    drop(store);
    place.drop().await;
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
