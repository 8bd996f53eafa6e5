//! Promises about counting, checking and dropping.

use std::time::Duration;

use bytes::Bytes;
use drawloom_blueprint::{Blueprint, Fact, RunStatus, Timestamp};

use super::{
    Place,
    kit::{accept, claimed, ended, entry, facts, head, list, more, run, running, start, whole},
};
use crate::{
    BlobHash, FlowSize, Keep, LogAppend, LogLine, LogQuery, LogSource, LogStream, Prune, Pruned, RunFilter, RunHead,
    Store, StoreError,
};

async fn blueprint(store: &dyn Store) -> drawloom_blueprint::FlowHash {
    let root = drawloom_blueprint::Scope {
        owner: None,
        name: String::new(),
        first: drawloom_blueprint::StepIx(0),
        len: 0,
        last: None,
    };
    let blueprint = Blueprint { flow: "f".to_owned(), scopes: vec![root], ..Blueprint::default() };
    store.put_version(blueprint.encode().into(), None).await.expect("versions are kept")
}

pub(super) async fn info_counts(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    blueprint(&*store).await;
    let mut end = start(run(3), head("g"));
    end.state = ended(RunStatus::Failed, 1);
    accept(&*store, claim, vec![start(run(1), head("f")), start(run(2), head("f")), end, more(run(1), 1, 2)]).await;
    let source = LogSource { run: run(1), path: "a".to_owned(), attempt: 1 };
    let line = LogLine { seq: 1, stream: LogStream::Stdout, at: Timestamp(0), text: "hello".to_owned() };
    store.append_logs(vec![LogAppend { source, lines: vec![line] }]).await.expect("lines are kept");
    store.put_blob(Bytes::from_static(b"blob")).await.expect("blobs are kept");
    let info = store.info().await.expect("it is counted");
    assert_eq!(info.runs.into_iter().collect::<Vec<_>>(), [(RunStatus::Running, 2), (RunStatus::Failed, 1)]);
    assert_eq!((info.versions, info.blobs, info.blob_bytes), (1, 1, 4));
    let fact_bytes = 2 * "first".len() as u64 + 2 * "fact 2".len() as u64;
    let log_bytes = 5 + crate::LINE_COST;
    let f = FlowSize { flow: "f".to_owned(), runs: 2, facts: 4, fact_bytes, log_bytes };
    let g = FlowSize { flow: "g".to_owned(), runs: 1, facts: 1, fact_bytes: 5, log_bytes: 0 };
    assert_eq!(info.flows, [f, g]);
    let written = info.written;
    assert_eq!(written.commits, 1, "one commit held facts");
    assert!((1..=5).contains(&written.rows) && written.bytes >= fact_bytes + 5, "{written:?}");
    accept(&*store, claim, vec![more(run(1), 3, 0)]).await;
    accept(&*store, claim, vec![more(run(1), 3, 1)]).await;
    let info = store.info().await.expect("it is counted");
    assert_eq!((info.flows[0].facts, info.flows[0].fact_bytes), (5, fact_bytes + 6));
    assert_eq!((info.written.commits, info.written.rows), (2, written.rows + 1), "a row without a fact is none");
    assert!(info.written.bytes >= written.bytes + 6);
}

pub(super) async fn a_sound_store_has_no_findings(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    assert_eq!(store.check(10).await, Ok(Vec::new()));
    let version = blueprint(&*store).await;
    let blob = store.put_blob(Bytes::from_static(b"blob")).await.expect("blobs are kept");
    for n in 1..=3 {
        let mut new = whole(run(n), RunHead { version, ..head("f") }, RunStatus::Succeeded, 5);
        new.blobs.push(blob);
        accept(&*store, claim, vec![new]).await;
    }
    let mut under_way = whole(run(4), RunHead { version, ..head("f") }, RunStatus::Succeeded, 5);
    under_way.facts.truncate(1);
    under_way.state = running();
    accept(&*store, claim, vec![under_way]).await;
    assert_eq!(store.check(10).await, Ok(Vec::new()));
}

