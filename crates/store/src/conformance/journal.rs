//! Promises about facts: numbers, bytes, ownership, atomicity.

use bytes::Bytes;
use drawloom_blueprint::{RunStatus, Timestamp};

use super::{
    Place,
    kit::{accept, append, claimed, ended, entry, facts, head, more, row, run, running, start},
};
use crate::{Entry, Epoch, PAGE_BYTES, PAGE_ITEMS, RunAppend, RunHead, RunState, Shard, Store, StoreError};

pub(super) async fn epochs_grow_and_fence(place: &dyn Place) {
    let (store, first) = claimed(place).await;
    accept(&*store, first, vec![start(run(1), head("f"))]).await;
    let second = store.claim("again").await.expect("the owner may claim again");
    assert!(second.epoch > first.epoch, "an epoch lies above every earlier one");
    let fenced = append(&*store, first, vec![more(run(1), 1, 1)]).await;
    let shard = Shard::of(run(1));
    assert_eq!(fenced, Err(StoreError::Fenced { shard, held: first.epoch, current: second.epoch }));
    assert_eq!(facts(&*store, run(1)).await.len(), 1, "a former owner writes nothing");
    let fenced = append(&*store, first, vec![more(run(1), 1, 0)]).await;
    assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "nor changes a row: {fenced:?}");
    accept(&*store, second, vec![more(run(1), 1, 1)]).await;
    let made_up = crate::Claim { epoch: Epoch(second.epoch.0 + 1) };
    let fenced = append(&*store, made_up, vec![more(run(1), 2, 1)]).await;
    assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "an epoch nobody was given fences too: {fenced:?}");
    store.close().await.expect("it closes");

    let (store, third) = claimed(place).await;
    assert!(third.epoch > second.epoch, "epochs grow across restarts");
    let fenced = append(&*store, second, vec![more(run(1), 2, 1)]).await;
    assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "{fenced:?}");
    accept(&*store, third, vec![more(run(1), 2, 1)]).await;
}

