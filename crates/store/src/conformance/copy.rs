//! Promises that a copy needs: what is read from one store can be written to another as it is.

use bytes::Bytes;
use drawloom_blueprint::{FlowHash, RunId, RunStatus, Timestamp};

use super::{
    Place,
    kit::{WEIRD, accept, claimed, facts, head, list, more, open, row, run, start, whole},
};
use crate::{
    BlobHash, Claim, Follows, LogAppend, LogLine, LogPlace, LogQuery, LogSource, LogStream, MemoryStore, PAGE_BYTES,
    Publish, RunFilter, RunHead, Store, StoreError,
    copy::{Copied, CopyError, copy},
};

pub(super) async fn everything_is_copied(place: &dyn Place) {
    let first = MemoryStore::new();
    let there = open(place).await;
    let back = MemoryStore::new();
    let (wanted, owner) = fill(&first).await;
    let first: &dyn Store = &first;
    let back: &dyn Store = &back;
    let mut told = 0;
    let copied = copy(first, &*there, &mut |_| told += 1).await.expect("the memory store can be copied");
    assert_eq!(copied, wanted);
    assert!(told > 1, "progress is told");
    let copied = copy(&*there, back, &mut |_| ()).await.expect("a copy can be copied");
    assert_eq!(copied, wanted);
    let runs = list(first, &RunFilter::default()).await;
    assert_eq!(list(back, &RunFilter::default()).await, runs);
    for it in runs {
        assert_eq!(row(back, it).await, row(first, it).await);
        assert_eq!(facts(back, it).await, facts(first, it).await);
        assert_eq!(lines(back, it).await, lines(first, it).await);
    }
    let hashes = first.versions(None, 100).await.expect("versions can be listed");
    for hash in hashes {
        assert_eq!(back.version(hash).await, first.version(hash).await, "with its source");
    }
    for flow in ["a", "b", "c'"] {
        let history = first.history(flow, None, 100).await;
        assert!(history.as_ref().is_ok_and(|it| !it.is_empty()));
        assert_eq!(back.history(flow, None, 100).await, history, "with notes and instants");
    }
    assert_eq!(back.secrets().await, first.secrets().await);
    assert_eq!(back.all_cached(None, 100).await, first.all_cached(None, 100).await);
    assert_eq!(back.blobs_of(run(2)).await, first.blobs_of(run(2)).await);
    assert_eq!(there.started_with("key").await, Ok(Some(run(2))), "a repeated start finds its run");
    assert_eq!(there.active("b").await.map(|it| it.map(|it| it.number)), Ok(Some(2)));
    let claim = there.claim("conformance").await.expect("nobody else owns it");
    accept(&*there, claim, vec![more(run(3), 3, 1)]).await;
    let fenced = first.append(crate::Append { claim: owner, runs: vec![more(run(3), 3, 1)] }).await;
    assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "who owned what was copied owns it no more: {fenced:?}");
}

pub(super) async fn only_into_an_empty_store(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let empty = MemoryStore::new();
    copy(&empty, &*store, &mut |_| ()).await.expect("nothing may be copied to nothing");
    let claim = Claim { epoch: store.claim("conformance").await.map_or(claim.epoch, |it| it.epoch) };
    accept(&*store, claim, vec![start(run(1), head("a"))]).await;
    let refused = copy(&empty, &*store, &mut |_| ()).await;
    assert!(matches!(refused, Err(CopyError::Target(StoreError::Exists(_)))), "{refused:?}");
    assert_eq!(list(&*store, &RunFilter::default()).await, [run(1)], "nothing was touched");
    let fenced = store.append(crate::Append { claim, runs: vec![more(run(1), 1, 1)] }).await;
    assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "{fenced:?}");
}

/// Some of everything, and the claim of who put it there.
async fn fill(store: &dyn Store) -> (Copied, Claim) {
    let claim = store.claim("conformance").await.expect("nobody else owns it");
    let mut hashes = Vec::new();
    for text in WEIRD {
        let source = if text.is_empty() { None } else { Some(*text) };
        hashes.push(store.put_version(Bytes::copy_from_slice(text.as_bytes()), source).await.expect("it is kept"));
        let sealed = Bytes::from(vec![1; text.len()]);
        store.put_secret(text, sealed, Timestamp(text.len() as i64)).await.expect("it is kept");
    }
    let published = [("a", 0), ("b", 1), ("b", 2), ("b", 1), ("c'", 3)];
    for (at, (flow, hash)) in published.into_iter().enumerate() {
        publish(store, flow, hashes[hash], at as i64).await;
    }
    store.activate("b", 2).await.expect("there is such a version");
    for n in 0..3_u8 {
        store.put_cached(&[n; 32], Bytes::from(vec![n; 10]), Timestamp(i64::from(n))).await.expect("it is kept");
    }
    let mut blobs = Vec::new();
    for size in [0, 10, 3_000_000] {
        blobs.push(store.put_blob(Bytes::from(vec![9; size])).await.expect("it is kept"));
    }
    runs(store, claim, blobs).await;
    let copied = Copied {
        versions: WEIRD.len() as u64,
        published: published.len() as u64,
        secrets: WEIRD.len() as u64,
        cached: 3,
        blobs: 3,
        runs: 603,
        facts: 2 + 2 + 3 + 600,
        lines: 5,
    };
    (copied, claim)
}

async fn publish(store: &dyn Store, flow: &str, hash: FlowHash, at: i64) {
    let publish = Publish { flow: flow.to_owned(), hash, note: format!("{at}"), at: Timestamp(at) };
    store.publish(publish).await.expect("it is published");
}

async fn runs(store: &dyn Store, claim: Claim, blobs: Vec<BlobHash>) {
    let ended = whole(run(1), head("a"), RunStatus::Failed, 7);
    let keyed = RunHead { idempotency_key: Some("key".to_owned()), parent: Some(run(1)), ..head("b") };
    let mut keyed = whole(run(2), keyed, RunStatus::Succeeded, 8);
    keyed.blobs = blobs;
    let mut large = start(run(3), head("b"));
    large.facts[0].fact = Bytes::from(vec![1; PAGE_BYTES]);
    let mut further = more(run(3), 1, 2);
    assert_eq!(further.follows, Follows::Seq(1));
    further.state.next_due = Some(Timestamp(99));
    accept(store, claim, vec![ended, keyed, large, further]).await;
    // More than are listed at a time.
    accept(store, claim, (10..610).map(|n| start(run(n), head("many"))).collect()).await;
    for (path, seq, text) in [("x", 1, "one"), ("y[0].z", 4, ""), ("x", 2, "two"), ("x", 7, "é"), ("y[0].z", 5, "\0")]
    {
        let source = LogSource { run: run(2), path: path.to_owned(), attempt: 1 };
        let line = LogLine { seq, stream: LogStream::Stderr, at: Timestamp(5), text: text.to_owned() };
        store.append_logs(vec![LogAppend { source, lines: vec![line] }]).await.expect("lines are kept");
    }
}

async fn lines(store: &dyn Store, run: RunId) -> Vec<(LogSource, LogLine)> {
    let query = LogQuery { run, path: None, attempt: None };
    let page = store.read_logs(&query, LogPlace::default(), 100).await.expect("logs can be read");
    page.into_iter().map(|it| (it.source, it.line)).collect()
}
