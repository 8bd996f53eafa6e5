//! One process owns the file; others are told who it is, and may read.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use drawloom_blueprint::Timestamp;
use drawloom_store::{Journal as _, RunReader as _, Secrets as _, Store, StoreError, Upkeep as _};
use drawloom_store_sqlite::{Access, Durability, SqliteStore};
use tempfile::TempDir;

use super::{append, count, fact, open, run};

#[tokio::test]
async fn a_second_owner_is_refused_and_told_who_the_first_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let first = open(&path);
    let claim = first.claim("the first").await.unwrap();
    let second = open(&path);
    let Err(StoreError::Locked { place, holder }) = second.claim("the second").await else {
        panic!("the second owner is refused");
    };
    assert!(place.ends_with("store.db"));
    assert_eq!(holder, format!("process {} (the first)", std::process::id()));
    let stolen = append(&second, claim, vec![fact(run(1), 0, "stolen")]).await;
    assert!(matches!(stolen, Err(StoreError::ReadOnly(_))), "{stolen:?}");
    append(&first, claim, vec![fact(run(1), 0, "first")]).await.unwrap();
    first.close().await.unwrap();

    let newer = second.claim("the second").await.unwrap();
    assert!(newer.epoch > claim.epoch);
    append(&second, newer, vec![fact(run(1), 1, "second")]).await.unwrap();
    assert_eq!(count(&second, run(1)).await, 2);
}

#[tokio::test]
async fn the_next_owner_goes_on_behind_an_append_of_much() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let first = open(&path);
    let claim = first.claim("the first").await.unwrap();
    append(&first, claim, vec![fact(run(1), 0, "begun")]).await.unwrap();
    // Too much for one row of facts; and the state stays, so that the row of the run is not written.
    let mut much = fact(run(1), 1, vec![7; 100 * 1024]);
    much.facts = vec![much.facts[0].clone(); 5];
    append(&first, claim, vec![much]).await.unwrap();
    first.close().await.unwrap();

    let second = open(&path);
    assert_eq!(second.run(run(1)).await.unwrap().unwrap().last_seq, 6);
    let claim = second.claim("the second").await.unwrap();
    append(&second, claim, vec![fact(run(1), 6, "more")]).await.unwrap();
    assert_eq!(count(&second, run(1)).await, 7);
}

/// Where the lock means nothing, as its file was deleted or the file system has none, epochs keep owners apart.
#[tokio::test]
async fn an_owner_whose_lock_went_away_writes_nothing_more() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let first = open(&path);
    let claim = first.claim("the first").await.unwrap();
    append(&first, claim, vec![fact(run(1), 0, "first")]).await.unwrap();
    fs::remove_file(folder.path().join("store.db.lock")).unwrap();
    let second = open(&path);
    let newer = second.claim("the second").await.unwrap();
    append(&second, newer, vec![fact(run(1), 1, "second")]).await.unwrap();
    let late = append(&first, claim, vec![fact(run(1), 1, "late")]).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
    let again = first.claim("the first").await.unwrap();
    assert!(again.epoch > newer.epoch, "each claim counts");
    // What it remembers of the run is not so any more.
    let stale = append(&first, again, vec![fact(run(1), 1, "stale")]).await;
    assert!(matches!(stale, Err(StoreError::Conflict { .. })), "{stale:?}");
    append(&first, again, vec![fact(run(1), 2, "third")]).await.unwrap();
    assert_eq!(count(&second, run(1)).await, 3);
}

/// Who owns the store is asked once its file is held, not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_waited_for_the_next_one_to_claim_writes_nothing_more() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let first = open(&path);
    let claim = first.claim("the first").await.unwrap();
    append(&first, claim, vec![fact(run(1), 0, "first")]).await.unwrap();
    let next = rusqlite::Connection::open(&path).unwrap();
    next.execute_batch("BEGIN IMMEDIATE; UPDATE ownership SET epoch = epoch + 1").unwrap();
    let late = tokio::spawn(async move { append(&first, claim, vec![fact(run(1), 1, "late")]).await });
    // It waits for the file by now; where it does not yet, it is refused all the same.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    next.execute_batch("COMMIT").unwrap();
    let late = late.await.unwrap();
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
}

