//! How work in a process ends: gently, and without leaving anything behind in memory.

use std::{sync::Arc, time::Duration};

use drawloom_blueprint::{RunStatus, Value};
use drawloom_queue::Executor as _;
use drawloom_runtime::{Error, Start, Which, Work};
use drawloom_store::RunFilter;

use crate::world::{Within, flow, memory, publish, start, wait_while, worlds};

#[tokio::test(flavor = "multi_thread")]
async fn what_succeeds_while_the_process_ends_is_kept_and_nothing_more_begins() {
    for mut world in worlds() {
        world.settings.parallelism = 1;
        let text = "
name: closing
steps:
  - { id: a, needs: [], uses: probe, with: { value: 1, hold: a, late: true } }
  - { id: b, needs: [], uses: probe, with: { value: 2 } }
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        world.probe.until(|it| it.begun("a") == 1).await;
        loom.close().soon().await.unwrap();
        assert_eq!((world.probe.begun("b"), world.probe.successes("a")), (0, 1));
        let loom = world.recover().await;
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        assert_eq!((world.probe.begun("a"), world.probe.begun("b")), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loom_that_is_closing_takes_no_wishes() {
    let mut world = memory();
    world.settings.grace = Duration::from_secs(2);
    let loom = world.open().await;
    let text = "\nname: stuck\nsteps: [ { id: a, uses: probe, with: { stuck: true } } ]\n";
    let run = loom.start(start(text)).await.unwrap().run;
    world.probe.until(|it| it.begun("a") == 1).await;
    let closing = tokio::spawn(loom.clone().close());
    wait_while(async || !matches!(loom.signal(run, "x", Value::Null).soon().await, Err(Error::Closed))).await;
    assert!(matches!(loom.start(start(text)).soon().await, Err(Error::Closed)));
    assert!(!closing.is_finished(), "it waits for the task that does not stop");
    closing.soon().await.unwrap().unwrap();
    world.probe.until(|it| it.dropped() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_defect_of_an_executor_is_tried_again_like_any_failure() {
    let world = memory();
    let loom = world.open().await;
    let text =
        "\nname: p\nsteps: [ { id: a, uses: probe, with: { panic: true }, retry: { attempts: 3, delay: 1ms } } ]\n";
    let run = loom.start(start(text)).await.unwrap().run;
    let view = loom.finished(run).soon().await.unwrap();
    assert_eq!((view.steps[0].attempts, view.error.unwrap().class.name()), (3, "failed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loom_that_leaves_the_work_wakes_nobody() {
    let mut world = memory();
    world.settings.work = Work::Leave;
    let loom = world.open().await;
    let run = loom.start(start("\nname: w\nsteps: [ { id: w, wait: 20ms } ]\n")).await.unwrap().run;
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(loom.reader().row(run).await.unwrap().state.status, RunStatus::Running);
    loom.close().soon().await.unwrap();
    world.settings.work = Work::Do;
    let loom = world.recover().await;
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loom_that_leaves_the_work_starts_no_sub_flow() {
    let mut world = memory();
    world.settings.work = Work::Leave;
    let store = world.store().await;
    publish(&*store, "\nname: child\nsteps: [ { id: x, uses: probe, with: {} } ]\n").await;
    let loom = world.open().await;
    let run = loom.start(start("\nname: parent\nsteps: [ { id: sub, flow: child } ]\n")).await.unwrap().run;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let of_parent = RunFilter { parent: Some(run), ..RunFilter::default() };
    assert_eq!(store.runs(&of_parent, None, 9).await, Ok(Vec::new()));
    loom.close().soon().await.unwrap();
    world.settings.work = Work::Do;
    let loom = world.recover().await;
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
    assert_eq!(world.probe.successes("x"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_waits_for_an_end_is_told() {
    let world = memory();
    let loom = world.open().await;
    let text = "\nname: e\nsteps: [ { id: a, uses: probe, with: { hold: a } } ]\n";
    let run = loom.start(start(text)).await.unwrap().run;
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let loom = loom.clone();
        waiting.spawn(async move { loom.ended(run).await });
    }
    world.probe.until(|it| it.begun("a") == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.probe.open("a");
    for end in waiting.join_all().soon().await {
        assert_eq!(end.unwrap().status, RunStatus::Succeeded);
    }
    assert_eq!(loom.ended(run).soon().await.unwrap().status, RunStatus::Succeeded, "and who asks later");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_parameters_cannot_be_evaluated_fails() {
    for world in worlds() {
        let loom = world.open().await;
        let text = "
name: p
steps: [ { id: a, uses: probe, with: { value: x } }, { id: b, uses: probe, with: { value: '{{ a + 1 }}' } } ]
";
        let run = loom.start(start(text)).await.unwrap().run;
        let view = loom.finished(run).soon().await.unwrap();
        assert_eq!((view.status, view.error.unwrap().class.name()), (RunStatus::Failed, "invalid"));
        assert_eq!(world.probe.begun("b"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_do_nothing_or_have_ended_are_not_held_in_memory() {
    for mut world in worlds() {
        world.settings.idle = Duration::from_millis(20);
        let loom = world.open().await;
        let blueprint = flow(
            "
name: asleep
steps: [ { id: a, uses: probe, with: {} }, { id: s, wait: { signal: go } } ]
",
        );
        let which = Which::Blueprint { blueprint: Arc::clone(&blueprint), source: None };
        let mut runs = Vec::new();
        for _ in 0..20 {
            runs.push(loom.start(Start::of(which.clone(), Value::Null)).await.unwrap().run);
        }
        // Beside what the tests hold, the loom keeps the version once, however many runs there are.
        let alone = Arc::strong_count(&blueprint);
        let falls = async {
            while Arc::strong_count(&blueprint) > 3 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), falls).await.unwrap_or_else(|_| panic!("{alone} at first"));
        for run in &runs {
            loom.signal(*run, "go", Value::Null).soon().await.unwrap();
        }
        for run in runs {
            assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        }
        let falls = async {
            while Arc::strong_count(&blueprint) > 3 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        falls.soon().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_tells_the_first_line_of_an_error() {
    let world = memory();
    let loom = world.open().await;
    let text = "\nname: e\nsteps: [ { id: a, uses: probe, with: { fail: \"one\\ntwo\" } } ]\n";
    let run = loom.start(start(text)).await.unwrap().run;
    assert_eq!(loom.finished(run).soon().await.unwrap().error.unwrap().message, "one\ntwo");
    let error = loom.reader().row(run).await.unwrap().state.error.unwrap();
    assert!(error.ends_with("one") && !error.contains('\n'), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_brief_work_is_done_where_runs_are_decided() {
    let text = "\nname: m\nsteps: [ { id: a, uses: probe, with: {} }, { id: b, uses: probe, with: { hold: b } } ]\n";
    for world in worlds() {
        let is_brief = world.probe.is_brief();
        let loom = world.open().await;
        let mut runs = Vec::new();
        for _ in 0..3 {
            runs.push(loom.start(start(text)).await.unwrap().run);
        }
        world.probe.until(|it| it.begun("b") == 3).await;
        world.probe.open("b");
        for run in runs {
            assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        }
        let places = world.probe.places("a").len();
        assert_eq!(places, if is_brief { 1 } else { 3 }, "brief: {is_brief}");
        assert_eq!(world.probe.begun("b"), 3, "what goes on beside the loop is not begun again");
    }
}

/// What ended in place is known to the process alone until its fact is durable.
#[tokio::test(flavor = "multi_thread")]
async fn what_ended_in_place_is_kept_when_the_process_ends() {
    for world in worlds() {
        let text = "
name: many
steps: [ { id: m, for_each: { in: '{{ range(300) }}', as: n }, do: [ { id: x, uses: probe, with: { value: 1 } } ] } ]
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        world.probe.until(|it| it.done().len() > 20).await;
        loom.close().soon().await.unwrap();
        let loom = world.recover().await;
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        let succeeded = world.probe.done().len();
        assert_eq!(succeeded, 300, "no success is executed again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_had_much_to_decide_has_nothing_under_way_once_it_waits() {
    let world = memory();
    let loom = world.open().await;
    let text = "
name: much
steps:
  - { id: m, for_each: '{{ range(2000) }}', do: [ { id: v, set: { v: 1 } } ] }
  - { id: s, wait: { signal: go } }
";
    let run = loom.start(start(text)).await.unwrap().run;
    wait_while(async || loom.reader().waits(run).await.unwrap().is_empty()).await;
    assert_eq!(loom.reader().row(run).await.unwrap().state.in_flight, 0, "it need not be in memory");
}
