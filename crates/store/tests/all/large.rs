//! Stores that hold more than is listed at a time: what stands on a later page is copied and checked too.

use bytes::Bytes;
use drawloom_blueprint::{Blueprint, Fact, FlowHash, Move, RunId, RunStatus, Scope, Started, StepIx, Timestamp, Value};
use drawloom_store::{
    Append, Blobs as _, Catalog as _, Entry, Follows, Journal as _, LogAppend, LogLine, LogPlace, LogQuery, LogSource,
    LogStream, Logs as _, MemoryStore, PAGE_ITEMS, Publish, ResultCache as _, RunAppend, RunHead, RunReader as _,
    RunState, Secrets as _, Upkeep as _,
    copy::{Copied, copy},
};

/// More than a copy or a check asks for at a time.
const MANY: u64 = 501;

fn blueprint(n: u64) -> Bytes {
    let root = Scope { owner: None, name: String::new(), first: StepIx(0), len: 0, last: None };
    Blueprint { flow: format!("f{n}"), scopes: vec![root], ..Blueprint::default() }.encode().into()
}

/// A run that has begun.
pub(crate) fn run(n: u64, version: FlowHash) -> RunAppend {
    let run = RunId(u128::from(n));
    let started = Started {
        run,
        flow: "f".to_owned(),
        version,
        number: None,
        inputs: Value::Null,
        trigger: Value::Null,
        seed: 0,
        parent: None,
        labels: [].into(),
        concurrency_key: None,
        forked_from: None,
        depth: 0,
    };
    let head = RunHead {
        flow: "f".to_owned(),
        version,
        number: None,
        labels: [].into(),
        started_at: Timestamp(0),
        parent: None,
        concurrency_key: None,
        idempotency_key: None,
    };
    let fact = Fact { moves: vec![Move::Started(Box::new(started))] };
    let facts = vec![Entry { at: Timestamp(0), fact: fact.encode().into() }];
    let state = RunState { status: RunStatus::Running, ..RunState::default() };
    RunAppend { run, follows: Follows::Nothing(Box::new(head)), facts, state, blobs: Vec::new() }
}

async fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    let claim = store.claim("test").await.unwrap();
    let mut hash = FlowHash([0; 32]);
    for n in 0..MANY {
        hash = store.put_version(blueprint(n), None).await.unwrap();
        let publish = Publish { flow: format!("f{n}"), hash, note: String::new(), at: Timestamp(0) };
        store.publish(publish).await.unwrap();
        store.put_secret(&format!("s{n}"), Bytes::from_static(b"sealed"), Timestamp(0)).await.unwrap();
        store.put_blob(n.to_string().into()).await.unwrap();
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_le_bytes());
        store.put_cached(&key, Bytes::from_static(b"output"), Timestamp(0)).await.unwrap();
    }
    store.append(Append { claim, runs: (0..MANY).map(|n| run(n, hash)).collect() }).await.unwrap();
    store
}

#[tokio::test]
async fn what_stands_on_a_later_page_is_copied() {
    let copied = copy(&filled().await, &MemoryStore::new(), &mut |_| ()).await.unwrap();
    let wanted = Copied {
        versions: MANY,
        published: MANY,
        secrets: MANY,
        cached: MANY,
        blobs: MANY,
        runs: MANY,
        facts: MANY,
        lines: 0,
    };
    assert_eq!(copied, wanted);
}

#[tokio::test]
async fn what_stands_on_a_later_page_is_checked() {
    let store = filled().await;
    assert_eq!(store.check(10).await, Ok(Vec::new()));
    let claim = store.claim("test").await.unwrap();
    let known = store.versions(None, 1).await.unwrap()[0];
    // The oldest run is looked at last.
    let mut row = store.run(RunId(0)).await.unwrap().unwrap();
    row.state.ended_at = Some(Timestamp(1));
    let change =
        RunAppend { run: RunId(0), follows: Follows::Seq(1), facts: Vec::new(), state: row.state, blobs: Vec::new() };
    store.append(Append { claim, runs: vec![change] }).await.unwrap();
    // So is the version with the greatest hash.
    let garbage: Vec<Bytes> = (0..5_000_u64).map(|n| n.to_be_bytes().to_vec().into()).collect();
    let greatest = garbage.iter().max_by_key(|it| FlowHash::of(it)).expect("there are some");
    let greatest = store.put_version(greatest.clone(), None).await.unwrap();
    assert!(greatest > known);
    let findings = store.check(10).await.unwrap();
    let about: Vec<&str> = findings.iter().map(|it| it.about.as_str()).collect();
    assert_eq!(about, [format!("version {greatest}"), RunId(0).to_string()], "{findings:?}");
    assert_eq!(store.check(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_whose_version_is_missing_is_found() {
    let store = MemoryStore::new();
    let claim = store.claim("test").await.unwrap();
    let (there, missing) = (store.put_version(blueprint(0), None).await.unwrap(), FlowHash([7; 32]));
    store.append(Append { claim, runs: vec![run(1, there), run(2, missing)] }).await.unwrap();
    let findings = store.check(10).await.unwrap();
    let about: Vec<&str> = findings.iter().map(|it| it.about.as_str()).collect();
    assert_eq!(about, [RunId(2).to_string()], "{findings:?}");
    assert!(findings[0].message.contains(&missing.to_string()), "{findings:?}");
}

#[tokio::test]
async fn the_later_pages_of_one_run_are_copied_and_checked() {
    let store = MemoryStore::new();
    let claim = store.claim("test").await.unwrap();
    let version = store.put_version(blueprint(0), None).await.unwrap();
    let mut long = run(1, version);
    let nothing = Fact { moves: Vec::new() };
    let further = (0..PAGE_ITEMS).map(|_| Entry { at: Timestamp(0), fact: nothing.encode().into() });
    long.facts.extend(further);
    store.append(Append { claim, runs: vec![long] }).await.unwrap();
    let source = LogSource { run: RunId(1), path: "a".to_owned(), attempt: 1 };
    // Pages end within what was appended at once.
    let each = PAGE_ITEMS as u64 * 2 / 3;
    for part in 0..4 {
        let line = |seq| LogLine { seq, stream: LogStream::Stdout, at: Timestamp(0), text: String::new() };
        let lines = (part * each + 1..=(part + 1) * each).map(line).collect();
        store.append_logs(vec![LogAppend { source: source.clone(), lines }]).await.unwrap();
    }
    let to = MemoryStore::new();
    let copied = copy(&store, &to, &mut |_| ()).await.unwrap();
    assert_eq!((copied.facts, copied.lines), (PAGE_ITEMS as u64 + 1, 4 * each));
    let (query, mut last) = (LogQuery { run: RunId(1), path: None, attempt: None }, LogPlace::default());
    let mut lines = 0;
    while let page = to.read_logs(&query, last, PAGE_ITEMS).await.unwrap()
        && let Some(it) = page.last()
    {
        last = it.place;
        lines += page.len() as u64;
    }
    assert_eq!(lines, 4 * each, "they are there, too");
    assert_eq!(store.check(10).await, Ok(Vec::new()));

    let claim = store.claim("test").await.unwrap();
    let mut garbage = run(1, version);
    garbage.follows = Follows::Seq(PAGE_ITEMS as u64 + 1);
    garbage.facts = vec![Entry { at: Timestamp(0), fact: Bytes::from_static(b"garbage") }];
    store.append(Append { claim, runs: vec![garbage] }).await.unwrap();
    assert_eq!(store.check(10).await.unwrap().len(), 1, "its last fact cannot be read");
}
