//! A small run beside a large one: how much of the large one goes first is bounded, wherever they meet.

use std::sync::Arc;

use drawloom_blueprint::{RunStatus, Value};
use drawloom_runtime::{Seen, Start, What, Which};

use crate::world::{Within, flow, memory, start};

/// Slots of the process.
const SLOTS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_a_large_run_let_those_of_a_small_one_through() {
    let mut world = memory();
    world.settings.parallelism = SLOTS;
    let loom = world.open().await;
    // All of them wait for slots at once. Each takes a moment, so that a loaded machine does not let thousands pass.
    let large = "
name: large
steps: [ { id: m, for_each: { in: '{{ range(20000) }}', as: n, concurrency: 20000 }, do: [ { id: x, uses: probe, with: { millis: 1 } } ] } ]
";
    let large = loom.start(start(large)).await.unwrap().run;
    world.probe.until(|it| it.done().len() > 200).await;
    let small = "
name: small
steps: [ { id: a, uses: probe, with: {} }, { id: b, uses: probe, with: {} }, { id: c, uses: probe, with: {} } ]
";
    let small = loom.start(start(small)).soon().await.unwrap().run;
    assert_eq!(loom.finished(small).soon().await.unwrap().status, RunStatus::Succeeded);
    let order = world.probe.order();
    let at = |path: &str| order.iter().position(|it| it == path).unwrap();
    for (done, begun) in [("a done", "b"), ("b done", "c")] {
        let between = &order[at(done)..at(begun)];
        let others = between.iter().filter(|it| it.starts_with("m[") && !it.ends_with(" done")).count();
        // Until the result is durable and the next task is ready, slots that become free go to the large run.
        assert!(others <= 4_000, "{others} tasks of the large run began between `{done}` and `{begun}`");
    }
    assert_eq!(loom.reader().row(large).await.unwrap().state.status, RunStatus::Running);
    loom.kill(large).soon().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_of_a_large_run_let_those_of_a_small_one_through() {
    let world = memory();
    let loom = world.open().await;
    // Each of these steps is decided within the loop of its shard, with no task between.
    let inner =
        "{ id: inner, for_each: { in: '{{ range(1000) }}', as: k }, do: [ { id: x, uses: log, with: { v: 1 } } ] }";
    let large = format!(
        "\nname: large\nsteps: [ {{ id: m, for_each: {{ in: '{{{{ range(100) }}}}', as: n }}, do: [ {inner} ] }} ]\n"
    );
    let large = loom.start(start(&large)).await.unwrap().run;
    let small = "
name: small
steps: [ { id: a, uses: log, with: {} }, { id: b, uses: probe, with: {} }, { id: c, uses: log, with: {} } ]
";
    let small = loom.start(start(small)).soon().await.unwrap().run;
    assert_eq!(loom.finished(small).soon().await.unwrap().status, RunStatus::Succeeded);
    let before = loom.reader().row(large).await.unwrap();
    let facts_before = before.last_seq;
    assert_eq!(before.state.status, RunStatus::Running, "the small run does not wait for the large one");
    assert_eq!(loom.finished(large).soon().await.unwrap().status, RunStatus::Succeeded);
    let facts = loom.reader().row(large).await.unwrap().last_seq;
    assert!(facts > 20 && facts_before < facts / 2, "{facts_before} of {facts} facts of the large run came first");
}

/// One thread does all here, so that what waits for the loop is there before the loop looks.
#[tokio::test]
async fn attempts_that_end_and_callers_take_turns() {
    const CALLS: usize = 300;
    const ENDS: usize = 5;
    let world = memory();
    let loom = world.open().await;
    let waits = flow("name: waits\nsteps: [ { id: s, wait: { signal: go } } ]\n");
    let mut called = Vec::new();
    for _ in 0..CALLS {
        let which = Which::Blueprint { blueprint: Arc::clone(&waits), source: None };
        called.push(loom.start(Start::of(which, Value::Null)).await.unwrap().run);
    }
    for _ in 0..ENDS {
        loom.start(start("\nname: works\nsteps: [ { id: a, uses: probe, with: { hold: a } } ]\n")).await.unwrap();
    }
    world.probe.until(|it| it.begun("a") == ENDS).await;
    let mut events = loom.events();
    for run in called {
        let loom = loom.clone();
        tokio::spawn(async move { loom.signal(run, "go", Value::Null).await });
    }
    world.probe.open("a");
    let mut ended = Vec::new();
    while ended.len() < CALLS + ENDS {
        if let Some(Seen::Event(it)) = events.next().soon().await
            && let What::Run { flow, status: RunStatus::Succeeded, .. } = &it.what
        {
            ended.push(flow.to_string());
        }
    }
    let last = ended.iter().rposition(|it| it == "works").unwrap();
    assert!(last < 100, "{last} others went before the last attempt that had ended");
}
