//! One process owns the runs: others are told who it is, take over when its lease is over, and shut it out for good.

use std::time::{Duration, Instant};

use drawloom_blueprint::{RunStatus, Timestamp};
use drawloom_store::{Claim, Journal as _, RunReader as _, RunState, Secrets as _, StoreError, Upkeep as _};
use drawloom_store_postgres::PostgresStore;

use super::{Server, append, count, fact, run};

/// Makes the store believe that somebody else has the lease for so long, and that their connection stands.
async fn other_owner(place: &super::Spot, seconds: u32) -> tokio_postgres::Client {
    let other = place.client().await;
    let sql = format!(
        "UPDATE lease SET holder = gen_random_uuid(), owner = 'process 7 on mars (other)', \
         expires = clock_timestamp() + interval '{seconds} seconds'; \
         SELECT pg_advisory_lock_shared(1148341357, 'lease'::regclass::oid::int4)"
    );
    other.batch_execute(&sql).await.unwrap();
    other
}

#[tokio::test]
async fn a_second_owner_is_refused_and_told_who_the_first_is() {
    let place = Server::shared().place();
    let first = place.open();
    let claim = first.claim("the first").await.unwrap();
    let second = place.open();
    // The first one's keeper may need a moment to show that it is there; until then the second one waits for it.
    let Err(StoreError::Locked { place: at, holder }) = second.claim("the second").await else {
        panic!("the second owner is refused");
    };
    assert!(at.contains(&place.schema), "{at}");
    assert!(holder.starts_with(&format!("process {} on ", std::process::id())), "{holder}");
    assert!(holder.ends_with("(the first)"), "{holder}");
    let stolen = append(&second, claim, vec![fact(run(1), 0, "stolen")]).await;
    assert!(matches!(stolen, Err(StoreError::ReadOnly(_))), "{stolen:?}");
    append(&first, claim, vec![fact(run(1), 0, "first")]).await.unwrap();
    second.put_secret("s", "sealed".into(), Timestamp(0)).await.unwrap();
    first.close().await.unwrap();

    let before = Instant::now();
    let newer = second.claim("the second").await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(4), "a closed owner hands the lease back at once");
    assert!(newer.epoch > claim.epoch);
    append(&second, newer, vec![fact(run(1), 1, "second")]).await.unwrap();
    assert_eq!(count(&second, run(1)).await, 2);
    drop(second);
    place.drop().await;
}

