//! Connections that are made again: what was under way is neither forgotten nor taken for done, and an outage that is
//! over is over.

use std::time::{Duration, Instant};

use drawloom_store::{Append, Follows, Journal as _, RunReader as _};

use super::{Server, Spot, append, fact, run};

/// Has everybody who writes or reads this table wait until the client that is returned commits.
async fn held_up(place: &Spot, table: &str) -> tokio_postgres::Client {
    let slow = place.client().await;
    slow.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await.unwrap();
    slow
}

async fn until_one_waits(place: &Spot, table: &str) {
    let watch = place.client().await;
    let waiting = format!("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass");
    while watch.query_one(&waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A commit without facts leaves no number behind by which it could be found again.
#[tokio::test]
async fn a_change_of_state_that_was_lost_on_its_way_is_made_again() {
    let place = Server::own().place_that_stays();
    let place = &place.0;
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let slow = held_up(place, "ownership").await;
    let mut asleep = fact(run(1), 1, "");
    asleep.facts.clear();
    asleep.state.in_flight = 0;
    assert_eq!(asleep.follows, Follows::Seq(1));
    let state = asleep.state.clone();
    let under_way = store.append(Append { claim, runs: vec![asleep] });
    until_one_waits(place, "ownership").await;
    place.kill("wait_event_type = 'Lock'").await;
    slow.batch_execute("COMMIT").await.unwrap();
    under_way.await.unwrap();
    assert_eq!(store.run(run(1)).await.unwrap().unwrap().state, state);
}

/// The patience is that for one outage.
#[tokio::test]
async fn short_outages_one_after_the_other_do_not_add_up() {
    let place = Server::own().place_that_stays();
    let place = &place.0;
    let store = place.with("patience=2s").open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(3500) {
        let slow = held_up(place, "runs").await;
        let cut = async {
            until_one_waits(place, "runs").await;
            place.kill("wait_event_type = 'Lock'").await;
            slow.batch_execute("COMMIT").await.unwrap();
        };
        let (read, ()) = tokio::join!(store.run(run(1)), cut);
        assert!(read.expect("each of them is waited for").is_some());
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
