//! Commits that are sent before the first is done: none passes one that failed.

use std::time::Duration;

use drawloom_store::{Append, Follows, Journal as _, RunAppend, RunReader as _, StoreError, Upkeep as _};

use super::{Server, Spot, append, count, fact, run};

/// A new run with an idempotency key.
fn keyed(n: u64) -> RunAppend {
    let mut it = fact(run(n), 0, "first");
    if let Follows::Nothing(head) = &mut it.follows {
        head.idempotency_key = Some("key".to_owned());
    }
    it
}

#[tokio::test]
async fn nothing_is_committed_behind_a_commit_that_fails() {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one"), fact(run(2), 0, "one"), keyed(3)]).await.unwrap();
    let slow = place.client().await;
    slow.batch_execute("BEGIN; LOCK TABLE runs IN EXCLUSIVE MODE").await.unwrap();
    let hand = |runs| store.append(Append { claim, runs });
    // The first one waits in the database, which refuses it once it goes on; the others are sent behind it.
    let first = hand(vec![fact(run(1), 1, "two"), keyed(4)]);
    let watch = place.client().await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'runs'::regclass";
    while watch.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let follower = hand(vec![fact(run(1), 2, "three")]);
    let other = hand(vec![fact(run(2), 1, "two")]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    slow.batch_execute("COMMIT").await.unwrap();
    assert_eq!(first.await, Err(StoreError::KeyTaken { run: run(3) }));
    assert_eq!(follower.await, Err(StoreError::Conflict { run: run(1), given: 2, last: 1 }));
    other.await.unwrap();
    assert_eq!((count(&store, run(1)).await, count(&store, run(2)).await), (1, 2));
    assert_eq!(store.run(run(4)).await, Ok(None));
    append(&store, claim, vec![fact(run(1), 1, "two"), fact(run(2), 2, "three")]).await.unwrap();
    drop(store);
    place.drop().await;
}

/// Holds up whoever appends facts until this commits.
async fn held_up(place: &Spot) -> tokio_postgres::Client {
    let slow = place.client().await;
    slow.batch_execute("BEGIN; LOCK TABLE facts IN EXCLUSIVE MODE").await.unwrap();
    slow
}

async fn until_one_waits(place: &Spot) {
    let watch = place.client().await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'facts'::regclass";
    while watch.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether an append follows the last fact is not known before those under way are done.
#[tokio::test]
async fn an_append_that_may_have_to_be_refused_waits_for_those_under_way() {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let slow = held_up(&place).await;
    let hand = |after| store.append(Append { claim, runs: vec![fact(run(1), after, "next")] });
    // Two commits are sent at once; what comes later waits for them.
    let first = hand(1);
    until_one_waits(&place).await;
    let second = hand(2);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (wrong, right, further) = (hand(7), hand(3), hand(4));
    slow.batch_execute("COMMIT").await.unwrap();
    for it in [first, second, right, further] {
        it.await.unwrap();
    }
    assert_eq!(wrong.await, Err(StoreError::Conflict { run: run(1), given: 7, last: 3 }));
    assert_eq!(count(&store, run(1)).await, 5);
    drop(store);
    place.drop().await;
}

#[tokio::test]
async fn two_starts_with_one_key_that_wait_together_make_one_run() {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    let slow = held_up(&place).await;
    let hand = |runs| store.append(Append { claim, runs });
    // Two commits are sent at once; what comes later waits for them.
    let first = hand(vec![fact(run(1), 0, "first")]);
    until_one_waits(&place).await;
    let second = hand(vec![fact(run(2), 0, "first")]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (made, found) = (hand(vec![keyed(3)]), hand(vec![keyed(4)]));
    slow.batch_execute("COMMIT").await.unwrap();
    for it in [first, second, made] {
        it.await.unwrap();
    }
    assert_eq!(found.await, Err(StoreError::KeyTaken { run: run(3) }));
    append(&store, claim, vec![fact(run(3), 1, "second")]).await.unwrap();
    drop(store);
    place.drop().await;
}

#[tokio::test]
async fn closing_waits_for_what_is_under_way() {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    let slow = held_up(&place).await;
    let under_way = store.append(Append { claim, runs: vec![fact(run(1), 0, "first")] });
    until_one_waits(&place).await;
    let release = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        slow.batch_execute("COMMIT").await.unwrap();
    };
    let (closed, ()) = tokio::join!(store.close(), release);
    closed.unwrap();
    assert_eq!(under_way.await, Ok(()), "it is known what became of it");
    drop(store);
    place.drop().await;
}