#[tokio::test]
async fn a_lease_is_kept_until_its_end_and_no_longer() {
    let place = Server::shared().place();
    let store = place.open();
    let other = other_owner(&place, 2).await;
    let start = Instant::now();
    let mut refusals = 0;
    loop {
        match store.claim("me").await {
            Ok(_) => break,
            Err(StoreError::Locked { holder, .. }) => assert_eq!(holder, "process 7 on mars (other)"),
            Err(other) => panic!("{other:?}"),
        }
        refusals += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(refusals > 0 && (1.5..10.0).contains(&start.elapsed().as_secs_f64()), "{:?}", start.elapsed());
    drop((store, other));
    place.drop().await;
}

#[tokio::test]
async fn an_owner_that_died_is_waited_for_a_moment_only() {
    let place = Server::shared().place();
    let store = place.open();
    // Its connection goes, as that of a killed process does; its lease would last an hour.
    drop(other_owner(&place, 3600).await);
    let start = Instant::now();
    store.claim("me").await.unwrap();
    assert!((0.5..30.0).contains(&start.elapsed().as_secs_f64()), "{:?}", start.elapsed());
    drop(store);
    place.drop().await;
}

#[tokio::test]
async fn a_lease_is_renewed_while_commits_are_slow() {
    let place = Server::shared().place().with("lease=1s");
    let owner = place.open();
    let claim = owner.claim("owner").await.unwrap();
    append(&owner, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let slow = place.client().await;
    slow.batch_execute("BEGIN; LOCK TABLE facts IN EXCLUSIVE MODE").await.unwrap();
    let handed: Vec<_> = (1..=10)
        .map(|seq| owner.append(drawloom_store::Append { claim, runs: vec![fact(run(1), seq, "slow")] }))
        .collect();
    let second = place.open();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2500) {
        let refused = second.claim("second").await;
        assert!(matches!(refused, Err(StoreError::Locked { .. })), "{refused:?}");
        assert_eq!(count(&owner, run(1)).await, 1, "reading goes on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    slow.batch_execute("COMMIT").await.unwrap();
    for it in handed {
        it.await.unwrap();
    }
    assert_eq!(count(&owner, run(1)).await, 11);
    drop((owner, second));
    place.drop().await;
}

#[tokio::test]
async fn an_owner_that_has_nothing_to_do_keeps_its_lease() {
    let place = Server::shared().place().with("lease=2s");
    let (owner, second) = (place.open(), place.open());
    let claim = owner.claim("owner").await.unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(3200) {
        let refused = second.claim("second").await;
        assert!(matches!(refused, Err(StoreError::Locked { .. })), "{refused:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    append(&owner, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    drop((owner, second));
    place.drop().await;
}

#[tokio::test]
async fn a_former_owner_writes_nothing() {
    let place = Server::shared().place();
    let owner = place.open();
    let claim = owner.claim("owner").await.unwrap();
    append(&owner, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    // Somebody else takes over while it knows nothing of it.
    place.sql("UPDATE lease SET expires = '-infinity'").await;
    let second = place.open();
    place.sql("UPDATE lease SET expires = '-infinity'").await;
    let newer = loop {
        match second.claim("second").await {
            Ok(it) => break it,
            Err(StoreError::Locked { .. }) => place.sql("UPDATE lease SET expires = '-infinity'").await,
            Err(other) => panic!("{other:?}"),
        }
    };
    let handed: Vec<_> = (1..=5)
        .map(|seq| owner.append(drawloom_store::Append { claim, runs: vec![fact(run(1), seq, "late")] }))
        .collect();
    for it in handed {
        let fenced = it.await;
        let Err(StoreError::Fenced { held, current, .. }) = fenced else { panic!("{fenced:?}") };
        assert_eq!((held, current), (claim.epoch, newer.epoch));
    }
    let fenced = append(&owner, claim, vec![fact(run(2), 0, "new")]).await;
    assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "{fenced:?}");
    append(&second, newer, vec![fact(run(1), 1, "mine")]).await.unwrap();
    assert_eq!((count(&second, run(1)).await, count(&second, run(2)).await), (2, 0));
    drop((owner, second));
    place.drop().await;
}

/// Takes over from an owner that knows nothing of it.
async fn take_over(place: &super::Spot, store: &PostgresStore) -> Claim {
    loop {
        place.sql("UPDATE lease SET expires = '-infinity'").await;
        match store.claim("second").await {
            Ok(it) => return it,
            // The first one has renewed its lease meanwhile.
            Err(StoreError::Locked { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// What the former owner has under way is neither passed nor ended, however long it takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_owner_waits_for_a_commit_that_is_under_way() {
    let place = Server::own().place_that_stays();
    let place = &place.0;
    let (owner, second) = (place.open(), place.open());
    let claim = owner.claim("owner").await.unwrap();
    append(&owner, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let slow = place.client().await;
    slow.batch_execute("BEGIN; LOCK TABLE facts IN EXCLUSIVE MODE").await.unwrap();
    let under_way = owner.append(drawloom_store::Append { claim, runs: vec![fact(run(1), 1, "two")] });
    let watch = place.client().await;
    let waiting = async || -> Option<i32> {
        let sql = "SELECT min(pid) FROM pg_locks WHERE NOT granted AND relation = 'facts'::regclass";
        watch.query_one(sql, &[]).await.unwrap().get(0)
    };
    while waiting().await.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let at_work = waiting().await;
    let there = place.clone();
    let claiming = tokio::spawn(async move { (take_over(&there, &second).await, second) });
    // Longer than it waits for a lock before it looks who holds it.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(!claiming.is_finished(), "the claim passed a commit");
    assert_eq!(waiting().await, at_work, "it is the same connection");
    slow.batch_execute("COMMIT").await.unwrap();
    under_way.await.unwrap();
    let (newer, second) = claiming.await.unwrap();
    append(&second, newer, vec![fact(run(1), 2, "three")]).await.unwrap();
    assert_eq!(count(&second, run(1)).await, 3);
}

/// While the former owner lives, it neither renews the lease of the present one nor stands in for it.
#[tokio::test]
async fn a_former_owner_lets_go_of_the_lease() {
    let place = Server::shared().place().with("lease=1s");
    let (owner, next) = (place.open(), place.open());
    owner.claim("owner").await.unwrap();
    // Somebody took over and died at once; their lease would last an hour.
    drop(other_owner(&place, 3600).await);
    let start = Instant::now();
    while let Err(refused) = next.claim("next").await {
        assert!(matches!(refused, StoreError::Locked { .. }), "{refused:?}");
        assert!(start.elapsed() < Duration::from_secs(20), "{refused:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop((owner, next));
    place.drop().await;
}

#[tokio::test]
async fn a_former_owner_that_closes_leaves_the_lease_to_the_present_one() {
    let place = Server::shared().place();
    let (owner, second) = (place.open(), place.open());
    let claim = owner.claim("owner").await.unwrap();
    append(&owner, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    take_over(&place, &second).await;
    owner.close().await.unwrap();
    let held = "SELECT holder IS NOT NULL AND expires > clock_timestamp() FROM lease";
    assert!(place.client().await.query_one(held, &[]).await.unwrap().get::<_, bool>(0));
    drop((owner, second));
    place.drop().await;
}

#[tokio::test]
async fn a_former_owner_that_connects_again_does_not_disturb_the_present_one() {
    let place = Server::own().place_that_stays();
    let place = &place.0;
    let (owner, second) = (place.open(), place.open());
    let claim = owner.claim("owner").await.unwrap();
    append(&owner, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let newer = take_over(place, &second).await;
    place.kill("true").await;
    append(&second, newer, vec![fact(run(1), 1, "two")]).await.unwrap();
    let late = append(&owner, claim, vec![fact(run(1), 1, "late")]).await;
    // It may have been sent before it was noticed that nobody is there.
    assert!(matches!(late, Err(StoreError::Fenced { .. } | StoreError::Broken(_))), "{late:?}");
    append(&second, newer, vec![fact(run(1), 2, "three")]).await.unwrap();
    assert_eq!(count(&second, run(1)).await, 3);
}

#[tokio::test]
async fn an_owner_that_claims_again_knows_nothing_of_the_time_between() {
    let place = Server::shared().place();
    let (first, second) = (place.open(), place.open());
    let claim = first.claim("first").await.unwrap();
    append(&first, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let newer = take_over(&place, &second).await;
    // Only the row changes, and then back.
    let mut paused = fact(run(1), 1, "");
    paused.facts.clear();
    paused.state.status = RunStatus::Paused;
    append(&second, newer, vec![paused]).await.unwrap();
    let again = take_over(&place, &first).await;
    append(&first, again, vec![fact(run(1), 1, "two")]).await.unwrap();
    assert_eq!(first.run(run(1)).await.unwrap().unwrap().state, fact(run(1), 1, "").state);
    drop((first, second));
    place.drop().await;
}

/// What an owner has acknowledged may be gone by the time it claims again: the one between may have deleted it.
#[tokio::test]
async fn an_owner_that_claims_again_misses_nothing_that_was_deleted_meanwhile() {
    let place = Server::own().place_that_stays();
    let place = &place.0;
    let (first, second) = (place.open(), place.open());
    let claim = first.claim("first").await.unwrap();
    append(&first, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let newer = take_over(place, &second).await;
    let mut end = fact(run(1), 1, "end");
    end.state = RunState { status: RunStatus::Failed, ended_at: Some(Timestamp(9)), ..RunState::default() };
    append(&second, newer, vec![end]).await.unwrap();
    assert_eq!(second.delete_run(run(1)).await, Ok(true));
    let again = take_over(place, &first).await;
    place.kill("true").await;
    append(&first, again, vec![fact(run(2), 0, "one")]).await.unwrap();
    assert_eq!(count(&first, run(2)).await, 1);
}

#[tokio::test]
async fn an_owner_that_ends_well_hands_the_lease_back() {
    let place = Server::shared().place();
    let client = place.client().await;
    for is_closed in [true, false] {
        let store = place.open();
        store.claim("owner").await.unwrap();
        let held = "SELECT holder IS NOT NULL OR expires > clock_timestamp() FROM lease";
        assert!(client.query_one(held, &[]).await.unwrap().get::<_, bool>(0));
        if is_closed {
            store.close().await.unwrap();
        }
        drop(store);
        assert!(!client.query_one(held, &[]).await.unwrap().get::<_, bool>(0), "whoever comes next need not wait");
    }
    place.drop().await;
}