pub(super) async fn disagreement_is_found(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let version = blueprint(&*store).await;
    let sound = |n| whole(run(n), RunHead { version, ..head("f") }, RunStatus::Succeeded, 5);
    let mut status = sound(1);
    status.state.status = RunStatus::Failed;
    let mut unreadable = sound(2);
    unreadable.facts[1] = entry("no fact");
    let mut unstarted = sound(3);
    unstarted.facts[0] = entry(Fact::default().encode());
    let mut no_version = sound(4);
    no_version.follows = crate::Follows::Nothing(Box::new(head("f")));
    let mut no_blob = sound(5);
    let there = store.put_blob(Bytes::from_static(b"blob")).await.expect("blobs are kept");
    no_blob.blobs.extend([there, BlobHash([255; 32])]);
    accept(&*store, claim, vec![status, unreadable, unstarted, no_version, no_blob, sound(6)]).await;
    let mut of_another = sound(7);
    of_another.facts.clone_from(&sound(8).facts);
    let mut of_another_flow = sound(8);
    of_another_flow.follows = crate::Follows::Nothing(Box::new(RunHead { version, ..head("g") }));
    let mut started_twice = sound(9);
    started_twice.facts.insert(1, started_twice.facts[0].clone());
    let mut unended = sound(10);
    unended.state = running();
    let mut endless = sound(11);
    endless.facts.truncate(1);
    let mut timeless = sound(12);
    timeless.state.ended_at = None;
    accept(&*store, claim, vec![of_another, of_another_flow, started_twice, unended, endless, timeless]).await;
    let no_blueprint = store.put_version(Bytes::from_static(b"no blueprint"), None).await.expect("it is kept");
    let findings = store.check(100).await.expect("it can be checked");
    for n in (1..=5).chain(7..=12) {
        assert!(findings.iter().any(|it| it.about == run(n).to_string()), "run {n}: {findings:?}");
    }
    assert!(findings.iter().any(|it| it.about == format!("version {no_blueprint}")), "{findings:?}");
    assert!(findings.iter().all(|it| it.about != run(6).to_string()), "{findings:?}");
    assert_eq!(store.check(2).await.map(|it| it.len()), Ok(2), "findings are bounded");
}

fn prune(keep: Keep, limit: usize) -> Prune {
    Prune { flow: None, keep, now: Timestamp(1_000), limit }
}

pub(super) async fn old_runs_are_pruned(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    for n in 0..10 {
        let flow = head(if n < 5 { "f" } else { "g" });
        // Within a flow, later ids end earlier: it is the end that counts.
        let ended_at = if n < 5 { 4 - n } else { 14 - n } as i64 * 100;
        accept(&*store, claim, vec![whole(run(n), flow, RunStatus::Succeeded, ended_at)]).await;
    }
    accept(&*store, claim, vec![start(run(10), head("f"))]).await;
    let young = store.put_blob(Bytes::from_static(b"of a run to come")).await.expect("blobs are kept");
    let keep = Keep::For(Duration::from_micros(300));
    let only_g = Prune { flow: Some("g".to_owned()), ..prune(keep, 100) };
    assert_eq!(store.prune(only_g).await, Ok(Pruned { runs: 3, facts: 6, blobs: 0 }));
    assert_eq!(store.prune(prune(keep, 2)).await.map(|it| it.runs), Ok(2), "bounded");
    assert_eq!(list(&*store, &RunFilter::default()).await, [10, 6, 5, 2, 1, 0].map(run), "the oldest went first");
    assert_eq!(store.prune(prune(keep, 100)).await.map(|it| it.runs), Ok(3));
    assert_eq!(store.prune(prune(keep, 100)).await, Ok(Pruned::default()));
    assert_eq!(list(&*store, &RunFilter::default()).await, [10, 6, 5].map(run), "the unended run stays");
    assert_eq!(store.has_blob(young).await, Ok(true), "so does a blob that was put just now");
}

pub(super) async fn the_last_runs_are_kept(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    for n in 0..8 {
        let flow = head(if n % 2 == 0 { "even" } else { "odd" });
        // Later ids end earlier: it is the end that counts.
        accept(&*store, claim, vec![whole(run(n), flow, RunStatus::Failed, 100 - n as i64)]).await;
    }
    assert_eq!(store.prune(prune(Keep::Last(3), 1)).await.map(|it| it.runs), Ok(1), "bounded over all flows");
    assert_eq!(store.prune(prune(Keep::Last(3), 100)).await.map(|it| it.runs), Ok(1));
    assert_eq!(list(&*store, &RunFilter::default()).await, [5, 4, 3, 2, 1, 0].map(run));
    let even = Prune { flow: Some("even".to_owned()), ..prune(Keep::Last(0), 100) };
    assert_eq!(store.prune(even).await.map(|it| it.runs), Ok(3));
    assert_eq!(list(&*store, &RunFilter::default()).await, [5, 3, 1].map(run));
}

