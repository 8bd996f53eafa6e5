//! A loom that is dropped without a word is a process that was killed; the next one goes on.

use std::{sync::atomic::Ordering, time::Duration};

use drawloom_blueprint::{RunStatus, Value};
use drawloom_runtime::{Error, Recover, Seen, Start, Taken, What, Work};
use drawloom_store::Publish;

use crate::{
    world::{Within, flow, json, memory, start, worlds},
    wrapped::Wrapped,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_succeeded_never_runs_again() {
    for world in worlds() {
        let text = "
name: chain
steps:
  - { id: a, uses: probe, with: { value: 1 } }
  - { id: m, for_each: { in: '{{ range(20) }}', as: n, concurrency: 4 }, do: [ { id: x, uses: probe, with: { value: '{{ n }}' } } ] }
  - { id: b, uses: probe, with: { value: '{{ a + 1 }}', hold: b } }
  - { id: c, uses: probe, with: { value: '{{ b + 1 }}', hold: c } }
outputs: { c: '{{ c }}', m: '{{ m | sum }}' }
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        world.probe.until(|it| it.begun("b") == 1).await;
        drop(loom);
        let loom = world.recover().await;
        world.probe.until(|it| it.begun("b") == 2).await;
        world.probe.open("b");
        world.probe.until(|it| it.begun("c") == 1).await;
        drop(loom);
        let loom = world.recover().await;
        world.probe.open("c");
        let view = loom.finished(run).soon().await.unwrap();
        assert_eq!(view.outputs.to_json(), r#"{"c":3,"m":190}"#);
        assert_eq!((world.probe.begun("a"), world.probe.successes("b")), (1, 1));
        assert!((0..20).all(|n| world.probe.begun(&format!("m[{n}].x")) == 1));
        let attempts: Vec<u32> = world.probe.done().iter().map(|it| it.attempt).collect();
        assert!(attempts.iter().all(|it| *it == 1), "an attempt that died with the process is handed out as itself");
        assert!(world.store().await.check(10).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_waits_and_kept_signals_survive() {
    for world in worlds() {
        let text = "
name: patient
steps:
  - { id: r, uses: probe, with: { fails: 1, value: 1 }, retry: { attempts: 2, delay: 300ms, jitter: 0 } }
  - { id: w, needs: [], wait: { for: 300ms } }
  - { id: s, needs: [r, w], wait: { signal: go } }
  - { id: t, wait: { signal: again, timeout: 300ms }, on_failure: continue }
outputs: { s: '{{ s }}' }
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        world.probe.until(|it| it.begun("r") == 1).await;
        assert_eq!(loom.signal(run, "go", json(r#"{"by":"me"}"#)).await.unwrap(), Taken::Yes);
        drop(loom);
        tokio::time::sleep(Duration::from_millis(350)).await;
        let loom = world.recover().await;
        let view = loom.finished(run).soon().await.unwrap();
        assert_eq!(view.status, RunStatus::Succeeded, "{view:#?}");
        assert_eq!(view.outputs.to_json(), r#"{"s":{"by":"me"}}"#);
        assert_eq!(view.steps[3].error.as_ref().unwrap().class.name(), "timeout");
        assert_eq!(world.probe.begun("r"), 2);
        assert!(matches!(loom.signal(run, "go", Value::Null).await, Err(Error::Ended { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_flows_survive_and_are_told_once() {
    for world in worlds() {
        let child = flow(
            "
name: child
steps: [ { id: x, uses: probe, with: { value: 7, hold: x } } ]
outputs: { n: '{{ x }}' }
",
        );
        let store = world.store().await;
        let hash = store.put_version(child.encode().into(), None).await.unwrap();
        let at = drawloom_runtime::now();
        store.publish(Publish { flow: "child".to_owned(), hash, note: String::new(), at }).await.unwrap();
        drop(store);
        let text = "
name: parent
steps: [ { id: sub, flow: child }, { id: y, uses: probe, with: { value: '{{ sub.n + 1 }}', hold: y } } ]
outputs: { n: '{{ y }}' }
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        world.probe.until(|it| it.begun("x") == 1).await;
        drop(loom);
        let loom = world.open().await;
        // The parent brings its sub-flow along.
        loom.recover(Recover::Run(run)).await.unwrap();
        world.probe.until(|it| it.begun("x") == 2).await;
        world.probe.open("x");
        world.probe.until(|it| it.begun("y") == 1).await;
        drop(loom);
        let loom = world.recover().await;
        world.probe.open("y");
        assert_eq!(loom.finished(run).soon().await.unwrap().outputs.to_json(), r#"{"n":8}"#);
        assert_eq!(world.probe.successes("x"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_flow_that_was_to_start_and_to_end_at_once_does_both_after_a_crash() {
    for mut world in worlds() {
        let child = flow(
            "
name: child
steps: [ { id: x, uses: probe, with: { hold: never } } ]
",
        );
        let store = world.store().await;
        let hash = store.put_version(child.encode().into(), None).await.unwrap();
        let at = drawloom_runtime::now();
        store.publish(Publish { flow: "child".to_owned(), hash, note: String::new(), at }).await.unwrap();
        drop(store);
        let text = "
name: parent
steps: [ { id: p, join: any, parallel: { a: [ { id: sub, flow: child } ], b: [ { id: v, set: { n: 1 } } ] } } ]
";
        // The first process journals the start and does not live to start the sub-flow.
        world.settings.work = Work::Leave;
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        loom.close().soon().await.unwrap();
        world.settings.work = Work::Do;
        let loom = world.recover().await;
        let view = loom.finished(run).soon().await.unwrap();
        assert_eq!(view.status, RunStatus::Succeeded, "{view:#?}");
        loom.close().soon().await.unwrap();
        let of_parent = drawloom_store::RunFilter { parent: Some(run), ..Default::default() };
        let children = world.store().await.runs(&of_parent, None, 10).await.unwrap();
        assert_eq!(children.len(), 1);
        assert_eq!(children[0].state.status, RunStatus::Cancelled);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_hands_tasks_back_and_keeps_what_succeeds() {
    for world in worlds() {
        let text = "
name: closing
steps: [ { id: a, uses: probe, with: { value: 1 } }, { id: b, uses: probe, with: { value: 2, hold: b } } ]
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        world.probe.until(|it| it.begun("b") == 1).await;
        loom.close().soon().await.unwrap();
        assert_eq!(world.probe.stopped(), 1);
        let loom = world.recover().await;
        world.probe.open("b");
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        assert_eq!((world.probe.begun("a"), world.probe.begun("b")), (1, 2));
        assert!(world.probe.done().iter().all(|it| it.attempt == 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loom_that_leaves_the_work_only_takes_notes() {
    for mut world in worlds() {
        let text = "
name: notes
steps: [ { id: s, wait: { signal: go } }, { id: a, uses: probe, with: { value: '{{ s }}' } } ]
outputs: { a: '{{ a }}' }
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        loom.close().soon().await.unwrap();
        world.settings.work = Work::Leave;
        let loom = world.open().await;
        assert_eq!(loom.signal(run, "go", Value::from(5_i64)).soon().await.unwrap(), Taken::Yes);
        loom.close().soon().await.unwrap();
        assert_eq!(world.probe.begun("a"), 0);
        world.settings.work = Work::Do;
        let loom = world.recover().await;
        assert_eq!(loom.finished(run).soon().await.unwrap().outputs.to_json(), r#"{"a":5}"#);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_a_run_still_ends_as_if_undisturbed() {
    for world in worlds() {
        let text = "
name: long
steps:
  - { id: m, for_each: { in: '{{ range(60) }}', as: n, concurrency: 3 }, do: [
      { id: x, uses: probe, with: { value: '{{ n }}' } },
      { id: y, uses: probe, with: { value: '{{ x * 2 }}', fails: 1 }, retry: { attempts: 2, delay: 1ms } } ] }
outputs: { sum: '{{ m | sum }}' }
";
        let loom = world.open().await;
        let run = loom.start(Start { idempotency_key: Some("once".to_owned()), ..start(text) }).await.unwrap().run;
        drop(loom);
        let mut kills = 0;
        let view = loop {
            let loom = world.recover().await;
            let pause = Duration::from_millis(1 + kills % 13);
            if let Ok(view) = tokio::time::timeout(pause, loom.finished(run)).await {
                break view.unwrap();
            }
            kills += 1;
        };
        assert!(kills > 0);
        assert_eq!(view.outputs.to_json(), r#"{"sum":3540}"#);
        let store = world.store().await;
        assert!(store.check(10).await.unwrap().is_empty());
        let loom = world.open().await;
        let again = loom.start(Start { idempotency_key: Some("once".to_owned()), ..start(text) }).await.unwrap();
        assert_eq!((again.run, again.is_new), (run, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_had_more_to_decide_goes_on_after_a_crash() {
    for world in worlds() {
        // All of it is decided within the loop, in many facts and with nothing else under way.
        let text = "
name: decides
steps: [ { id: m, for_each: '{{ range(20000) }}', do: [ { id: x, uses: log, with: { v: 1 } } ] } ]
outputs: { n: '{{ m | length }}' }
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        drop(loom);
        let loom = world.recover().await;
        assert_eq!(loom.finished(run).soon().await.unwrap().outputs.to_json(), r#"{"n":20000}"#);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_journal_lost_its_end_does_not_go_on_and_others_do() {
    let world = memory();
    let loom = world.open().await;
    let text = "\nname: torn\nsteps: [ { id: s, wait: { signal: go } } ]\n";
    let run = loom.start(start(text)).await.unwrap().run;
    loom.signal(run, "early", Value::Null).await.unwrap();
    drop(loom);
    let (store, hooks) = Wrapped::around(world.store().await);
    hooks.torn_from.store(2, Ordering::SeqCst);
    let loom = world.open_on(store).await;
    let mut events = loom.events();
    let asked = loom.signal(run, "go", Value::Null).soon().await;
    assert!(matches!(asked, Err(Error::Damaged { .. })), "{asked:?}");
    let Some(Seen::Event(told)) = events.next().soon().await else { panic!("listeners are told") };
    assert_eq!(told.run, run);
    assert!(
        matches!(&told.what, What::Unreadable { message, .. } if message.contains("its journal has 1")),
        "{told:?}"
    );
    let other = loom.start(start(text)).soon().await.unwrap().run;
    assert_eq!(loom.signal(other, "go", Value::Null).soon().await.unwrap(), Taken::Yes);
}
