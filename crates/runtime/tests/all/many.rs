//! A store with more runs than are read at a time, and with some that cannot be read.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use drawloom_blueprint::{FlowHash, RunId, RunStatus, Timestamp, Value};
use drawloom_runtime::{Error, Recover, Start, Which};
use drawloom_store::{Append, Entry, Follows, RunAppend, RunHead, RunState, Store};

use crate::world::{Within, flow, memory};

/// More than are read at a time.
pub(crate) const MANY: u128 = 10_050;

/// A run whose facts nobody can read.
pub(crate) fn row(run: RunId, flow: &str, version: FlowHash) -> RunAppend {
    let head = RunHead {
        flow: flow.to_owned(),
        version,
        number: None,
        labels: [].into(),
        started_at: Timestamp(0),
        parent: None,
        concurrency_key: None,
        idempotency_key: None,
    };
    let facts = vec![Entry { at: Timestamp(0), fact: Bytes::from_static(b"garbage") }];
    let state = RunState { status: RunStatus::Running, ..RunState::default() };
    RunAppend { run, follows: Follows::Nothing(Box::new(head)), facts, state, blobs: Vec::new() }
}

pub(crate) async fn fill(store: &dyn Store, runs: Vec<RunAppend>) {
    let claim = store.claim("test").await.unwrap();
    store.append(Append { claim, runs }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_runs_are_found_again_and_hold_their_slots() {
    let world = memory();
    let store = world.store().await;
    let text = "
name: limited
limits: { concurrency: { max: 10050, when_full: reject } }
steps: [ { id: a, uses: probe, with: {} } ]
";
    let blueprint = flow(text);
    let version = store.put_version(blueprint.encode().into(), None).await.unwrap();
    fill(&*store, (1..=MANY).map(|n| row(RunId(n), "limited", version)).collect()).await;
    let loom = world.open().await;
    assert_eq!(loom.recover(Recover::All).await.unwrap().len() as u128, MANY);
    let which = Which::Blueprint { blueprint: Arc::clone(&blueprint), source: None };
    let refused = loom.start(Start::of(which, Value::Null)).soon().await;
    assert!(matches!(refused, Err(Error::Full { max: 10_050, .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_something_of_a_run_that_cannot_be_read_is_told() {
    let world = memory();
    let store = world.store().await;
    let version =
        store.put_version(flow("name: f\nsteps: [ { id: a, wait: 1h } ]\n").encode().into(), None).await.unwrap();
    fill(&*store, vec![row(RunId(1), "f", version)]).await;
    let loom = world.recover().await;
    for _ in 0..2 {
        let asked = tokio::time::timeout(Duration::from_secs(30), loom.signal(RunId(1), "x", Value::Null)).await;
        assert!(matches!(asked, Ok(Err(Error::Damaged { .. }))), "{asked:?}");
    }
}