pub(super) async fn a_needed_run_stays(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let child = RunHead { parent: Some(run(1)), ..head("f") };
    let orphan = RunHead { parent: Some(run(77)), ..head("f") };
    let parts = vec![
        start(run(1), head("f")),
        whole(run(2), child, RunStatus::Succeeded, 1),
        whole(run(3), orphan, RunStatus::Succeeded, 1),
    ];
    accept(&*store, claim, parts).await;
    assert_eq!(store.delete_run(run(1)).await, Err(StoreError::Unended { run: run(1) }));
    assert_eq!(store.delete_run(run(2)).await, Err(StoreError::Unended { run: run(2) }));
    assert_eq!(store.prune(prune(Keep::For(Duration::ZERO), 100)).await.map(|it| it.runs), Ok(1));
    assert_eq!(store.prune(prune(Keep::Last(0), 100)).await, Ok(Pruned::default()));
    assert_eq!(list(&*store, &RunFilter::default()).await, [2, 1].map(run));
    let mut end = more(run(1), 1, 1);
    end.state = ended(RunStatus::Succeeded, 2);
    accept(&*store, claim, vec![end]).await;
    assert_eq!(store.delete_run(run(2)).await, Ok(true));
    assert_eq!(store.prune(prune(Keep::Last(0), 100)).await.map(|it| it.runs), Ok(1));
}

pub(super) async fn a_deleted_run_leaves_nothing(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let mut full = head("f");
    full.labels.insert("a".to_owned(), "b".to_owned());
    full.idempotency_key = Some("key".to_owned());
    let mut new = whole(run(1), full.clone(), RunStatus::Succeeded, 1);
    new.blobs.push(BlobHash([1; 32]));
    let mut beside = whole(run(3), RunHead { idempotency_key: None, ..full.clone() }, RunStatus::Succeeded, 1);
    beside.blobs.push(BlobHash([1; 32]));
    accept(&*store, claim, vec![new.clone(), beside]).await;
    let line = LogLine { seq: 1, stream: LogStream::Stdout, at: Timestamp(0), text: "line".to_owned() };
    let source = LogSource { run: run(1), path: "a".to_owned(), attempt: 1 };
    let log = vec![LogAppend { source, lines: vec![line] }];
    store.append_logs(log.clone()).await.expect("lines are kept");
    // A store may remember of a run what it was asked about it.
    let refused = store.append(crate::Append { claim, runs: vec![more(run(1), 9, 1)] }).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(store.delete_run(run(1)).await, Ok(true));
    assert_eq!(store.delete_run(run(1)).await, Ok(false));
    assert_eq!(store.run(run(1)).await, Ok(None));
    assert_eq!(facts(&*store, run(1)).await, []);
    assert_eq!(store.started_with("key").await, Ok(None));
    assert_eq!(store.blobs_of(run(1)).await, Ok(Vec::new()));
    assert_eq!(store.log_sources(run(1)).await, Ok(Vec::new()));
    let query = LogQuery { run: run(1), path: None, attempt: None };
    assert_eq!(store.read_logs(&query, crate::LogPlace::default(), 9).await, Ok(Vec::new()));
    let labelled = RunFilter { labels: full.labels, ..RunFilter::default() };
    assert_eq!(list(&*store, &labelled).await, [run(3)], "what another run has too stays that one's");
    assert_eq!(store.blobs_of(run(3)).await, Ok(vec![BlobHash([1; 32])]));
    assert_eq!(facts(&*store, run(3)).await.len(), 2);
    // The same run may come back, as a copy from another store does.
    accept(&*store, claim, vec![new]).await;
    store.append_logs(log).await.expect("lines are kept");
    assert_eq!(facts(&*store, run(1)).await.len(), 2);
    let lines = store.read_logs(&query, crate::LogPlace::default(), 9).await;
    assert_eq!(lines.map(|it| it.len()), Ok(1), "nothing of what it had printed before is left");
    assert_eq!(store.started_with("key").await, Ok(Some(run(1))));
    let again = start(run(2), RunHead { idempotency_key: Some("key".to_owned()), ..head("f") });
    let taken = store.append(crate::Append { claim, runs: vec![again] }).await;
    assert_eq!(taken, Err(StoreError::KeyTaken { run: run(1) }));
}
