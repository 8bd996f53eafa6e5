//! Sub-flows whose start meets a crash, a wish, or a store that is away.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use drawloom_blueprint::{Fact, Move, OpenedAs, RunId, RunStatus, Value};
use drawloom_runtime::{Recover, Taken, Work};
use drawloom_store::RunFilter;

use crate::{
    world::{Within, World, memory, publish, start},
    wrapped::{Hooks, Wrapped},
};

const PATIENT: &str = "\nname: child\nsteps: [ { id: s, wait: { signal: go } } ]\n";

/// It is over as soon as it begins.
const INSTANT: &str = "\nname: child\nsteps: [ { id: n, set: { n: 1 } } ]\noutputs: { n: '{{ n.n }}' }\n";

const PARENT: &str = "\nname: parent\nsteps: [ { id: sub, flow: child } ]\n";

/// Long enough for the loop to take notice of what it was sent.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// A run whose process died before it could start the sub-flow, and the run that this is to be.
async fn left_over() -> (World, RunId, RunId) {
    let mut world = memory();
    publish(&*world.store().await, PATIENT).await;
    world.settings.work = Work::Leave;
    let loom = world.open().await;
    let run = loom.start(start(PARENT)).await.unwrap().run;
    let facts = loom.reader().facts(run, 0).await.unwrap();
    let opened = facts.iter().flat_map(|it| &it.fact.moves).find_map(|it| match it {
        Move::Opened(_, _, it) => Some(&it.what),
        _ => None,
    });
    let Some(OpenedAs::Flow { run: child, .. }) = opened else { panic!("{opened:?}") };
    loom.close().soon().await.unwrap();
    world.settings.work = Work::Do;
    (world, run, *child)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_of_a_sub_flow_that_is_about_to_begin_waits_for_its_beginning_alone() {
    let (world, run, child) = left_over().await;
    let store = world.store().await;
    let (wrapped, hooks) = Wrapped::around(Arc::clone(&store));
    hooks.let_read(child, 0);
    let loom = world.open_on(wrapped).await;
    loom.recover(Recover::Run(run)).await.unwrap();
    hooks.until_read(1).soon().await;
    loom.cancel(run).soon().await.unwrap();
    a_moment().await;
    // Whoever would look for the run to cancel, instead of waiting for it to begin, is held.
    hooks.let_read(child, 1);
    let ended = async {
        loop {
            match store.run(child).await.unwrap() {
                Some(row) if row.state.status.is_end() => return row.state.status,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    assert_eq!(ended.soon().await, RunStatus::Cancelled);
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_something_of_a_sub_flow_before_it_is_to_begin_is_answered() {
    let (world, run, child) = left_over().await;
    let (wrapped, hooks) = Wrapped::around(world.store().await);
    hooks.let_read(child, 0);
    let loom = world.open_on(wrapped).await;
    let asking = tokio::spawn({
        let loom = loom.clone();
        async move { loom.signal(child, "go", Value::Null).await }
    });
    hooks.until_read(1).soon().await;
    loom.recover(Recover::Run(run)).await.unwrap();
    hooks.until_read(2).soon().await;
    // It is found that there is no such run, and then that it may begin.
    hooks.let_read(child, 1);
    a_moment().await;
    hooks.let_read(child, 2);
    assert_eq!(asking.soon().await.unwrap().unwrap(), Taken::Yes);
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_sub_flow_begins_when_the_store_can_be_reached_again() {
    let world = memory();
    publish(&*world.store().await, INSTANT).await;
    let (store, hooks) = Wrapped::around(world.store().await);
    hooks.row_failures.store(5, Ordering::SeqCst);
    let loom = world.open_on(store).await;
    let run = loom.start(start(PARENT)).await.unwrap().run;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(hooks.row_failures.load(Ordering::SeqCst), 0, "it was asked again and again");
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
}

/// A run that is broken off, as the append with this number fails.
async fn broken_off(world: &World, text: &str, fail_from: u64) -> (RunId, Arc<Hooks>) {
    publish(&*world.store().await, INSTANT).await;
    let (store, hooks) = Wrapped::around(world.store().await);
    hooks.fail_from.store(fail_from, Ordering::SeqCst);
    let loom = world.open_on(store).await;
    let run = loom.start(start(text)).soon().await.unwrap().run;
    loom.failed().soon().await;
    (run, hooks)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_sub_flow_that_ended_before_a_crash_has_begun_and_no_more() {
    let world = memory();
    let text = "
name: parent
steps: [ { id: free, flow: child, detach: true } ]
outputs: { free: '{{ free }}' }
";
    // The first append begins the run, the second begins and ends the sub-flow, the third would tell of it.
    let (run, _) = broken_off(&world, text, 3).await;
    let store = world.store().await;
    let of_parent = RunFilter { parent: Some(run), ..RunFilter::default() };
    let child = store.runs(&of_parent, None, 2).await.unwrap().remove(0);
    assert_eq!(child.state.status, RunStatus::Succeeded);
    let loom = world.recover().await;
    let view = loom.finished(run).soon().await.unwrap();
    assert_eq!(view.outputs.to_json(), format!(r#"{{"free":{{"run":"{}"}}}}"#, child.run));
    // So it is where nothing comes between.
    let run = loom.start(start(text)).await.unwrap().run;
    let view = loom.finished(run).soon().await.unwrap();
    assert!(view.outputs.to_json().starts_with(r#"{"free":{"run":"#), "{:?}", view.outputs);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_flow_that_is_started_again_after_a_crash_has_the_same_seed() {
    let seed = |it: &[u8]| match &Fact::decode(it).unwrap().moves[0] {
        Move::Started(it) => it.seed,
        other => panic!("{other:?}"),
    };
    let world = memory();
    let (run, hooks) = broken_off(&world, PARENT, 2).await;
    let lost = hooks.refused.lock().unwrap().remove(0);
    let loom = world.recover().await;
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
    let facts = world.store().await.facts(lost.run, 0).await.unwrap();
    assert_eq!(seed(&facts[0].fact), seed(&lost.facts[0].fact));
}
