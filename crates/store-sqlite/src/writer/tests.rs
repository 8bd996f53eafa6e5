//! What cannot be brought about from outside: a full file, a flush that fails.

use drawloom_blueprint::{FlowHash, RunId, RunStatus, Timestamp};
use drawloom_store::{Claim, Entry, Follows, LogLine, LogSource, LogStream, RunAppend, RunHead, RunState};
use tempfile::TempDir;

use super::*;

fn part(run: RunId, after: u64, size: usize) -> RunAppend {
    let head = RunHead {
        flow: "f".to_owned(),
        version: FlowHash([0; 32]),
        number: None,
        labels: [].into(),
        started_at: Timestamp(0),
        parent: None,
        concurrency_key: None,
        idempotency_key: None,
    };
    let follows = if after == 0 { Follows::Nothing(Box::new(head)) } else { Follows::Seq(after) };
    let facts = vec![Entry { at: Timestamp(0), fact: vec![1; size].into() }];
    let state = RunState { status: RunStatus::Running, ..RunState::default() };
    RunAppend { run, follows, facts, state, blobs: Vec::new() }
}

async fn claimed(folder: &TempDir, durability: Durability) -> (Writer, Claim) {
    let writer = Writer::start(&folder.path().join("store.db"), durability).unwrap();
    let claim = writer.alone(|desk| desk.claim("test")).await.unwrap();
    (writer, claim)
}

async fn set_room(writer: &Writer, pages: i64) {
    let set = writer.alone(move |desk| {
        let there: i64 = desk.conn().query_row("PRAGMA page_count", [], |row| row.get(0))?;
        Ok(desk.conn().query_row(&format!("PRAGMA max_page_count = {}", there + pages), [], |_| Ok(()))?)
    });
    set.await.unwrap();
}

#[tokio::test]
async fn a_full_file_refuses_what_does_not_fit_and_goes_on_when_there_is_room() {
    let folder = TempDir::new().unwrap();
    let (writer, claim) = claimed(&folder, Durability::Full).await;
    let append = |runs| writer.append(Append { claim, runs });
    append(vec![part(RunId(1), 0, 10)]).await.unwrap().unwrap();
    set_room(&writer, 10).await;
    for _ in 0..2 {
        let full = append(vec![part(RunId(1), 1, 10), part(RunId(1), 2, 1_000_000)]).await.unwrap();
        assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    }
    append(vec![part(RunId(1), 1, 10)]).await.unwrap().expect("what fits is written");
    set_room(&writer, 1000).await;
    append(vec![part(RunId(1), 2, 1_000_000)]).await.unwrap().expect("there is room again");
}

#[tokio::test]
async fn what_waits_behind_a_failure_shares_it() {
    let folder = TempDir::new().unwrap();
    let (writer, claim) = claimed(&folder, Durability::Full).await;
    set_room(&writer, 10).await;
    let (go, gate) = std::sync::mpsc::channel::<()>();
    writer.hand_over(Job::Alone(Box::new(move |_| gate.recv().unwrap())));
    let append = |run, size| writer.append(Append { claim, runs: vec![part(RunId(run), 0, size)] });
    let waiting = [append(1, 10), append(2, 1_000_000), append(3, 10), append(4, 10)];
    let behind = writer.alone(|_| Ok(()));
    go.send(()).unwrap();
    for it in waiting {
        let full = it.await.unwrap();
        assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    }
    behind.await.expect("other work is done all the same");
    append(3, 10).await.unwrap().expect("nothing of it was written, and what comes later is");
}

#[tokio::test]
async fn an_append_that_cannot_be_judged_breaks_the_writer() {
    let folder = TempDir::new().unwrap();
    let (writer, claim) = claimed(&folder, Durability::Full).await;
    writer.alone(|desk| Ok(desk.conn().execute_batch("ALTER TABLE runs RENAME TO gone")?)).await.unwrap();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    writer.hand_over(Job::Alone(Box::new(move |_| gate.recv().unwrap())));
    let waiting = [writer.append(Append { claim, runs: vec![part(RunId(1), 1, 10)] }), writer.logs(Vec::new())];
    go.send(()).unwrap();
    for it in waiting {
        let broken = it.await.unwrap();
        assert!(matches!(broken, Err(StoreError::Broken(_))), "{broken:?}");
    }
    let later = writer.logs(Vec::new()).await.unwrap();
    assert!(matches!(later, Err(StoreError::Broken(_))), "{later:?}");
}

#[tokio::test]
async fn lines_for_which_there_is_no_room_are_not_acknowledged() {
    let folder = TempDir::new().unwrap();
    let (writer, _) = claimed(&folder, Durability::Full).await;
    set_room(&writer, 10).await;
    let text = "x".repeat(1_000_000);
    let line = LogLine { seq: 1, stream: LogStream::Stdout, at: Timestamp(0), text };
    let source = LogSource { run: RunId(1), path: "a".to_owned(), attempt: 1 };
    let full = writer.logs(vec![LogAppend { source, lines: vec![line] }]).await.unwrap();
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
}

