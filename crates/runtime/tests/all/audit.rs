//! Rows of the index that say something else than the facts, and those that only look so.

use std::sync::Arc;

use drawloom_blueprint::{RunStatus, Timestamp, Value};
use drawloom_runtime::Reader;
use drawloom_store::{Append, Follows, RunAppend, RunReader as _, RunRow, RunState, Store, verify::verify};

use crate::{
    world::{Within, memory, publish, start},
    wrapped::{Hold, Wrapped},
};

fn reader(store: Arc<dyn Store>) -> Reader {
    Reader::new(store, |_, with| Ok(with.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_goes_on_or_is_deleted_while_it_is_read_has_nothing_wrong() {
    for is_deleted in [false, true] {
        let world = memory();
        let loom = world.open().await;
        let text = "\nname: s\nsteps: [ { id: s, wait: { signal: go } }, { id: a, uses: probe, with: {} } ]\n";
        let run = loom.start(start(text)).await.unwrap().run;
        let (store, hooks) = Wrapped::around(world.store().await);
        hooks.hold_facts(Hold::On);
        let row = store.run(run).await.unwrap().unwrap();
        let verifying = tokio::spawn({
            let store = Arc::clone(&store);
            async move { verify(&*store, 9).await }
        });
        let auditing = tokio::spawn(async move { reader(store).audit(&row).await });
        hooks.until_facts_are_read(2).soon().await;
        loom.signal(run, "go", Value::Null).soon().await.unwrap();
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        if is_deleted {
            loom.delete(run).soon().await.unwrap();
        }
        hooks.hold_facts(Hold::Off);
        assert_eq!(verifying.await.unwrap(), Ok(Vec::new()));
        let audited = auditing.await.unwrap().unwrap();
        assert_eq!(audited.is_empty(), !is_deleted, "{audited:?}");
    }
}

/// Changes the state in a run's row and nothing else.
async fn alter(store: &dyn Store, row: &RunRow, alter: impl FnOnce(&mut RunState)) {
    let claim = store.claim("somebody").await.unwrap();
    let mut state = row.state.clone();
    alter(&mut state);
    let follows = Follows::Seq(row.last_seq);
    let runs = vec![RunAppend { run: row.run, follows, facts: Vec::new(), state, blobs: Vec::new() }];
    store.append(Append { claim, runs }).await.unwrap();
}

/// A way to spoil a row.
type Spoil = fn(&mut RunState);

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_not_as_the_facts_say_is_found() {
    let asleep = "\nname: s\nsteps: [ { id: s, wait: { for: 1h } } ]\n";
    let works = "\nname: w\nsteps: [ { id: a, uses: probe, with: { hold: a } } ]\n";
    let waits = "\nname: p\nsteps: [ { id: sub, flow: sleeper } ]\n";
    let cases: [(&str, Spoil, &str); 6] = [
        (asleep, |it| it.next_due = None, "its row says that it is due never, and its facts at "),
        (asleep, |it| it.next_due = Some(Timestamp(0)), "its row says that it is due at 1970-01-01T00:00:00.000Z"),
        (
            asleep,
            |it| it.status = RunStatus::Paused,
            "its row says that it is paused, and its facts that it is running",
        ),
        (works, |it| it.in_flight = 0, "its row says that nothing is under way"),
        (waits, |it| it.in_flight = 0, "its row says that nothing is under way"),
        (works, |it| it.ended_at = Some(Timestamp(0)), "its row says that it ended at 1970-01-01T00:00:00.000Z"),
    ];
    for (text, spoil, wanted) in cases {
        let world = memory();
        publish(&*world.store().await, "\nname: sleeper\nsteps: [ { id: s, wait: { for: 1h } } ]\n").await;
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        drop(loom);
        let store = world.store().await;
        let row = store.run(run).await.unwrap().unwrap();
        assert_eq!(reader(Arc::clone(&store)).audit(&row).await.unwrap(), Vec::<String>::new());
        alter(&*store, &row, spoil).await;
        let row = store.run(run).await.unwrap().unwrap();
        let found = reader(store).audit(&row).await.unwrap();
        assert!(matches!(&found[..], [it] if it.starts_with(wanted)), "{wanted}: {found:?}");
    }
}
