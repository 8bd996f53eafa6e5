//! What is left after the process or the machine died: everything acknowledged, or a sound beginning of it.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use drawloom_store::{Journal as _, Upkeep as _};
use drawloom_store_sqlite::SqliteStore;
use tempfile::TempDir;

use super::{append, count, fact, open, run};

/// Copies the files of a store as they are on disk, as a crash would leave them. Another process copies, since this
/// one would let go of SQLite's locks by closing the file.
fn crash(store: &Path, to: &Path) -> PathBuf {
    let folder = store.parent().unwrap();
    let done = std::process::Command::new("cp").arg("-r").arg(folder).arg(to).status().unwrap();
    assert!(done.success());
    to.join(store.file_name().unwrap())
}

fn wal(store: &Path) -> PathBuf {
    store.with_extension("db-wal")
}

/// How much of the log commits have written: behind that there is room for others.
fn written(store: &Path) -> usize {
    fs::read(wal(store)).unwrap().iter().rposition(|it| *it != 0).map_or(0, |at| at + 1)
}

/// SQLite's own verdict on the file. The facts of these tests are no real ones, which the whole check would mind.
async fn is_sound(store: &SqliteStore) -> bool {
    let findings = store.check(100).await.unwrap();
    findings.iter().all(|it| it.about != "the file" && !it.message.contains("follows"))
}

#[tokio::test]
async fn a_crash_loses_nothing_acknowledged() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("live/store.db");
    let store = open(&path);
    let claim = store.claim("test").await.unwrap();
    for seq in 0..50 {
        append(&store, claim, vec![fact(run(1), seq, vec![1; 3000])]).await.unwrap();
        if seq % 10 == 9 {
            let left = open(&crash(&path, &folder.path().join(format!("crash{seq}"))));
            assert_eq!(count(&left, run(1)).await, seq + 1);
            assert!(is_sound(&left).await);
            let claim = left.claim("after").await.unwrap();
            append(&left, claim, vec![fact(run(1), seq + 1, "next")]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_torn_log_opens_with_a_prefix() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("live/store.db");
    let store = open(&path);
    let claim = store.claim("test").await.unwrap();
    for seq in 0..40 {
        let parts = vec![fact(run(1), seq, vec![1; 2000]), fact(run(2), seq, "beside")];
        append(&store, claim, parts).await.unwrap();
    }
    let size = written(&path) as u64;
    assert!(size > 100_000, "the log holds all of it: {size}");
    let mut last = u64::MAX;
    // From long to short: the shorter the log, the fewer facts.
    for (n, cut) in
        [1, 7, 4000, 4096, 9001, 31_337, size / 3, size / 2, size - 33, size - 1, size].into_iter().enumerate()
    {
        let torn = crash(&path, &folder.path().join(format!("torn{n}")));
        let log = OpenOptions::new().write(true).open(wal(&torn)).unwrap();
        log.set_len(size - cut).unwrap();
        let Ok(left) = SqliteStore::open(&torn, super::Access::Write(super::Durability::Full)) else {
            panic!("a torn log must open, cut by {cut}");
        };
        let there = count(&left, run(1)).await;
        assert_eq!(there, count(&left, run(2)).await, "an append is there whole or not at all");
        assert!(there <= last && is_sound(&left).await);
        last = there;
        let claim = left.claim("after").await.unwrap();
        append(&left, claim, vec![fact(run(1), there, "next")]).await.unwrap();
    }
}

#[tokio::test]
async fn a_garbled_log_opens_with_a_prefix() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("live/store.db");
    let store = open(&path);
    let claim = store.claim("test").await.unwrap();
    for seq in 0..30 {
        append(&store, claim, vec![fact(run(1), seq, vec![1; 2000])]).await.unwrap();
    }
    let size = written(&path);
    for at in (40..size).step_by(size / 17) {
        let garbled = crash(&path, &folder.path().join(format!("garbled{at}")));
        let mut bytes = fs::read(wal(&garbled)).unwrap();
        bytes[at] ^= 0xff;
        fs::write(wal(&garbled), bytes).unwrap();
        let left = open(&garbled);
        assert!(count(&left, run(1)).await <= 30 && is_sound(&left).await);
    }
}
