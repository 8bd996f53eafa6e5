//! The PostgreSQL store keeps the contract on a real server, and what it promises beyond it: lost connections,
//! restarts, owners that fight, servers that are not what they were.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

mod damage;
mod order;
mod outage;
mod owner;
mod reconnect;
mod refusal;
mod support;
mod sweep;
mod trouble;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{FlowHash, RunId, RunStatus, Timestamp};
use drawloom_store::{
    Append, Blobs as _, Claim, Entry, Follows, Journal as _, Keep, LogAppend, LogLine, LogSource, LogStream, Logs as _,
    Prune, Pruned, RunAppend, RunHead, RunReader as _, RunState, Store, StoreError, Upkeep as _,
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

/// More rows than are asked for at once, all of which fit into a page.
#[tokio::test]
async fn facts_in_many_rows_are_read_once_each() {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    let mut many = fact(run(1), 0, vec![1; 2000]);
    many.facts = vec![many.facts[0].clone(); 1100];
    append(&store, claim, vec![many]).await.unwrap();
    let (mut seen, mut last) = (Vec::new(), 0);
    while let page = store.facts(run(1), last).await.unwrap()
        && let Some(it) = page.last()
    {
        last = it.seq;
        seen.extend(page.iter().map(|it| it.seq));
    }
    assert!(seen.iter().copied().eq(1..=1100), "{seen:?}");
    drop(store);
    place.drop().await;
}

/// What was deleted leaves no row behind, and a blob goes when it is old and no run refers to it.
#[tokio::test]
async fn what_goes_leaves_nothing_in_the_database() {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    let [used, gone, young] = ["of an open run", "of a run that ends", "of a run to come"];
    let used = store.put_blob(used.into()).await.unwrap();
    let gone = store.put_blob(gone.into()).await.unwrap();
    let mut open_run = fact(run(1), 0, "first");
    open_run.blobs.push(used);
    let mut ended = fact(run(2), 0, "first");
    ended.blobs.push(gone);
    ended.state = RunState { status: RunStatus::Failed, ended_at: Some(Timestamp(9)), ..RunState::default() };
    append(&store, claim, vec![open_run, ended]).await.unwrap();
    let source = LogSource { run: run(2), path: "a".to_owned(), attempt: 1 };
    let line = LogLine { seq: 1, stream: LogStream::Stdout, at: Timestamp(0), text: "line".to_owned() };
    store.append_logs(vec![LogAppend { source, lines: vec![line] }]).await.unwrap();
    let client = place.client().await;
    client.batch_execute("UPDATE blobs SET put_at = now() - interval '2 hours'").await.unwrap();
    let young = store.put_blob(young.into()).await.unwrap();
    let prune = |keep| Prune { flow: None, keep: Keep::Last(keep), now: Timestamp(10), limit: 100 };
    assert_eq!(store.prune(prune(1)).await, Ok(Pruned::default()), "both are referred to");
    assert_eq!(store.prune(prune(0)).await, Ok(Pruned { runs: 1, facts: 1, blobs: 1 }));
    for (blob, is_there) in [(used, true), (gone, false), (young, true)] {
        assert_eq!(store.has_blob(blob).await, Ok(is_there));
    }
    for (table, wanted) in
        [("runs", 1), ("facts", 1), ("run_labels", 1), ("run_blobs", 1), ("log_sources", 0), ("log_batches", 0)]
    {
        let there: i64 = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0);
        assert_eq!(there, wanted, "{table}");
    }
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
