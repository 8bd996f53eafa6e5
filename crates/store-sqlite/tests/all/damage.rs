//! Damage that only a look at the file can bring about: a check finds it.

use drawloom_blueprint::{Fact, RunStatus, Timestamp};
use drawloom_store::{Finding, Journal as _, RunState, Upkeep as _};
use tempfile::TempDir;

use super::{append, fact, open, run};

/// What a check says of a run with three facts, the last of which is its end, after `change`.
async fn found(change: &str) -> Vec<Finding> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path);
    let claim = store.claim("owner").await.unwrap();
    for after in 0..3 {
        let mut it = fact(run(1), after, Fact::default().encode());
        if after == 2 {
            it.state = RunState { status: RunStatus::Failed, ended_at: Some(Timestamp(9)), ..RunState::default() };
        }
        append(&store, claim, vec![it]).await.unwrap();
    }
    rusqlite::Connection::open(&path).unwrap().execute_batch(change).unwrap();
    store.check(10).await.unwrap()
}

#[tokio::test]
async fn what_is_missing_or_makes_no_sense_is_found() {
    let about = run(1).to_string();
    for (change, about, wanted) in [
        ("DELETE FROM facts WHERE seq = 2", &*about, "fact 3 follows fact 1"),
        ("DELETE FROM facts WHERE seq = 3", &about, "its row counts 3 facts and its journal has 2"),
        ("DELETE FROM facts", &about, "its row counts 3 facts and its journal has 0"),
        ("UPDATE facts SET body = substr(body, 1, length(body) - 1) WHERE seq = 2", &about, "cannot be read"),
        ("DELETE FROM runs", &about, "it has facts and is not in the index of runs"),
        // What SQLite itself finds, without a look at any run.
        ("PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE name = 'runs_by_flow'", "the file", "never used"),
    ] {
        let findings = found(change).await;
        let is_wanted = |it: &Finding| it.about == about && it.message.contains(wanted);
        assert!(findings.iter().any(is_wanted), "{change}: {findings:?}");
    }
}