/// Not a test of its own: the other process of the next one.
#[tokio::test]
async fn other_process() {
    let Ok(path) = std::env::var("DRAWLOOM_TEST_OWN") else { return };
    let store = open(path.as_ref());
    let claim = store.claim("the other").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "there")]).await.unwrap();
    let mut out = std::io::stdout();
    out.write_all(b"owned\n").and_then(|()| out.flush()).unwrap();
    // Until it is killed.
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_owner_leaves_the_store_free() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "owner::other_process", "--nocapture"])
        .env("DRAWLOOM_TEST_OWN", &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(other.stdout.take().unwrap()).lines();
    assert!(lines.any(|it| it.unwrap().ends_with("owned")), "the other process owns the store");

    let store = open(&path);
    let Err(StoreError::Locked { holder, .. }) = store.claim("me").await else { panic!("it is owned") };
    assert_eq!(holder, format!("process {} (the other)", other.id()));
    assert_eq!(count(&store, run(1)).await, 1, "reading beside the owner works");
    other.kill().unwrap();
    other.wait().unwrap();
    let claim = store.claim("me").await.unwrap();
    append(&store, claim, vec![fact(run(1), 1, "mine")]).await.unwrap();
}

#[tokio::test]
async fn a_reader_reads_beside_the_owner_and_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let missing = SqliteStore::open(&path, Access::Read).err();
    assert!(matches!(missing, Some(StoreError::Missing(_))), "{missing:?}");
    assert!(!path.exists(), "reading creates nothing");

    let owner = open(&path);
    let claim = owner.claim("owner").await.unwrap();
    append(&owner, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let reader = SqliteStore::open(&path, Access::Read).unwrap();
    assert_eq!(count(&reader, run(1)).await, 1);
    append(&owner, claim, vec![fact(run(1), 1, "two")]).await.unwrap();
    assert_eq!(count(&reader, run(1)).await, 2, "a reader sees what is committed later");
    let refused: &dyn Store = &reader;
    assert!(matches!(refused.claim("reader").await, Err(StoreError::ReadOnly(_))));
    assert!(matches!(append(refused, claim, vec![]).await, Err(StoreError::ReadOnly(_))));
    assert!(matches!(refused.put_blob("x".into()).await, Err(StoreError::ReadOnly(_))));
    assert!(matches!(refused.delete_run(run(1)).await, Err(StoreError::ReadOnly(_))));
    drop(owner);
    assert!(reader.run(run(1)).await.unwrap().is_some(), "the owner may go");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_write_at_once_wait_for_each_other() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let (owner, beside) = (open(&path), open(&path));
    let claim = owner.claim("owner").await.unwrap();
    let writing = tokio::spawn(async move {
        for n in 0..100 {
            beside.put_secret(&format!("secret {n}"), "sealed".into(), Timestamp(n)).await.expect("it waits");
        }
    });
    for after in 0..100 {
        append(&owner, claim, vec![fact(run(1), after, "one")]).await.expect("it waits");
    }
    writing.await.unwrap();
    assert_eq!(count(&owner, run(1)).await, 100);
    assert_eq!(owner.secrets().await.unwrap().len(), 100);
}

#[test]
fn many_processes_may_make_the_store_at_once() {
    for _ in 0..5 {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        let start = std::sync::Arc::new(std::sync::Barrier::new(8));
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let (path, start) = (path.clone(), std::sync::Arc::clone(&start));
                std::thread::spawn(move || {
                    start.wait();
                    SqliteStore::open(&path, Access::Write(Durability::Full)).map(|_| ())
                })
            })
            .collect();
        for it in opening {
            assert_eq!(it.join().unwrap(), Ok(()));
        }
    }
}

#[tokio::test]
async fn the_catalog_may_be_written_beside_the_owner() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let (owner, beside) = (open(&path), open(&path));
    let claim = owner.claim("owner").await.unwrap();
    append(&owner, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    beside.put_secret("s", "sealed".into(), Timestamp(0)).await.unwrap();
    append(&owner, claim, vec![fact(run(1), 1, "two")]).await.unwrap();
    assert!(owner.secret("s").await.unwrap().is_some());
    assert_eq!(SqliteStore::open(&path, Access::Write(Durability::Relaxed)).map(|_| ()), Ok(()));
}
