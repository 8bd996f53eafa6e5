//! A copy that is not what was copied is noticed, whatever it is that differs.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use drawloom_blueprint::{FlowHash, RunStatus, Timestamp};
use drawloom_store::{
    Append, Blobs as _, Catalog as _, Entry, Follows, Journal as _, LogAppend, LogLine, LogSource, LogStream,
    Logs as _, MemoryStore, Publish, ResultCache as _, RunAppend, RunState, Secrets as _, StoreError, Upkeep as _,
    copy::{Copied, CopyError, copy},
};

use crate::large::run;

/// Changes a store behind the back of who copies it.
type Tamper = fn(&MemoryStore);

/// What a memory store answers; it never waits.
fn now<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(it) => it,
        Poll::Pending => panic!("a memory store waits for nothing"),
    }
}

async fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    let claim = store.claim("test").await.unwrap();
    for text in ["one", "two"] {
        let hash = store.put_version(Bytes::from_static(text.as_bytes()), None).await.unwrap();
        let publish = Publish { flow: "f".to_owned(), hash, note: String::new(), at: Timestamp(0) };
        store.publish(publish).await.unwrap();
    }
    store.put_secret("s", Bytes::from_static(b"sealed"), Timestamp(0)).await.unwrap();
    store.put_cached(&[1; 32], Bytes::from_static(b"output"), Timestamp(0)).await.unwrap();
    store.put_blob(Bytes::from_static(b"blob")).await.unwrap();
    store.append(Append { claim, runs: vec![run(1, FlowHash([0; 32]))] }).await.unwrap();
    store.append_logs(vec![line("a")]).await.unwrap();
    store
}

fn line(path: &str) -> LogAppend {
    let source = LogSource { run: drawloom_blueprint::RunId(1), path: path.to_owned(), attempt: 1 };
    let line = LogLine { seq: 1, stream: LogStream::Stdout, at: Timestamp(0), text: "line".to_owned() };
    LogAppend { source, lines: vec![line] }
}

/// Adds to a run that was copied, or changes its row.
fn change(to: &MemoryStore, alter: impl FnOnce(&mut RunAppend)) {
    let claim = now(to.claim("somebody")).unwrap();
    let mut it = run(1, FlowHash([0; 32]));
    it.follows = Follows::Seq(1);
    alter(&mut it);
    now(to.append(Append { claim, runs: vec![it] })).unwrap();
}

/// Copies while somebody changes the copy as soon as all of it is there.
async fn tampered(tamper: Tamper) -> Result<Copied, CopyError> {
    let (from, to) = (filled().await, MemoryStore::new());
    let handle = to.reopen();
    let mut is_done = false;
    let mut progress = |done: &Copied| {
        if done.blobs == 1 && !std::mem::replace(&mut is_done, true) {
            tamper(&handle);
        }
    };
    copy(&from, &to, &mut progress).await
}