#[tokio::test]
async fn appends_that_wait_together_share_a_transaction() {
    let folder = TempDir::new().unwrap();
    let (writer, claim) = claimed(&folder, Durability::Full).await;
    let (go, gate) = std::sync::mpsc::channel::<()>();
    // The thread is busy until all appends have been handed over.
    writer.hand_over(Job::Alone(Box::new(move |_| gate.recv().unwrap())));
    let keyed = |n| {
        let mut it = part(RunId(n), 0, 10);
        if let Follows::Nothing(head) = &mut it.follows {
            head.idempotency_key = Some("key".to_owned());
        }
        writer.append(Append { claim, runs: vec![it] })
    };
    let (made, taken) = (keyed(200), keyed(201));
    let outcomes: Vec<_> =
        (0..100).map(|n| writer.append(Append { claim, runs: vec![part(RunId(n), 0, 10)] })).collect();
    let refused = writer.append(Append { claim, runs: vec![part(RunId(1), 0, 10)] });
    go.send(()).unwrap();
    for outcome in outcomes.into_iter().chain([made]) {
        assert_eq!(outcome.await.unwrap(), Ok(()));
    }
    assert_eq!(taken.await.unwrap(), Err(StoreError::KeyTaken { run: RunId(200) }));
    assert!(matches!(refused.await.unwrap(), Err(StoreError::Conflict { .. })), "each has an answer of its own");
    assert_eq!(writer.written().commits, 1);
}

/// A commit that is not flushed looks the same until the power goes, so it is asked for here.
#[tokio::test]
async fn commits_are_flushed_as_was_chosen() {
    const EACH: i64 = 2;
    const CHECKPOINTS: i64 = 1;
    for (durability, wanted) in [(Durability::Full, EACH), (Durability::Relaxed, CHECKPOINTS)] {
        let folder = TempDir::new().unwrap();
        let (writer, _) = claimed(&folder, durability).await;
        let level =
            writer.alone(|desk| Ok(desk.conn().query_row("PRAGMA synchronous", [], |row| row.get::<_, i64>(0))?));
        assert_eq!(level.await.unwrap(), wanted, "{durability:?}");
    }
}

/// How often this process has a file open: the log is opened a second time where it is flushed apart from commits.
#[cfg(target_os = "linux")]
fn opened(file: &Path) -> usize {
    let files = std::fs::read_dir("/proc/self/fd").unwrap();
    files.filter(|it| it.as_ref().is_ok_and(|it| std::fs::read_link(it.path()).is_ok_and(|it| it == file))).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_relaxed_writer_that_always_has_work_flushes_its_log_too() {
    let folder = TempDir::new().unwrap();
    let (writer, claim) = claimed(&folder, Durability::Relaxed).await;
    let wal = folder.path().join("store.db-wal");
    let (go, gate) = std::sync::mpsc::channel::<()>();
    writer.hand_over(Job::Alone(Box::new(move |_| gate.recv().unwrap())));
    let committed = writer.append(Append { claim, runs: vec![part(RunId(1), 0, 10)] });
    // The queue is never empty from here on; the time for the flush passes meanwhile.
    writer.hand_over(Job::Alone(Box::new(|_| thread::sleep(wal::EVERY * 2))));
    let (looked, seen) = oneshot::channel();
    writer.hand_over(Job::Alone(Box::new(move |_| looked.send(opened(&wal)).unwrap())));
    go.send(()).unwrap();
    committed.await.unwrap().unwrap();
    assert_eq!(seen.await.unwrap(), 2, "it was flushed before the next job");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_relaxed_writer_flushes_its_log_by_itself() {
    let folder = TempDir::new().unwrap();
    let (writer, claim) = claimed(&folder, Durability::Relaxed).await;
    writer.append(Append { claim, runs: vec![part(RunId(1), 0, 10)] }).await.unwrap().unwrap();
    let wal = folder.path().join("store.db-wal");
    let start = std::time::Instant::now();
    while opened(&wal) < 2 {
        assert!(start.elapsed() < std::time::Duration::from_secs(30), "it was not flushed");
        tokio::time::sleep(wal::EVERY).await;
    }
}

#[tokio::test]
async fn relaxed_commits_are_flushed_soon() {
    let folder = TempDir::new().unwrap();
    let mut flush = wal::WalFlush::new(&folder.path().join("store.db"));
    assert_eq!(flush.due_in(), None);
    flush.committed();
    assert!(flush.due_in().unwrap() <= wal::EVERY);
    assert!(flush.flush().is_err(), "there is no log to flush");
    let (writer, claim) = claimed(&folder, Durability::Relaxed).await;
    writer.append(Append { claim, runs: vec![part(RunId(1), 0, 10)] }).await.unwrap().unwrap();
    flush.committed();
    flush.flush().unwrap();
    assert_eq!(flush.due_in(), None);
}
