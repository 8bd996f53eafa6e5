//! Promises about order: of appends that overlap, of reopening and closing.

use std::sync::Arc;

use drawloom_blueprint::Timestamp;

use super::{
    Place,
    kit::{accept, append, claimed, facts, head, more, open, run, start},
};
use crate::{Append, BlobHash, LogPlace, LogQuery, RunFilter, Store, StoreError, Unended};

pub(super) async fn appends_are_committed_in_the_order_of_calls(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    accept(&*store, claim, vec![start(run(1), head("f"))]).await;
    let handed: Vec<_> =
        (1..=300).map(|seq| store.append(Append { claim, runs: vec![more(run(1), seq, 1)] })).collect();
    // Waiting in any order is fine: the calls fixed the order.
    for commit in handed.into_iter().rev() {
        commit.await.expect("each follows the one handed over before it");
    }
    assert_eq!(facts(&*store, run(1)).await.len(), 301);
}

pub(super) async fn a_small_append_does_not_overtake_a_large_one(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let mut runs: Vec<_> = (1..=20).map(|it| start(run(it), head("f"))).collect();
    for round in 1..=50 {
        let large = store.append(Append { claim, runs });
        let small = store.append(Append { claim, runs: vec![more(run(1), 2 * round - 1, 1)] });
        small.await.expect("it follows the one handed over before it");
        large.await.expect("nothing came between");
        runs = (1..=20).map(|it| more(run(it), if it == 1 { 2 * round } else { round }, 1)).collect();
    }
    assert_eq!((facts(&*store, run(1)).await.len(), facts(&*store, run(2)).await.len()), (100, 50));
}

pub(super) async fn what_follows_a_refused_append_is_refused(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    accept(&*store, claim, vec![start(run(1), head("f")), start(run(2), head("f"))]).await;
    let hand = |runs| store.append(Append { claim, runs });
    let outcomes = [
        hand(vec![more(run(1), 1, 1)]),
        hand(vec![more(run(1), 2, 1), more(run(2), 7, 1)]),
        hand(vec![more(run(1), 3, 1)]),
        hand(vec![more(run(2), 1, 1)]),
    ];
    let mut accepted = Vec::new();
    for it in outcomes {
        accepted.push(it.await.is_ok());
    }
    assert_eq!(accepted, [true, false, false, true], "a refused append leaves a gap for its followers, for no other");
    assert_eq!((facts(&*store, run(1)).await.len(), facts(&*store, run(2)).await.len()), (2, 2));
}

pub(super) async fn appends_under_two_claims_that_wait_together(place: &dyn Place) {
    let (store, old) = claimed(place).await;
    accept(&*store, old, vec![start(run(1), head("f"))]).await;
    let new = store.claim("again").await.expect("the owner may claim again");
    let hand = |claim, runs| store.append(Append { claim, runs });
    let handed: Vec<_> = (1..=40).map(|seq| hand(new, vec![more(run(1), seq, 1)])).collect();
    let late: Vec<_> = (0..4).map(|n| hand(old, vec![start(run(100 + n), head("f"))])).collect();
    let further: Vec<_> = (41..=44).map(|seq| hand(new, vec![more(run(1), seq, 1)])).collect();
    for it in handed.into_iter().chain(further) {
        it.await.expect("the present claim is not refused for what waits beside it");
    }
    for it in late {
        let fenced = it.await;
        assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "{fenced:?}");
    }
    assert_eq!(store.runs(&RunFilter::default(), None, 9).await.map(|it| it.len()), Ok(1));
}

pub(super) async fn the_last_of_overlapping_appends_says_how_a_run_stands(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    accept(&*store, claim, vec![start(run(1), head("f"))]).await;
    let handed: Vec<_> = (1..=60)
        .map(|seq| {
            let mut it = more(run(1), seq, 1);
            it.state.next_due = Some(Timestamp(seq as i64));
            store.append(Append { claim, runs: vec![it] })
        })
        .collect();
    for it in handed {
        it.await.expect("each follows the one handed over before it");
    }
    let due = store.run(run(1)).await.map(|it| it.and_then(|it| it.state.next_due));
    assert_eq!(due, Ok(Some(Timestamp(60))));
}

