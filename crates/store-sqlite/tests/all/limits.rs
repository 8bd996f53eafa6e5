//! Files that are not ours, newer, full, broken or not to be written.

use std::{fs, process::Command};

use drawloom_store::{Journal as _, StoreError, Upkeep as _, pack};
use drawloom_store_sqlite::{Access, Durability, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{append, count, fact, open, run};

const ACCESSES: [Access; 2] = [Access::Write(Durability::Full), Access::Read];

#[test]
fn a_newer_store_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    drop(open(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for access in ACCESSES {
        let refused = SqliteStore::open(&path, access).err();
        assert_eq!(refused, Some(StoreError::Newer { found: 99, known: 2 }));
    }
}

/// A file as it was before its schema changed: rows of facts do not say how many they hold.
#[tokio::test]
async fn an_older_store_is_brought_up_to_date() {
    for access in ACCESSES {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(include_str!("../../migrations/0001.sql")).unwrap();
        old.pragma_update(None, "application_id", 0x4472_4c6d).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        let mut body = Vec::new();
        let facts = [fact(run(1), 0, "one"), fact(run(1), 1, "two")].map(|it| it.facts[0].clone());
        pack::pack_facts(&facts, &mut body);
        let row = "INSERT INTO runs (id, flow, version, labels, started_at, status, in_flight, last_seq, fact_bytes) \
                   VALUES (?, 'f', zeroblob(32), '', 0, 1, 1, 2, 6)";
        old.execute(row, [run(1).0.to_be_bytes()]).unwrap();
        let facts = "INSERT INTO facts (run, seq, body) VALUES (?, 1, ?)";
        old.execute(facts, rusqlite::params![run(1).0.to_be_bytes(), body]).unwrap();
        drop(old);
        let store = SqliteStore::open(&path, access).unwrap();
        assert_eq!(count(&store, run(1)).await, 2, "{access:?}");
        drop(store);
        let store = open(&path);
        let claim = store.claim("owner").await.unwrap();
        append(&store, claim, vec![fact(run(1), 2, "three")]).await.unwrap();
        append(&store, claim, vec![fact(run(1), 3, "four")]).await.unwrap();
        let info = store.info().await.unwrap();
        assert_eq!((info.flows[0].facts, info.flows[0].fact_bytes), (4, 15), "{access:?}");
        assert_eq!(count(&store, run(1)).await, 4);
    }
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text.db");
    fs::write(&text, "this is no database, and long enough to be taken for one ".repeat(20)).unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
    for path in [&text, &other] {
        let before = fs::read(path).unwrap();
        for access in ACCESSES {
            let refused = SqliteStore::open(path, access).err();
            assert!(matches!(refused, Some(StoreError::Damaged(_))), "{refused:?}");
        }
        assert_eq!(fs::read(path).unwrap(), before);
    }
    let refused = SqliteStore::open(folder.path(), Access::Write(Durability::Full)).err();
    assert!(matches!(refused, Some(StoreError::Unavailable(_))), "a folder: {refused:?}");
}

/// Not a test of its own: the other process of the next one, which may not write files beyond a certain size.
#[tokio::test]
async fn limited_process() {
    let Ok(path) = std::env::var("DRAWLOOM_TEST_LIMITED") else { return };
    let store = open(path.as_ref());
    let claim = store.claim("limited").await.unwrap();
    let mut acknowledged = 0;
    let error = loop {
        match append(&store, claim, vec![fact(run(1), acknowledged, vec![1; 20_000])]).await {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Broken(_)), "{error:?}");
    // A small one would fit again, but the writer must not try.
    let later = append(&store, claim, vec![fact(run(2), 0, "small")]).await;
    assert!(matches!(later, Err(StoreError::Broken(_))), "{later:?}");
    assert_eq!(count(&store, run(1)).await, acknowledged, "reading goes on");
    fs::write(format!("{path}.acknowledged"), acknowledged.to_string()).unwrap();
}

#[tokio::test]
async fn a_failed_write_breaks_the_writer_until_it_is_opened_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    // Files may have 2,000 blocks of 512 bytes; the signal that comes with the error is ignored.
    let script = "trap '' XFSZ; ulimit -f 2000; exec \"$0\" --exact limits::limited_process --nocapture";
    let other = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("DRAWLOOM_TEST_LIMITED", &path)
        .output()
        .unwrap();
    assert!(other.status.success(), "{}", String::from_utf8_lossy(&other.stderr));
    let acknowledged: u64 = fs::read_to_string(folder.path().join("store.db.acknowledged")).unwrap().parse().unwrap();
    assert!(acknowledged > 10);
    let store = open(&path);
    assert_eq!(count(&store, run(1)).await, acknowledged, "all that was acknowledged, and nothing else");
    let claim = store.claim("again").await.unwrap();
    append(&store, claim, vec![fact(run(1), acknowledged, "next")]).await.unwrap();
}
