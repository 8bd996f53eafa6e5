//! Connections that break and servers that go: what was acknowledged is there, what was not is found out, and a
//! server that is another one than before is refused.

use std::time::{Duration, Instant};

use drawloom_blueprint::{RunStatus, Timestamp};
use drawloom_store::{Append, Claim, Journal as _, RunReader as _, RunState, Store, StoreError, Upkeep as _};

use super::{Server, Spot, append, count, fact, run};

/// Appends that are made as fast as they are acknowledged, several under way at once, until somebody says stop.
async fn steady(store: &dyn Store, claim: Claim, stop: &std::sync::atomic::AtomicBool) -> u64 {
    append(store, claim, vec![fact(run(1), 0, "first")]).await.unwrap();
    let (mut next, mut flight) = (1, std::collections::VecDeque::new());
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        while flight.len() < 8 {
            flight.push_back(
                store.append(Append { claim, runs: vec![fact(run(1), next, format!("fact {}", next + 1))] }),
            );
            next += 1;
        }
        flight.pop_front().unwrap().await.expect("what was sent is found again");
    }
    for it in flight {
        it.await.expect("what was sent is found again");
    }
    next
}

async fn has_all(store: &dyn Store, last: u64) {
    let mut seen = 1;
    while seen < last {
        let page = store.facts(run(1), seen).await.unwrap();
        assert!(!page.is_empty(), "{seen} of {last}");
        for it in page {
            assert_eq!((it.seq, &it.fact[..]), (seen + 1, format!("fact {}", seen + 1).as_bytes()));
            seen += 1;
        }
    }
    assert_eq!(count(store, run(1)).await, last);
    assert_eq!(store.run(run(1)).await.unwrap().unwrap().last_seq, last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_killed_in_mid_append_lose_and_repeat_nothing() {
    let place = Server::own().place_that_stays();
    let store = place.0.open();
    let claim = store.claim("owner").await.unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let killer = async {
        let mut killed = 0;
        for n in 0..25 {
            tokio::time::sleep(Duration::from_millis(20 + n * 3)).await;
            killed += place.0.kill("true").await;
        }
        assert!(killed > 20, "{killed}");
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let (last, ()) = tokio::join!(steady(&store, claim, &stop), killer);
    assert!(last > 100, "{last}");
    has_all(&store, last).await;
    assert!(store.check(10).await.unwrap().iter().all(|it| !it.message.contains("follows")));
}

/// The server goes on with a commit whose client is gone: nobody may decide what became of it before it has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_outlives_its_connection_is_waited_for() {
    let direct = Server::shared().place();
    let proxy = super::support::Proxy::to(direct.address()).await;
    let store = direct.through(proxy.port).open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let slow = direct.client().await;
    slow.batch_execute("BEGIN; LOCK TABLE facts IN EXCLUSIVE MODE").await.unwrap();
    let under_way = store.append(Append { claim, runs: vec![fact(run(1), 1, "two")] });
    let watch = direct.client().await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'facts'::regclass";
    while watch.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The next one is sent, and waits in the server behind the first.
    let behind = store.append(Append { claim, runs: vec![fact(run(1), 2, "three")] });
    tokio::time::sleep(Duration::from_millis(100)).await;
    proxy.cut();
    tokio::time::sleep(Duration::from_millis(500)).await;
    slow.batch_execute("COMMIT").await.unwrap();
    under_way.await.unwrap();
    behind.await.unwrap();
    let facts = store.facts(run(1), 0).await.unwrap();
    assert_eq!(facts.iter().map(|it| &it.fact[..]).collect::<Vec<_>>(), [&b"one"[..], b"two", b"three"]);
    drop(store);
    direct.drop().await;
}

/// A connection that was cut off in the middle of a commit: the server waits for the rest of it, which never comes.
async fn cut_off(place: &Spot) -> tokio_postgres::Client {
    let silent = place.client().await;
    silent.batch_execute("BEGIN; SELECT FROM ownership FOR SHARE").await.unwrap();
    silent
}

#[tokio::test]
async fn a_commit_that_was_cut_off_holds_nobody_up() {
    let place = Server::own().place_that_stays();
    let store = place.0.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let (start, silent) = (Instant::now(), cut_off(&place.0).await);
    place.0.kill("true").await;
    append(&store, claim, vec![fact(run(1), 1, "two")]).await.unwrap();
    assert!(silent.is_closed() || silent.batch_execute("COMMIT").await.is_err());
    drop(store);
    let (store, _silent) = (place.0.open(), cut_off(&place.0).await);
    let claim = store.claim("another").await.unwrap();
    append(&store, claim, vec![fact(run(1), 2, "three")]).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(count(&store, run(1)).await, 3);
}

#[tokio::test]
async fn who_was_taken_over_with_a_commit_under_way_says_by_whom() {
    let place = Server::own().place_that_stays();
    let store = place.0.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let other = place.0.client().await;
    other.batch_execute("BEGIN; UPDATE ownership SET epoch = epoch + 1").await.unwrap();
    let mut under_way = store.append(Append { claim, runs: vec![fact(run(1), 1, "two")] });
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut under_way).await.is_err(), "it waits for the other");
    place.0.kill("true").await;
    other.batch_execute("COMMIT").await.unwrap();
    let Err(StoreError::Broken(message)) = under_way.await else { panic!("nobody knows what became of it") };
    assert!(message.starts_with("another process took the store over (epoch 2)"), "{message}");
}

