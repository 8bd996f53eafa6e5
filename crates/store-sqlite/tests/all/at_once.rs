//! Appends that are written by the thread that brings them.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use drawloom_store::{Append, Journal as _, StoreError, Upkeep as _};
use drawloom_store_sqlite::{Access, Durability, SqliteStore};
use tempfile::TempDir;

use super::{count, fact, open, run};

/// Whether the outcome is there without waiting; it is awaited otherwise.
async fn is_there(commit: impl Future<Output = Result<(), StoreError>>) -> bool {
    let mut commit = pin!(commit);
    match commit.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome.map(|()| true).unwrap(),
        Poll::Pending => commit.await.map(|()| false).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_append_that_finds_the_desk_free_is_committed_on_return() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("store.db"));
    let claim = store.claim("test").await.unwrap();
    let start = Instant::now();
    let mut after = 0;
    for round in 0..3 {
        // The thread of the store has work, alone and shared, and is free again some time after.
        let many = |n: u64| (0..8).map(move |it| fact(run(100 * round + 10 * n + it + 10), 0, "one")).collect();
        let shared: Vec<_> = (0..8).map(|n| store.append(Append { claim, runs: many(n) })).collect();
        for it in shared {
            it.await.unwrap();
        }
        loop {
            let small = store.append(Append { claim, runs: vec![fact(run(1), after, "one")] });
            after += 1;
            if is_there(small).await {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "it always goes by the thread");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert_eq!(count(&store, run(1)).await, after);
}

/// Another connection holds the file meanwhile, so that the first of them cannot be done before the last is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_are_there_before_a_commit_share_it_and_are_judged_one_by_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path);
    let claim = store.claim("test").await.unwrap();
    let before = store.info().await.unwrap().written.commits;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let many = |n: u64| -> Vec<_> { (0..8).map(|it| fact(run(10 * n + it), u64::from(n == 7), "one")).collect() };
    assert!(store.writes_early(), "and says so");
    let shared: Vec<_> = (0..20).map(|n| store.append(Append { claim, runs: many(n) })).collect();
    other.execute_batch("COMMIT").unwrap();
    for (n, it) in shared.into_iter().enumerate() {
        let outcome = it.await;
        // One of them follows facts that are not there.
        let is_right = if n == 7 { matches!(outcome, Err(StoreError::Conflict { .. })) } else { outcome.is_ok() };
        assert!(is_right, "{n}: {outcome:?}");
    }
    let info = store.info().await.unwrap();
    assert_eq!((info.written.commits - before, info.written.rows), (1, 19 * 8));
}

/// The thread of a relaxed store sleeps until its next flush is due, so it must know of each append.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relaxed_append_is_left_to_the_thread_that_flushes_it() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), Access::Write(Durability::Relaxed)).unwrap();
    let claim = store.claim("test").await.unwrap();
    let mut at_once = 0;
    for after in 0..40 {
        at_once += u32::from(is_there(store.append(Append { claim, runs: vec![fact(run(1), after, "one")] })).await);
    }
    // The thread may be quick now and then.
    assert!(at_once < 20, "{at_once} of 40 were committed on return");
}
