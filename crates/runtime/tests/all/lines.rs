//! Lines that attempts print, and a store that is slow or fails. Time stands still until nothing else is to be done.

use std::{sync::atomic::Ordering, time::Duration};

use drawloom_blueprint::RunStatus;
use drawloom_store::{LogPlace, LogQuery, Logs as _};
use tokio::time::{sleep, timeout};

use crate::{
    world::{memory, start},
    wrapped::{Hold, Wrapped},
};

#[tokio::test(start_paused = true)]
async fn closing_waits_until_lines_are_stored() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store.clone()).await;
    hooks.hold_logs(Hold::On);
    let run = loom.start(start("\nname: t\nsteps: [ { id: a, uses: probe, with: { print: one } } ]\n")).await;
    let run = run.unwrap().run;
    assert_eq!(loom.finished(run).await.unwrap().status, RunStatus::Succeeded);
    let mut closing = tokio::spawn(loom.close());
    assert!(timeout(Duration::from_secs(1), &mut closing).await.is_err(), "the line is on its way");
    hooks.hold_logs(Hold::Off);
    closing.await.unwrap().unwrap();
    let query = LogQuery { run, path: None, attempt: None };
    assert_eq!(store.read_logs(&query, LogPlace::default(), 9).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn lines_that_could_not_be_stored_leave_their_room_to_others() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store.clone()).await;
    hooks.log_failures.store(u64::MAX, Ordering::SeqCst);
    // More than there is room for.
    let with = format!("{{ print: {}, times: 40, hold: a, last: after }}", "x".repeat(1 << 20));
    let run = loom.start(start(&format!("\nname: t\nsteps: [ {{ id: a, uses: probe, with: {with} }} ]\n"))).await;
    let run = run.unwrap().run;
    world.probe.until(|it| it.has_printed("a")).await;
    sleep(Duration::from_secs(1)).await;
    assert!(hooks.log_failures.swap(0, Ordering::SeqCst) < u64::MAX, "none could be stored");
    world.probe.open("a");
    assert_eq!(loom.finished(run).await.unwrap().status, RunStatus::Succeeded);
    loom.close().await.unwrap();
    let query = LogQuery { run, path: None, attempt: None };
    let lines = store.read_logs(&query, LogPlace::default(), 9).await.unwrap();
    assert!(lines.iter().any(|it| it.line.text == "after"), "{} lines", lines.len());
}