pub(super) async fn facts_come_back_as_they_were(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let all_bytes: Vec<u8> = (0..=255).collect();
    let bodies = [Bytes::new(), all_bytes.into(), vec![b'x'; 5 * 1024 * 1024].into(), Bytes::from_static(b"last")];
    let times = [i64::MIN, -1, i64::MAX, 1_700_000_000_000_000];
    let entries = bodies.iter().zip(times).map(|(fact, at)| Entry { at: Timestamp(at), fact: fact.clone() });
    let mut new = start(run(1), head("f"));
    new.facts = entries.collect();
    accept(&*store, claim, vec![new]).await;
    let found = facts(&*store, run(1)).await;
    assert_eq!(found.iter().map(|it| it.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(found.iter().map(|it| it.at.0).collect::<Vec<_>>(), times);
    assert!(found.iter().zip(&bodies).all(|(it, body)| it.fact == body), "facts come back byte for byte");
    assert_eq!(store.facts(run(1), 2).await.expect("facts can be read")[0].seq, 3);
    for after in [4, 5, u64::MAX] {
        assert_eq!(store.facts(run(1), after).await, Ok(Vec::new()), "after {after}");
    }
    assert_eq!(store.facts(run(2), 0).await, Ok(Vec::new()));
}

pub(super) async fn facts_must_follow_the_last_one(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    accept(&*store, claim, vec![start(run(1), head("f"))]).await;
    accept(&*store, claim, vec![more(run(1), 1, 3)]).await;
    for given in [0, 1, 3, 5, u64::MAX] {
        let refused = append(&*store, claim, vec![more(run(1), given, 1)]).await;
        assert_eq!(refused, Err(StoreError::Conflict { run: run(1), given, last: 4 }));
    }
    let again = append(&*store, claim, vec![start(run(1), head("f"))]).await;
    assert_eq!(again, Err(StoreError::Conflict { run: run(1), given: 0, last: 4 }));
    for given in [0, 1] {
        let missing = append(&*store, claim, vec![more(run(2), given, 1)]).await;
        assert_eq!(missing, Err(StoreError::Conflict { run: run(2), given, last: 0 }));
    }
    let mut empty = start(run(2), head("f"));
    empty.facts.clear();
    let empty = append(&*store, claim, vec![empty]).await;
    assert_eq!(empty, Err(StoreError::Conflict { run: run(2), given: 0, last: 0 }));
    assert_eq!(facts(&*store, run(1)).await.len(), 4);
    assert_eq!(store.run(run(2)).await, Ok(None));
    accept(&*store, claim, vec![more(run(1), 4, 1)]).await;
}

pub(super) async fn a_refused_append_writes_nothing(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    accept(&*store, claim, vec![start(run(1), head("f"))]).await;
    let mut labelled = head("f");
    labelled.labels.insert("a".to_owned(), "b".to_owned());
    labelled.idempotency_key = Some("key".to_owned());
    let parts = vec![start(run(2), labelled), more(run(1), 1, 1), more(run(3), 1, 1)];
    let refused = append(&*store, claim, parts).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(facts(&*store, run(1)).await.len(), 1, "all of an append or nothing");
    assert_eq!(store.run(run(2)).await, Ok(None));
    assert_eq!(facts(&*store, run(2)).await, []);
    assert_eq!(store.started_with("key").await, Ok(None));
    accept(&*store, claim, vec![]).await;
}

pub(super) async fn a_row_may_change_without_a_fact(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    accept(&*store, claim, vec![start(run(1), head("f"))]).await;
    let mut change = more(run(1), 1, 0);
    change.state.next_due = Some(Timestamp(5));
    change.state.error = Some("why".to_owned());
    accept(&*store, claim, vec![change.clone()]).await;
    let found = row(&*store, run(1)).await;
    assert_eq!((found.state, found.last_seq), (change.state, 1));
    let mut end = more(run(1), 1, 1);
    end.state = ended(RunStatus::Failed, 9);
    accept(&*store, claim, vec![end]).await;
    assert_eq!(row(&*store, run(1)).await.state, ended(RunStatus::Failed, 9), "what is not given is not kept");
    // The engine writes nothing after an end, but the store does not judge that.
    accept(&*store, claim, vec![more(run(1), 2, 1)]).await;
    assert_eq!(row(&*store, run(1)).await.state, running());
}

pub(super) async fn rows_and_sizes_keep_up_with_facts(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let text = |count: u64| RunState { error: Some(format!("error {count}")), ..running() };
    let (mut last, mut bytes) = (1, "first".len() as u64);
    accept(&*store, claim, vec![start(run(1), head("f"))]).await;
    store.close().await.expect("it closes");
    // Each life begins without a memory of the last one; a state that stays may be written only when it changes.
    for life in 0..3 {
        let (store, claim) = claimed(place).await;
        for state in [running(), running(), text(life), text(life), text(life + 1), running(), running()] {
            let change = RunAppend { state: state.clone(), ..more(run(1), last, 2) };
            bytes += change.facts.iter().map(|it| it.fact.len() as u64).sum::<u64>();
            last += 2;
            accept(&*store, claim, vec![change]).await;
            let found = row(&*store, run(1)).await;
            assert_eq!((found.state, found.last_seq), (state, last));
            assert_eq!(size(&*store).await, (last, bytes));
        }
        store.close().await.expect("it closes");
    }
    let (store, claim) = claimed(place).await;
    accept(&*store, claim, vec![more(run(1), last, 1)]).await;
    let mut end = more(run(1), last + 1, 1);
    end.state = ended(RunStatus::Failed, 9);
    bytes += (more(run(1), last, 2).facts.iter()).map(|it| it.fact.len() as u64).sum::<u64>();
    accept(&*store, claim, vec![end]).await;
    assert_eq!(row(&*store, run(1)).await.state, ended(RunStatus::Failed, 9));
    assert_eq!((row(&*store, run(1)).await.last_seq, size(&*store).await), (last + 2, (last + 2, bytes)));
}

/// The facts of the only flow, and their bytes, as the store counts them.
async fn size(store: &dyn Store) -> (u64, u64) {
    let info = store.info().await.expect("it is counted");
    (info.flows[0].facts, info.flows[0].fact_bytes)
}

pub(super) async fn one_append_may_name_a_run_twice(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let parts = vec![start(run(1), head("f")), start(run(2), head("f")), more(run(1), 1, 2), more(run(1), 3, 1)];
    accept(&*store, claim, parts).await;
    assert_eq!(facts(&*store, run(1)).await.len(), 4);
    let of_later = RunState { error: Some("later".to_owned()), ..running() };
    accept(&*store, claim, vec![RunAppend { state: of_later.clone(), ..more(run(2), 1, 0) }]).await;
    let back = more(run(2), 1, 0);
    let twice =
        vec![RunAppend { state: running(), ..back.clone() }, RunAppend { state: of_later.clone(), ..back.clone() }];
    accept(&*store, claim, twice).await;
    assert_eq!(row(&*store, run(2)).await.state, of_later, "the later one says how the run stands");
    accept(&*store, claim, vec![RunAppend { state: of_later, ..back.clone() }, back]).await;
    assert_eq!(row(&*store, run(2)).await.state, running());
    let gap = append(&*store, claim, vec![more(run(1), 4, 1), more(run(1), 6, 1)]).await;
    assert_eq!(gap, Err(StoreError::Conflict { run: run(1), given: 6, last: 5 }));
    let twice = append(&*store, claim, vec![start(run(3), head("f")), start(run(3), head("f"))]).await;
    assert_eq!(twice, Err(StoreError::Conflict { run: run(3), given: 0, last: 1 }));
    assert_eq!(store.run(run(3)).await, Ok(None));
}

pub(super) async fn keys_belong_to_one_run(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let keyed = |key: &str| RunHead { idempotency_key: Some(key.to_owned()), ..head("f") };
    for (n, key) in (1..).zip(super::kit::WEIRD) {
        accept(&*store, claim, vec![start(run(n), keyed(key))]).await;
    }
    for (n, key) in (1..).zip(super::kit::WEIRD) {
        assert_eq!(store.started_with(key).await, Ok(Some(run(n))), "{key:?}");
        let taken = append(&*store, claim, vec![start(run(100), keyed(key))]).await;
        assert_eq!(taken, Err(StoreError::KeyTaken { run: run(n) }));
    }
    let twice = append(&*store, claim, vec![start(run(101), keyed("k")), start(run(102), keyed("k"))]).await;
    assert_eq!(twice, Err(StoreError::KeyTaken { run: run(101) }));
    assert_eq!(store.started_with("k").await, Ok(None));
    accept(&*store, claim, vec![start(run(103), head("f")), start(run(104), head("f"))]).await;
}

pub(super) async fn long_journals_come_in_pages(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let many = PAGE_ITEMS as u64 * 2 + 500;
    let mut parts = vec![start(run(1), head("f"))];
    parts.extend((0..many / 100).map(|it| more(run(1), 1 + it * 100, 100)));
    accept(&*store, claim, parts).await;
    let found = facts(&*store, run(1)).await;
    assert!(found.iter().map(|it| it.seq).eq(1..=many + 1), "pages leave nothing out");
    assert!(found[1..].iter().all(|it| it.fact == format!("fact {}", it.seq)));
    for after in [0, 1, 2, 57, 100, 101, 102, many] {
        let page = store.facts(run(1), after).await.expect("facts can be read");
        assert_eq!(page[0].seq, after + 1);
        assert!(page.len() <= PAGE_ITEMS);
    }

    let mut large = start(run(2), head("f"));
    large.facts = (0..40).map(|_| entry(vec![1; PAGE_BYTES / 10])).collect();
    accept(&*store, claim, vec![large]).await;
    let page = store.facts(run(2), 0).await.expect("facts can be read");
    assert!((1..=12).contains(&page.len()), "a page is bounded in bytes: {}", page.len());
    assert_eq!(facts(&*store, run(2)).await.len(), 40);
}
