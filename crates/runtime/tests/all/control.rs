//! Cancel, kill, pause, resume, signals and tokens.

use drawloom_blueprint::{RunStatus, Value};
use drawloom_runtime::{Error, Taken};

use crate::world::{Within, ends, flow, json, memory, start};

#[tokio::test(flavor = "multi_thread")]
async fn cancel_reaches_running_tasks_and_lets_finally_run() {
    let world = memory();
    let loom = world.open().await;
    let text = "
name: cancelled
steps:
  - id: t
    try: [ { id: a, uses: probe, with: { hold: never } } ]
    finally: [ { id: f, uses: probe, with: { value: 1 } } ]
  - { id: b, uses: probe, with: { value: 1 } }
";
    let run = loom.start(start(text)).await.unwrap().run;
    world.probe.until(|it| it.begun("t.body.a") + it.begun("t.try.a") + it.begun("t.do.a") == 1).await;
    assert_eq!(loom.cancel(run).soon().await.unwrap(), Taken::Yes);
    let view = loom.finished(run).soon().await.unwrap();
    assert_eq!(view.status, RunStatus::Cancelled);
    assert_eq!(world.probe.stopped(), 1);
    let ends = ends(&view);
    assert_eq!(ends.iter().find(|(path, _)| path.ends_with(".f")).unwrap().1, &"succeeded", "{ends:?}");
    assert_eq!(world.probe.begun("b"), 0);
    assert!(matches!(loom.cancel(run).await, Err(Error::Ended { .. })));
    assert!(matches!(
        loom.cancel(drawloom_runtime::new_run_id(&drawloom_runtime::SystemWorld).unwrap()).await,
        Err(Error::NoRun(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_waits_for_nothing_and_frees_the_slot() {
    let mut world = memory();
    world.settings.parallelism = 1;
    let loom = world.open().await;
    let text = "
name: killed
steps: [ { id: a, uses: probe, with: { hold: never } } ]
";
    let first = loom.start(start(text)).await.unwrap().run;
    let second = loom.start(start(text)).await.unwrap().run;
    world.probe.until(|it| it.begun("a") == 1).await;
    // The second waits for the only slot and is stopped there.
    loom.cancel(second).soon().await.unwrap();
    assert_eq!(loom.finished(second).soon().await.unwrap().status, RunStatus::Cancelled);
    assert_eq!(world.probe.begun("a"), 1);
    loom.kill(first).soon().await.unwrap();
    assert_eq!(loom.finished(first).soon().await.unwrap().status, RunStatus::Cancelled);
    let third = loom.start(start(text)).await.unwrap().run;
    world.probe.until(|it| it.begun("a") == 2).await;
    loom.kill(third).soon().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_keeps_no_time_is_dropped() {
    let world = memory();
    let loom = world.open().await;
    let text = "
name: stuck
steps: [ { id: a, uses: probe, with: { stuck: true }, timeout: 100ms } ]
";
    let run = loom.start(start(text)).await.unwrap().run;
    let view = loom.finished(run).soon().await.unwrap();
    assert_eq!(view.error.unwrap().class.name(), "timeout");
    let run = loom
        .start(start(
            "
name: stuck
steps: [ { id: a, uses: probe, with: { stuck: true } } ]
",
        ))
        .await
        .unwrap()
        .run;
    world.probe.until(|it| it.begun("a") == 2).await;
    loom.kill(run).soon().await.unwrap();
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Cancelled);
    // The process ends although the work does not.
    loom.close().soon().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_parent_cancels_its_sub_flows() {
    let world = memory();
    let loom = world.open().await;
    let child = flow(
        "
name: child
steps: [ { id: x, uses: probe, with: { hold: never } } ]
",
    );
    let store = world.store().await;
    let hash = store.put_version(child.encode().into(), None).await.unwrap();
    let at = drawloom_runtime::now();
    let publish = drawloom_store::Publish { flow: "child".to_owned(), hash, note: String::new(), at };
    store.publish(publish).await.unwrap();
    let run = loom
        .start(start(
            "
name: parent
steps: [ { id: sub, flow: child } ]
",
        ))
        .await
        .unwrap()
        .run;
    world.probe.until(|it| it.begun("x") == 1).await;
    loom.cancel(run).soon().await.unwrap();
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Cancelled);
    let filter = drawloom_store::RunFilter { parent: Some(run), ..Default::default() };
    let child = store.runs(&filter, None, 2).await.unwrap().remove(0).run;
    assert_eq!(loom.finished(child).soon().await.unwrap().status, RunStatus::Cancelled);
    assert_eq!(world.probe.stopped(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_starts_nothing_new_and_resume_goes_on() {
    let world = memory();
    let loom = world.open().await;
    let text = "
name: paused
steps:
  - { id: a, uses: probe, with: { hold: a } }
  - { id: w, needs: [], wait: { for: 10ms } }
  - { id: b, needs: [a, w], uses: probe, with: { value: 2 } }
";
    let run = loom.start(start(text)).await.unwrap().run;
    world.probe.until(|it| it.begun("a") == 1).await;
    assert_eq!(loom.pause(run).soon().await.unwrap(), Taken::Yes);
    assert_eq!(loom.pause(run).soon().await.unwrap(), Taken::Dropped);
    world.probe.open("a");
    world.probe.until(|it| it.successes("a") == 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(world.probe.begun("b"), 0);
    assert_eq!(loom.reader().view(run).await.unwrap().status, RunStatus::Paused);
    assert_eq!(loom.resume(run).soon().await.unwrap(), Taken::Yes);
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_answer_the_step_they_belong_to() {
    let world = memory();
    let loom = world.open().await;
    let text = "
name: asked
steps: [ { id: ok, wait: { approval: 'shall we?' } } ]
outputs: { ok: '{{ ok }}' }
";
    let run = loom.start(start(text)).await.unwrap().run;
    let token = loop {
        match loom.reader().waits(run).await.unwrap().into_iter().find(|it| it.kind == "approval") {
            Some(it) => break it.name,
            None => tokio::task::yield_now().await,
        }
    };
    let why = loom.reader().why(run, "ok").await.unwrap();
    assert!(why[0].reason.contains("shall we?"), "{why:?}");
    assert!(matches!(loom.reader().why(run, "nope").await, Err(Error::NoStep { .. })));
    assert_eq!(loom.token(run, "guess", Value::Null).soon().await.unwrap(), Taken::Dropped);
    assert_eq!(loom.token(run, &token, json(r#"{"approved":true}"#)).soon().await.unwrap(), Taken::Yes);
    assert_eq!(loom.finished(run).soon().await.unwrap().outputs.to_json(), r#"{"ok":{"approved":true}}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn sleeping_runs_leave_memory_and_come_back() {
    let mut world = memory();
    world.settings.idle = std::time::Duration::from_millis(20);
    let loom = world.open().await;
    let text = "
name: sleepy
steps: [ { id: w, wait: { for: 300ms } }, { id: s, wait: { signal: go } } ]
";
    let run = loom.start(start(text)).await.unwrap().run;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(loom.signal(run, "go", Value::Null).soon().await.unwrap(), Taken::Yes);
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_travel_shows_a_run_at_any_fact() {
    let world = memory();
    let loom = world.open().await;
    let text = "
name: past
steps: [ { id: a, uses: probe, with: { value: 1 } }, { id: b, uses: probe, with: { value: 2 } } ]
";
    let run = loom.start(start(text)).await.unwrap().run;
    let view = loom.finished(run).soon().await.unwrap();
    let mut seqs = Vec::new();
    let mut after = 0;
    loop {
        let page = loom.reader().facts(run, after).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.seq;
        seqs.extend(page.iter().map(|it| it.seq));
    }
    assert_eq!(seqs, (1..=view.facts).collect::<Vec<_>>());
    let then = loom.reader().state_at(run, 1).await.unwrap();
    assert_eq!(ends(&then).into_values().collect::<Vec<_>>(), ["running", "pending"]);
    let prefix = &run.to_string()[..20];
    assert_eq!(loom.reader().find(prefix).await.unwrap(), run);
    assert!(matches!(loom.reader().find("zzz!").await, Err(Error::NoRun(_))));
}