pub(super) async fn an_append_needs_nobody_to_wait_for_it(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    drop(store.append(Append { claim, runs: vec![start(run(1), head("f"))] }));
    accept(&*store, claim, vec![more(run(1), 1, 1)]).await;
    drop(store.append(Append { claim, runs: vec![more(run(1), 2, 1)] }));
    store.close().await.expect("it closes");
    let store = open(place).await;
    assert_eq!(facts(&*store, run(1)).await.len(), 3, "closing waits for what was handed over");
}

pub(super) async fn many_tasks_append_at_once(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let work = |task: u64| {
        let store: Arc<dyn Store> = store.clone();
        tokio::spawn(async move {
            for it in 0..25 {
                let id = run(task * 1000 + it);
                accept(&*store, claim, vec![start(id, head("f"))]).await;
                accept(&*store, claim, vec![more(id, 1, 2)]).await;
                assert_eq!(facts(&*store, id).await.len(), 3, "who was answered reads what was written");
            }
        })
    };
    let tasks: Vec<_> = (1..=8).map(work).collect();
    for it in tasks {
        it.await.expect("no task fails");
    }
    assert_eq!(store.runs(&RunFilter::default(), None, 1000).await.map(|it| it.len()), Ok(200));
}

pub(super) async fn everything_is_there_after_reopening(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    accept(&*store, claim, vec![start(run(1), head("f"))]).await;
    accept(&*store, claim, vec![more(run(1), 1, 5)]).await;
    let before = (facts(&*store, run(1)).await, store.run(run(1)).await);
    drop(store);
    let (store, claim) = claimed(place).await;
    assert_eq!((facts(&*store, run(1)).await, store.run(run(1)).await), before);
    let repeated = append(&*store, claim, vec![more(run(1), 1, 5)]).await;
    assert_eq!(repeated, Err(StoreError::Conflict { run: run(1), given: 1, last: 6 }));
    accept(&*store, claim, vec![more(run(1), 6, 1)]).await;
}

pub(super) async fn a_closed_store_refuses_everything(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    accept(&*store, claim, vec![start(run(1), head("f"))]).await;
    store.close().await.expect("it closes");
    store.close().await.expect("closing again does nothing");
    let query = LogQuery { run: run(1), path: None, attempt: None };
    assert_eq!(append(&*store, claim, vec![more(run(1), 1, 1)]).await, Err(StoreError::Closed));
    assert_eq!(store.claim("x").await, Err(StoreError::Closed));
    assert_eq!(store.facts(run(1), 0).await, Err(StoreError::Closed));
    assert_eq!(store.run(run(1)).await, Err(StoreError::Closed));
    assert_eq!(store.read_logs(&query, LogPlace::default(), 1).await, Err(StoreError::Closed));
    assert_eq!(store.append_logs(Vec::new()).await, Err(StoreError::Closed));
    assert_eq!(store.active("f").await, Err(StoreError::Closed));
    assert_eq!(store.delete_secret("s").await, Err(StoreError::Closed));
    assert_eq!(store.delete_run(run(1)).await, Err(StoreError::Closed));
    assert_eq!(store.runs(&RunFilter::default(), None, 1).await, Err(StoreError::Closed));
    assert_eq!(store.unended(Unended::All, None, 1).await, Err(StoreError::Closed));
    assert_eq!(store.secret("s").await, Err(StoreError::Closed));
    assert_eq!(store.info().await, Err(StoreError::Closed));
    assert_eq!(store.put_secret("s", "sealed".into(), Timestamp(0)).await, Err(StoreError::Closed));
    assert_eq!(store.put_version("blueprint".into(), None).await, Err(StoreError::Closed));
    let blob = BlobHash::of(b"blob");
    assert_eq!(store.put_blob("blob".into()).await, Err(StoreError::Closed));
    assert_eq!(store.new_blob().await.map(drop), Err(StoreError::Closed));
    assert_eq!(store.renew_blob(blob).await, Err(StoreError::Closed));
    assert_eq!(store.blob(blob).await, Err(StoreError::Closed));
    assert_eq!(store.blob_part(blob, 0, 1).await, Err(StoreError::Closed));
    assert_eq!(store.has_blob(blob).await, Err(StoreError::Closed));
    assert_eq!(store.blobs(None, 1).await, Err(StoreError::Closed));
}
