//! Short ways to say what a scenario needs.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use drawloom_blueprint::{Fact, FlowHash, Move, RunEnd, RunId, RunStatus, Started, Timestamp, Value};

use super::Place;
use crate::{
    Append, Claim, Entry, Follows, Record, RunAppend, RunFilter, RunHead, RunRow, RunState, Store, StoreError,
};

/// Texts that a store may be tempted to treat specially.
pub(super) const WEIRD: &[&str] = &[
    "",
    " ",
    "'; DROP TABLE runs; --",
    "\0",
    "a\0b",
    "a%_b*?[",
    "\"quoted\\",
    "\u{feff}\u{200b}",
    "é",
    "e\u{301}",
    "\u{1F469}\u{200D}\u{1F680}",
    "NULL",
    "{\"json\": true}",
    "line\nbreak\r\ttab",
    "\u{10ffff}",
];

pub(super) async fn open(place: &dyn Place) -> Arc<dyn Store> {
    place.open().await.expect("the store opens")
}

pub(super) async fn claimed(place: &dyn Place) -> (Arc<dyn Store>, Claim) {
    let store = open(place).await;
    let claim = store.claim("conformance").await.expect("nobody else owns it");
    (store, claim)
}

/// The `n`th run; runs sort by `n` and spread over shards.
pub(super) fn run(n: u64) -> RunId {
    RunId((u128::from(1_700_000_000_000 + n) << 80) | u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

pub(super) fn entry(fact: impl Into<Bytes>) -> Entry {
    Entry { at: Timestamp(1_700_000_000_000_000), fact: fact.into() }
}

pub(super) fn head(flow: &str) -> RunHead {
    RunHead {
        flow: flow.to_owned(),
        version: FlowHash([7; 32]),
        number: None,
        labels: BTreeMap::new(),
        started_at: Timestamp(1_000_000),
        parent: None,
        concurrency_key: None,
        idempotency_key: None,
    }
}

pub(super) fn running() -> RunState {
    RunState { status: RunStatus::Running, in_flight: 1, ..RunState::default() }
}

pub(super) fn ended(status: RunStatus, at: i64) -> RunState {
    RunState { status, ended_at: Some(Timestamp(at)), ..RunState::default() }
}

/// A new run with one fact.
pub(super) fn start(run: RunId, head: RunHead) -> RunAppend {
    let facts = vec![entry("first")];
    RunAppend { run, follows: Follows::Nothing(Box::new(head)), facts, state: running(), blobs: Vec::new() }
}

/// So many further facts of a run.
pub(super) fn more(run: RunId, after: u64, count: u64) -> RunAppend {
    let facts = (1..=count).map(|it| entry(format!("fact {}", after.wrapping_add(it)))).collect();
    RunAppend { run, follows: Follows::Seq(after), facts, state: running(), blobs: Vec::new() }
}

/// A run that was started and ended with facts that can be read.
pub(super) fn whole(run: RunId, head: RunHead, status: RunStatus, ended_at: i64) -> RunAppend {
    let started = Started {
        run,
        flow: head.flow.clone(),
        version: head.version,
        number: None,
        inputs: Value::Null,
        trigger: Value::Null,
        seed: 0,
        parent: None,
        labels: BTreeMap::new(),
        concurrency_key: None,
        forked_from: None,
        depth: 0,
    };
    let end = RunEnd { status, outputs: Value::Null, error: None };
    let facts = [vec![Move::Started(Box::new(started))], vec![Move::Ended(Box::new(end))]];
    let facts = facts.map(|moves| entry(Fact { moves }.encode())).to_vec();
    let state = ended(status, ended_at);
    RunAppend { run, follows: Follows::Nothing(Box::new(head)), facts, state, blobs: Vec::new() }
}

pub(super) async fn append(store: &dyn Store, claim: Claim, runs: Vec<RunAppend>) -> Result<(), StoreError> {
    store.append(Append { claim, runs }).await
}

pub(super) async fn accept(store: &dyn Store, claim: Claim, runs: Vec<RunAppend>) {
    append(store, claim, runs).await.expect("the append is in order");
}

/// All facts of a run, page by page.
pub(super) async fn facts(store: &dyn Store, run: RunId) -> Vec<Record> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let after = all.last().map_or(0, |it| it.seq);
        let page = store.facts(run, after).await.expect("facts can be read");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

pub(super) async fn row(store: &dyn Store, run: RunId) -> RunRow {
    store.run(run).await.expect("rows can be read").expect("the run is there")
}

/// The runs for which `filter` holds, in pages of two.
pub(super) async fn list(store: &dyn Store, filter: &RunFilter) -> Vec<RunId> {
    let mut all: Vec<RunId> = Vec::new();
    loop {
        let page = store.runs(filter, all.last().copied(), 2).await.expect("rows can be read");
        all.extend(page.iter().map(|it| it.run));
        if page.len() < 2 {
            return all;
        }
    }
}
