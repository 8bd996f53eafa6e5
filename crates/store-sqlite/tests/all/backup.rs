//! Copies made while the store is written to, and put back.

use std::{fs, sync::Arc};

use drawloom_store::{BlobHash, Blobs as _, Journal as _, StoreError, Upkeep as _};
use drawloom_store_sqlite::{Access, Durability, SqliteStore};
use tempfile::TempDir;

use super::{append, count, fact, open, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_as_of_one_instant_while_writes_go_on() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(open(&folder.path().join("store.db")));
    let claim = store.claim("test").await.unwrap();
    let blob = store.put_blob("a large output".into()).await.unwrap();
    let mut first = fact(run(1), 0, vec![1; 100_000]);
    let other = store.put_blob("another one".into()).await.unwrap();
    first.blobs.extend([blob, other]);
    append(&*store, claim, vec![first, fact(run(2), 0, "beside")]).await.unwrap();
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            for seq in 1..200 {
                let parts = vec![fact(run(1), seq, vec![1; 5000]), fact(run(2), seq, "beside")];
                append(&*store, claim, parts).await.unwrap();
            }
        }
    });
    for n in 0..5 {
        let copy = folder.path().join(format!("copy{n}.db"));
        store.backup(&copy).await.unwrap();
        assert_eq!(store.backup(&copy).await, Err(StoreError::Exists(copy.display().to_string())));
        let to = folder.path().join(format!("back{n}/store.db"));
        SqliteStore::restore(&copy, &to).unwrap();
        let back = open(&to);
        assert_eq!(count(&back, run(1)).await, count(&back, run(2)).await, "as of one instant");
        assert_eq!(back.blob(blob).await.unwrap().as_deref(), Some(&b"a large output"[..]));
        assert_eq!(back.blob(other).await.unwrap().as_deref(), Some(&b"another one"[..]));
        let claim = back.claim("restored").await.unwrap();
        append(&back, claim, vec![fact(run(3), 0, "new")]).await.unwrap();
    }
    writing.await.unwrap();
    assert_eq!(count(&*store, run(1)).await, 200, "no write was disturbed");
    let names = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|it| !it.contains("draft")));
}

#[tokio::test]
async fn restoring_replaces_nothing_and_checks_what_it_reads() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let copy = folder.path().join("copy.db");
    let store = open(&path);
    store.backup(&copy).await.unwrap();
    assert_eq!(SqliteStore::restore(&copy, &path), Err(StoreError::Exists(path.display().to_string())));
    let missing = SqliteStore::restore(&folder.path().join("none.db"), &folder.path().join("new.db"));
    assert!(matches!(missing, Err(StoreError::Missing(_))), "{missing:?}");
    fs::write(&copy, "garbage").unwrap();
    let damaged = SqliteStore::restore(&copy, &folder.path().join("new.db"));
    assert!(matches!(damaged, Err(StoreError::Damaged(_))), "{damaged:?}");
    assert!(!folder.path().join("new.db").exists());
    let claim = store.claim("owner").await.unwrap();
    assert!(matches!(SqliteStore::restore(&path, &path), Err(StoreError::Locked { .. })));
    append(&store, claim, vec![fact(run(1), 0, "still fine")]).await.unwrap();
}

#[tokio::test]
async fn what_no_run_refers_to_is_not_copied() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("store.db"));
    let stray = store.put_blob("stray".into()).await.unwrap();
    let copy = folder.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    let copy = SqliteStore::open(&copy, Access::Read).unwrap();
    assert_eq!(copy.has_blob(stray).await, Ok(false));
    assert_eq!(copy.blobs(None, 10).await, Ok(Vec::<BlobHash>::new()));
    drop(SqliteStore::open(&folder.path().join("other.db"), Access::Write(Durability::Relaxed)).unwrap());
}

#[tokio::test]
async fn a_copy_that_was_damaged_is_not_put_back() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("store.db"));
    let claim = store.claim("test").await.unwrap();
    let many = (0..200).map(|n| fact(run(n), 0, vec![1; 1000])).collect();
    append(&store, claim, many).await.unwrap();
    let copy = folder.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    let mut bytes = fs::read(&copy).unwrap();
    // Most pages hold facts, so the one in the middle does. What it says of itself is wrong now.
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 16].fill(0xff);
    fs::write(&copy, bytes).unwrap();
    let to = folder.path().join("back.db");
    let refused = SqliteStore::restore(&copy, &to);
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    assert!(!to.exists());
}