#[tokio::test]
async fn a_commit_that_is_never_answered_breaks_the_writer_in_time() {
    let place = Server::own().place_that_stays();
    let store = place.0.with("patience=1s").open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let stuck = place.0.client().await;
    stuck.batch_execute("BEGIN; LOCK TABLE facts IN EXCLUSIVE MODE").await.unwrap();
    let start = Instant::now();
    let broken = append(&store, claim, vec![fact(run(1), 1, "two")]).await;
    assert!(matches!(broken, Err(StoreError::Broken(_))), "{broken:?}");
    drop(store);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_an_old_connection_sends_late_is_refused() {
    let place = Server::own().place_that_stays();
    let store = place.0.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    place.0.kill("true").await;
    append(&store, claim, vec![fact(run(1), 1, "two")]).await.unwrap();
    let late = place.0.client().await;
    late.batch_execute("SET drawloom.turn = '0'").await.unwrap();
    let nothing = vec!["'{}'"; 34].join(", ");
    // The first connection was the owner's line 1; the present one is a later one.
    let call =
        async |line: &str| late.batch_execute(&format!("SELECT append({}, {line}, 0, {nothing})", claim.epoch)).await;
    let refused = call("1").await.unwrap_err();
    assert_eq!(refused.code().map(|it| it.code().to_owned()), Some("DL001".to_owned()), "{refused:?}");
    call("(SELECT session FROM ownership)").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_and_comes_back_only_delays() {
    let server = Server::own();
    let place = server.place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let crashes = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            tokio::task::block_in_place(|| server.ctl("-m immediate restart"));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let readings = async {
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            store.run(run(1)).await.expect("reading waits for the server");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (last, (), ()) = tokio::join!(steady(&store, claim, &stop), crashes, readings);
    has_all(&store, last).await;
    store.close().await.unwrap();
    let store = place.open();
    let newer = store.claim("again").await.unwrap();
    append(&store, newer, vec![fact(run(1), last, "next")]).await.unwrap();
}

#[tokio::test]
async fn a_server_that_stays_away_breaks_the_writer_in_time() {
    let server = Server::own();
    let place = server.place().with("patience=1s");
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    server.ctl("-m immediate stop");
    let start = Instant::now();
    let broken = append(&store, claim, vec![fact(run(1), 1, "lost")]).await;
    assert!(matches!(broken, Err(StoreError::Broken(_))), "{broken:?}");
    let unavailable = store.run(run(1)).await;
    assert!(matches!(unavailable, Err(StoreError::Unavailable(_))), "{unavailable:?}");
    let spent = Instant::now();
    for _ in 0..8 {
        let unavailable = store.run(run(1)).await;
        assert!(matches!(unavailable, Err(StoreError::Unavailable(_))), "{unavailable:?}");
    }
    assert!(spent.elapsed() < Duration::from_secs(4), "one outage takes its patience once: {:?}", spent.elapsed());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    server.ctl("start");
    let later = append(&store, claim, vec![fact(run(1), 1, "later")]).await;
    assert!(matches!(later, Err(StoreError::Broken(_))), "only opening it again mends it: {later:?}");
    assert_eq!(count(&store, run(1)).await, 1, "reading works again by itself");
    drop(store);
    let store = place.open();
    let claim = store.claim("again").await.unwrap();
    append(&store, claim, vec![fact(run(1), 1, "next")]).await.unwrap();
}

/// What a store does after `change`, which is made while its connections are cut. A run `ENDED` that it names has ended.
async fn after(change: &str) -> (Result<(), StoreError>, Result<u64, StoreError>) {
    let place = Server::own().place_that_stays();
    let store = place.0.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    append(&store, claim, vec![fact(run(1), 1, "two")]).await.unwrap();
    if change.contains("ENDED") {
        append(&store, claim, vec![fact(run(2), 0, "one")]).await.unwrap();
        let mut end = fact(run(2), 1, "end");
        end.state = RunState { status: RunStatus::Failed, ended_at: Some(Timestamp(9)), ..RunState::default() };
        append(&store, claim, vec![end]).await.unwrap();
    }
    let change = change.replace("SCHEMA_NAME", &place.0.schema).replace("ENDED", &format!("'{:032x}'", run(2).0));
    place.0.sql(&change).await;
    place.0.kill("true").await;
    let appended = append(&store, claim, vec![fact(run(1), 2, "three")]).await;
    let read = store.facts(run(1), 0).await.map(|it| it.len() as u64);
    assert!(
        place.0.client().await.query_one("SELECT to_regclass('nothing') IS NULL", &[]).await.is_ok(),
        "the server answers"
    );
    (appended, read)
}

#[tokio::test]
async fn an_empty_standby_is_refused_and_not_made_a_store() {
    let (appended, read) = after("DROP SCHEMA SCHEMA_NAME CASCADE").await;
    let Err(StoreError::Broken(message)) = appended else { panic!("{appended:?}") };
    assert!(message.contains("holds no store now"), "{message}");
    assert!(matches!(&read, Err(StoreError::Damaged(it)) if it.contains("failed over")), "{read:?}");
}

#[tokio::test]
async fn another_store_at_the_same_address_is_refused() {
    let (appended, read) = after("UPDATE store SET id = gen_random_uuid()").await;
    assert!(matches!(&appended, Err(StoreError::Broken(it)) if it.contains("holds another store")), "{appended:?}");
    assert!(matches!(&read, Err(StoreError::Damaged(_))), "{read:?}");
}

#[tokio::test]
async fn a_store_that_a_newer_binary_migrated_beneath_is_left_alone() {
    let (appended, read) = after("UPDATE store SET version = 2").await;
    assert!(matches!(&appended, Err(StoreError::Broken(it)) if it.contains("schema version 2")), "{appended:?}");
    assert!(matches!(&read, Err(StoreError::Newer { found: 2, known: 1 })), "{read:?}");
}

#[tokio::test]
async fn a_standby_that_lagged_behind_is_refused() {
    let (appended, _) = after("DELETE FROM facts WHERE seq > 1").await;
    assert!(matches!(&appended, Err(StoreError::Broken(it)) if it.contains("lagged behind")), "{appended:?}");
    let (appended, _) = after("UPDATE ownership SET epoch = 0").await;
    assert!(matches!(&appended, Err(StoreError::Broken(it)) if it.contains("lagged behind")), "{appended:?}");
}

#[tokio::test]
async fn the_end_of_a_run_that_is_undone_is_noticed() {
    let undone = "UPDATE runs SET status = 1, ended_at = NULL, last_seq = 1 WHERE id = ENDED";
    let (appended, _) = after(&format!("DELETE FROM facts WHERE run = ENDED AND seq > 1; {undone}")).await;
    assert!(matches!(&appended, Err(StoreError::Broken(it)) if it.contains("lagged behind")), "{appended:?}");
    let deleted = "DELETE FROM facts WHERE run = ENDED; DELETE FROM runs WHERE id = ENDED";
    assert_eq!(after(deleted).await.0, Ok(()), "a run that ended and was deleted is nothing lost");
}

/// What was deleted is no commit that was lost, also where it was the last that is known of.
#[tokio::test]
async fn a_run_that_ended_and_was_deleted_is_not_missed() {
    let place = Server::own().place_that_stays();
    let store = place.0.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let mut end = fact(run(1), 1, "end");
    end.state = RunState { status: RunStatus::Failed, ended_at: Some(Timestamp(9)), ..RunState::default() };
    append(&store, claim, vec![end]).await.unwrap();
    assert_eq!(store.delete_run(run(1)).await, Ok(true));
    place.0.kill("true").await;
    append(&store, claim, vec![fact(run(2), 0, "one")]).await.unwrap();
}

/// A place on a server of its own, which is kept as long as the place is.
pub(crate) struct Kept(pub(crate) Spot, #[expect(dead_code, reason = "kept for its end")] Server);

impl Server {
    pub(crate) fn place_that_stays(self) -> Kept {
        Kept(self.place(), self)
    }
}
