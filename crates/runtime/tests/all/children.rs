//! Sub-flows as runs: which version, who is told of what, what a cancel and a kill reach.

use std::time::Duration;

use drawloom_blueprint::{RunId, RunStatus, Value};
use drawloom_runtime::{Error, Loom, Recover};
use drawloom_store::{RunFilter, Store};

use crate::world::{Within, World, memory, publish, start, wait_while, worlds};

const PATIENT: &str = "
name: child
steps:
  - id: t
    try: [ { id: x, uses: probe, with: { hold: never } } ]
    finally: [ { id: f, uses: probe, with: { hold: f } } ]
";

const PARENT: &str = "
name: parent
steps: [ { id: sub, flow: child } ]
";

async fn child_of(store: &dyn Store, run: RunId) -> RunId {
    let of_parent = RunFilter { parent: Some(run), ..Default::default() };
    store.runs(&of_parent, None, 2).await.unwrap().remove(0).run
}

/// A parent that was cancelled, and its sub-flow, which does its `finally`.
async fn cancelled(world: &World, loom: &Loom) -> (RunId, RunId) {
    let store = world.store().await;
    publish(&*store, PATIENT).await;
    let run = loom.start(start(PARENT)).await.unwrap().run;
    world.probe.until(|it| it.begun("t.try.x") == 1).await;
    loom.cancel(run).soon().await.unwrap();
    world.probe.until(|it| it.begun("t.finally.f") == 1).await;
    (run, child_of(&*store, run).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_a_recovery_repeats_does_not_kill() {
    for world in worlds() {
        let loom = world.open().await;
        let (run, child) = cancelled(&world, &loom).await;
        drop(loom);
        let loom = world.recover().await;
        world.probe.until(|it| it.begun("t.finally.f") == 2).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.probe.open("f");
        for run in [run, child] {
            assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Cancelled);
        }
        assert_eq!(world.probe.successes("t.finally.f"), 1, "its `finally` came to its end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_reaches_sub_flows_that_are_being_cancelled() {
    let world = memory();
    let loom = world.open().await;
    let (run, child) = cancelled(&world, &loom).await;
    loom.kill(run).soon().await.unwrap();
    for run in [run, child] {
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Cancelled);
    }
    assert_eq!(world.probe.successes("t.finally.f"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_flow_is_of_the_version_that_is_asked_for_and_knows_its_parent() {
    let world = memory();
    let loom = world.open().await;
    let store = world.store().await;
    let child = |n: u32| {
        format!(
            "
name: child
steps: [ {{ id: v, set: {{ n: {n}, trigger: '{{{{ run.trigger }}}}', depth: '{{{{ run.depth }}}}', number: '{{{{ run.version }}}}' }} }} ]
outputs: {{ v: '{{{{ v }}}}' }}
"
        )
    };
    assert_eq!((publish(&*store, &child(1)).await, publish(&*store, &child(2)).await), (1, 2));
    let text = "
name: parent
steps: [ { id: old, flow: 'child@1' }, { id: new, flow: child } ]
outputs: { old: '{{ old.v }}', new: '{{ new.v }}' }
";
    let run = loom.start(start(text)).await.unwrap().run;
    let view = loom.finished(run).soon().await.unwrap();
    let expected = |n: u32| format!(r#"{{"n":{n},"trigger":{{"kind":"flow","run":"{run}"}},"depth":1,"number":{n}}}"#);
    assert_eq!(view.outputs.to_json(), format!(r#"{{"old":{},"new":{}}}"#, expected(1), expected(2)));
    let child = loom.reader().view(child_of(&*store, run).await).await.unwrap();
    assert_eq!((child.parent, view.parent), (Some(run), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_flow_that_finds_no_room_may_be_tried_again_and_one_that_is_wrong_may_not() {
    let world = memory();
    let loom = world.open().await;
    let store = world.store().await;
    let child = "
name: child
inputs: { n: { type: integer, default: 1 } }
limits: { concurrency: { max: 1, when_full: reject } }
steps: [ { id: x, uses: probe, with: { hold: x } } ]
";
    publish(&*store, child).await;
    let first = loom.start(start(PARENT)).await.unwrap().run;
    world.probe.until(|it| it.begun("x") == 1).await;
    let second = loom.start(start(PARENT)).await.unwrap().run;
    let error = loom.finished(second).soon().await.unwrap().error.unwrap();
    assert_eq!((error.class.name(), error.code.as_deref()), ("unavailable", Some("flow-full")));
    let wrong = start("\nname: parent\nsteps: [ { id: sub, flow: child, with: { n: x } } ]\n");
    let third = loom.start(wrong).await.unwrap().run;
    let error = loom.finished(third).soon().await.unwrap().error.unwrap();
    assert_eq!((error.class.name(), error.code.as_deref()), ("invalid", Some("inputs")));
    world.probe.open("x");
    assert_eq!(loom.finished(first).soon().await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_run_outlives_the_one_that_started_it_also_after_a_crash() {
    for world in worlds() {
        let loom = world.open().await;
        let store = world.store().await;
        publish(&*store, "\nname: child\nsteps: [ { id: x, uses: probe, with: { hold: x } } ]\n").await;
        let text = "
name: parent
steps: [ { id: free, flow: child, detach: true } ]
";
        let run = loom.start(start(text)).await.unwrap().run;
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        let child = child_of(&*store, run).await;
        drop((store, loom));
        let loom = world.recover().await;
        world.probe.open("x");
        assert_eq!(loom.finished(child).soon().await.unwrap().status, RunStatus::Succeeded);
        assert!(matches!(loom.recover(Recover::Run(run)).await, Err(Error::Ended { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_sub_flows_have_ended_has_nothing_under_way() {
    for world in worlds() {
        let loom = world.open().await;
        let store = world.store().await;
        publish(&*store, "\nname: child\nsteps: [ { id: x, uses: probe, with: {} } ]\n").await;
        let text = "
name: parent
steps: [ { id: sub, flow: child }, { id: s, wait: { signal: go } }, { id: w, needs: [], wait: { signal: go } } ]
";
        let run = loom.start(start(text)).await.unwrap().run;
        let row = async || loom.reader().row(run).await.unwrap();
        wait_while(async || loom.reader().waits(run).await.unwrap().len() < 2).await;
        // It waits for a signal, and who waits need not be in memory.
        assert_eq!(row().await.state.in_flight, 0);
        loom.signal(run, "go", Value::Null).soon().await.unwrap();
        loom.signal(run, "go", Value::Null).soon().await.unwrap();
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_comes_into_memory_as_its_sub_flow_has_ended_has_nothing_under_way() {
    let world = memory();
    let store = world.store().await;
    publish(&*store, "\nname: child\nsteps: [ { id: s, wait: { signal: go } } ]\n").await;
    let loom = world.open().await;
    let text = "\nname: parent\nsteps: [ { id: sub, flow: child }, { id: s, wait: { signal: go } } ]\n";
    let run = loom.start(start(text)).await.unwrap().run;
    let of_parent = RunFilter { parent: Some(run), ..Default::default() };
    wait_while(async || store.runs(&of_parent, None, 2).await.unwrap().is_empty()).await;
    let child = child_of(&*store, run).await;
    drop((store, loom));
    let loom = world.open().await;
    // Its end is what brings the parent into memory.
    loom.signal(child, "go", Value::Null).soon().await.unwrap();
    wait_while(async || loom.reader().view(run).await.unwrap().steps[0].status != "succeeded").await;
    assert_eq!(loom.reader().row(run).await.unwrap().state.in_flight, 0, "it waits for a signal alone");
}
