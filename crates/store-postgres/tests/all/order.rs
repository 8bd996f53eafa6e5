//! Commits that are sent before the first is done: none passes one that failed.

use std::time::Duration;

use drawloom_store::{Append, Follows, Journal as _, RunReader as _, StoreError};

use super::{Server, append, count, fact, run};

#[tokio::test]
async fn nothing_is_committed_behind_a_commit_that_fails() {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    let keyed = |n: u64| {
        let mut it = fact(run(n), 0, "first");
        if let Follows::Nothing(head) = &mut it.follows {
            head.idempotency_key = Some("key".to_owned());
        }
        it
    };
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
