//! What goes and what stays when a store is pruned.

use std::{
    fs::OpenOptions,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use drawloom_blueprint::{RunStatus, Timestamp};
use drawloom_store::{
    BlobHash, Blobs as _, Journal as _, Keep, LogAppend, LogLine, LogSource, LogStream, Logs as _, Prune, Pruned,
    RunState, Upkeep as _,
};
use tempfile::TempDir;

use super::{append, fact, open, run};

/// Makes a blob look as if it had been put two hours ago.
fn age(store: &Path, blob: BlobHash) {
    let name = blob.to_string();
    let path = store.with_extension("db.blobs").join(&name[..2]).join(name);
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
}

#[tokio::test]
async fn a_blob_goes_when_it_is_old_and_no_run_refers_to_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path);
    let claim = store.claim("test").await.unwrap();
    let used = store.put_blob("of an open run".into()).await.unwrap();
    let ended = store.put_blob("of a run that ends".into()).await.unwrap();
    let young = store.put_blob("of a run to come".into()).await.unwrap();
    let mut open_run = fact(run(1), 0, "first");
    open_run.blobs.push(used);
    let mut ended_run = fact(run(2), 0, "first");
    ended_run.blobs.push(ended);
    ended_run.state = RunState { status: RunStatus::Succeeded, ended_at: Some(Timestamp(1)), ..RunState::default() };
    append(&store, claim, vec![open_run, ended_run]).await.unwrap();
    let source = LogSource { run: run(2), path: "a".to_owned(), attempt: 1 };
    let line = LogLine { seq: 1, stream: LogStream::Stdout, at: Timestamp(0), text: "line".to_owned() };
    store.append_logs(vec![LogAppend { source, lines: vec![line] }]).await.unwrap();
    age(&path, used);
    age(&path, ended);
    let prune = |keep| Prune { flow: None, keep, now: Timestamp(9), limit: 100 };
    assert_eq!(store.prune(prune(Keep::Last(1))).await, Ok(Pruned::default()), "both are referred to");
    let pruned = Pruned { runs: 1, facts: 1, blobs: 1 };
    assert_eq!(store.prune(prune(Keep::Last(0))).await, Ok(pruned), "what is young stays for the run to come");
    assert_eq!(store.has_blob(ended).await, Ok(false));
    let file = rusqlite::Connection::open(&path).unwrap();
    for (table, wanted) in
        [("runs", 1), ("facts", 1), ("run_labels", 1), ("run_blobs", 1), ("log_sources", 0), ("log_batches", 0)]
    {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(file.query_row(&count, [], |row| row.get::<_, i64>(0)), Ok(wanted), "{table}");
    }
    assert_eq!(store.has_blob(used).await, Ok(true));
    assert_eq!(store.has_blob(young).await, Ok(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_counted_is_as_of_one_instant() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(open(&folder.path().join("store.db")));
    let claim = store.claim("test").await.unwrap();
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            for n in 0..150 {
                append(&*store, claim, vec![fact(run(n), 0, "one")]).await.unwrap();
            }
        }
    });
    while !writing.is_finished() {
        let info = store.info().await.unwrap();
        let of_flows: u64 = info.flows.iter().map(|it| it.runs).sum();
        assert_eq!(info.runs.values().sum::<u64>(), of_flows, "while runs are started");
    }
    writing.await.unwrap();
}
