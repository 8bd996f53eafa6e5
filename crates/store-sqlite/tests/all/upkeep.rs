//! What goes and what stays when a store is pruned.

use std::{
    fs::OpenOptions,
    path::Path,
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
    let later = store.put_blob("of a later fact".into()).await.unwrap();
    let mut next = fact(run(1), 1, "second");
    next.blobs.push(later);
    append(&store, claim, vec![next]).await.unwrap();
    age(&path, later);
    age(&path, used);
    age(&path, ended);
    let prune = |keep| Prune { flow: None, keep, now: Timestamp(9), limit: 100 };
    assert_eq!(store.prune(prune(Keep::Last(1))).await, Ok(Pruned::default()), "both are referred to");
    let pruned = Pruned { runs: 1, facts: 1, blobs: 1 };
    assert_eq!(store.prune(prune(Keep::Last(0))).await, Ok(pruned), "what is young stays for the run to come");
    assert_eq!(store.has_blob(ended).await, Ok(false));
    let file = rusqlite::Connection::open(&path).unwrap();
    for (table, wanted) in
        [("runs", 1), ("facts", 2), ("run_labels", 1), ("run_blobs", 2), ("log_sources", 0), ("log_batches", 0)]
    {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(file.query_row(&count, [], |row| row.get::<_, i64>(0)), Ok(wanted), "{table}");
    }
    assert_eq!(store.has_blob(used).await, Ok(true));
    assert_eq!(store.has_blob(later).await, Ok(true));
    assert_eq!(store.has_blob(young).await, Ok(true));
}