#[tokio::test]
async fn each_difference_is_noticed() {
    let cases: [(&str, Tamper); 7] = [
        ("the number of versions", |it| drop(now(it.put_version(Bytes::from_static(b"x"), None)))),
        ("the list of flows", |it| drop(now(it.activate("f", 1)))),
        ("the list of secrets", |it| drop(now(it.delete_secret("s")))),
        ("the secret `s`", |it| drop(now(it.put_secret("s", Bytes::from_static(b"other"), Timestamp(0))))),
        ("the cached results", |it| drop(now(it.put_cached(&[1; 32], Bytes::from_static(b"x"), Timestamp(0))))),
        ("the cached results", |it| drop(now(it.put_cached(&[1; 32], Bytes::from_static(b"output"), Timestamp(9))))),
        ("the number of blobs", |it| drop(now(it.put_blob(Bytes::from_static(b"x"))))),
    ];
    for (what, tamper) in cases {
        match tampered(tamper).await {
            Err(CopyError::Differs(message)) => assert!(message.starts_with(what), "{what}: {message}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    assert!(tampered(|_| ()).await.is_ok());
}

/// What differs in runs can only be brought about between their copy and the comparison: by the source itself.
#[tokio::test]
async fn each_difference_of_a_run_is_noticed() {
    let cases: [(&str, Tamper); 5] = [
        ("the number of runs in some state", |it| {
            let claim = now(it.claim("somebody")).unwrap();
            now(it.append(Append { claim, runs: vec![run(2, FlowHash([0; 32]))] })).unwrap();
        }),
        ("the row of run", |it| {
            change(it, |run| {
                run.facts.clear();
                run.state.error = Some("other".to_owned());
            });
        }),
        ("the row of run", |it| change(it, |_| ())),
        ("the blobs of run", |it| {
            change(it, |run| {
                run.facts.clear();
                run.blobs.push(drawloom_store::BlobHash([1; 32]));
            });
        }),
        ("the logs of run", |it| now(it.append_logs(vec![line("b")])).unwrap()),
    ];
    for (what, tamper) in cases {
        let (from, to) = (filled().await, MemoryStore::new());
        let handle = from.reopen();
        let mut progress = |done: &Copied| {
            if done.runs == 1 {
                tamper(&handle);
            }
        };
        match copy(&from, &to, &mut progress).await {
            Err(CopyError::Differs(message)) => assert!(message.starts_with(what), "{what}: {message}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

/// The oldest run is compared last.
#[tokio::test]
async fn a_difference_on_a_later_page_is_noticed() {
    const MANY: u64 = 501;
    let (from, to) = (MemoryStore::new(), MemoryStore::new());
    let claim = from.claim("test").await.unwrap();
    let runs = (1..=MANY).map(|n| run(n, FlowHash([0; 32]))).collect();
    from.append(Append { claim, runs }).await.unwrap();
    let handle = from.reopen();
    let mut progress = |done: &Copied| {
        if done.runs == MANY {
            change(&handle, |run| {
                run.facts.clear();
                run.state.error = Some("other".to_owned());
            });
        }
    };
    match copy(&from, &to, &mut progress).await {
        Err(CopyError::Differs(message)) => assert!(message.starts_with("the row of run"), "{message}"),
        other => panic!("{other:?}"),
    }
}

/// The same row above other facts: only a run that goes and comes back differs so.
#[tokio::test]
async fn each_difference_of_a_fact_is_noticed() {
    let ended = || {
        let mut it = run(1, FlowHash([0; 32]));
        it.state = RunState { status: RunStatus::Failed, ended_at: Some(Timestamp(1)), ..RunState::default() };
        it
    };
    let cases: [fn(&mut Entry); 3] = [
        |it| it.at = Timestamp(7),
        |it| it.fact = it.fact.iter().map(|byte| byte ^ 1).collect(),
        |it| it.fact = it.fact.slice(1..),
    ];
    for alter in cases {
        let (from, to) = (MemoryStore::new(), MemoryStore::new());
        let claim = from.claim("test").await.unwrap();
        from.append(Append { claim, runs: vec![ended()] }).await.unwrap();
        let handle = from.reopen();
        let mut progress = |done: &Copied| {
            if done.runs == 1 {
                let claim = now(handle.claim("somebody")).unwrap();
                now(handle.delete_run(ended().run)).unwrap();
                let mut other = ended();
                alter(&mut other.facts[0]);
                now(handle.append(Append { claim, runs: vec![other] })).unwrap();
            }
        };
        match copy(&from, &to, &mut progress).await {
            Err(CopyError::Differs(message)) => assert!(message.starts_with("the facts of run"), "{message}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_store_that_holds_anything_is_not_copied_to() {
    let cases: [(&str, Tamper); 5] = [
        ("a version", |it| drop(now(it.put_version(Bytes::from_static(b"x"), None)))),
        ("a secret", |it| now(it.put_secret("s", Bytes::from_static(b"x"), Timestamp(0))).unwrap()),
        ("a blob", |it| drop(now(it.put_blob(Bytes::from_static(b"x"))))),
        ("a result", |it| now(it.put_cached(&[1; 32], Bytes::from_static(b"x"), Timestamp(0))).unwrap()),
        ("a run", |it| {
            let claim = now(it.claim("somebody")).unwrap();
            now(it.append(Append { claim, runs: vec![run(1, FlowHash([0; 32]))] })).unwrap();
        }),
    ];
    for (what, fill) in cases {
        let to = MemoryStore::new();
        fill(&to);
        let refused = copy(&MemoryStore::new(), &to, &mut |_| ()).await;
        assert!(matches!(refused, Err(CopyError::Target(StoreError::Exists(_)))), "{what}: {refused:?}");
    }
}
