//! Commit, then act: what leaves, when, and what happens when a commit fails.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, UNIX_EPOCH},
};

use drawloom_blueprint::{Move, RunStatus, Value};
use drawloom_runtime::{Error, Loom, Recover, Start, Taken, Which};
use drawloom_store::{BlobHash, Journal as _, Publish, RunFilter, RunReader as _, StoreError, Upkeep as _};

use crate::{
    world::{Within, flow, memory, start, wait_while, worlds},
    wrapped::{Hold, Wrapped},
};

const TWO: &str = "
name: two
steps:
  - { id: a, uses: probe, with: { value: 1 } }
  - { id: b, uses: probe, with: { value: 2 } }
";

const WAITING: &str = "\nname: s\nsteps: [ { id: s, wait: { signal: go } } ]\n";

/// Long enough for anything that does not wait for the commit to have happened.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_before_its_commit() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store).await;
    let mut events = loom.events();
    hooks.hold();
    let starting = tokio::spawn({
        let loom = loom.clone();
        async move { loom.start(start(TWO)).await }
    });
    a_moment().await;
    assert!(!starting.is_finished(), "the start is not acknowledged");
    assert_eq!(world.probe.begun("a"), 0, "no task is handed out");
    assert!(tokio::time::timeout(Duration::from_millis(10), events.next()).await.is_err(), "no event is told");
    hooks.let_go();
    let run = starting.soon().await.unwrap().unwrap().run;
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_kill_reaches_nobody_before_it_is_durable() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store).await;
    let run = loom.start(start("name: k\nsteps: [ { id: a, uses: probe, with: { hold: a } } ]\n")).await.unwrap().run;
    world.probe.until(|it| it.begun("a") == 1).await;
    hooks.hold();
    let killing = tokio::spawn({
        let loom = loom.clone();
        async move { loom.kill(run).await }
    });
    a_moment().await;
    assert!(!killing.is_finished(), "it is not acknowledged");
    assert_eq!(world.probe.stopped(), 0, "the work goes on");
    hooks.let_go();
    assert_eq!(killing.soon().await.unwrap().unwrap(), Taken::Yes);
    world.probe.until(|it| it.stopped() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_before_it_could_begin_does_not_begin() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store).await;
    let text = "name: c\nsteps: [ { id: s, wait: { signal: go } }, { id: a, uses: probe, with: { hold: a } } ]\n";
    let [first, second] = [text, text].map(|it| loom.start(start(it)));
    let (first, run) = (first.await.unwrap().run, second.await.unwrap().run);
    hooks.hold();
    // While this is on its way to the disk, the attempt becomes ready and is cancelled within one batch.
    let pausing = tokio::spawn({
        let loom = loom.clone();
        async move { loom.pause(first).await }
    });
    a_moment().await;
    let (signalled, cancelled) = (loom.signal(run, "go", Value::Null), async {
        a_moment().await;
        loom.cancel(run).await
    });
    let let_go = async {
        a_moment().await;
        a_moment().await;
        hooks.let_go();
    };
    let (signalled, cancelled, ()) = tokio::join!(signalled, cancelled, let_go);
    assert_eq!((signalled.unwrap(), cancelled.unwrap()), (Taken::Yes, Taken::Yes));
    pausing.soon().await.unwrap().unwrap();
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Cancelled);
    assert_eq!(world.probe.begun("a"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_changes_nothing_waits_for_what_came_before_it() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store).await;
    let run = loom.start(start(WAITING)).soon().await.unwrap().run;
    hooks.hold();
    let pause = |loom: Loom| tokio::spawn(async move { loom.pause(run).await });
    let first = pause(loom.clone());
    a_moment().await;
    let second = pause(loom.clone());
    a_moment().await;
    // The second finds the run paused, which is not durable yet.
    assert!(!first.is_finished() && !second.is_finished());
    hooks.let_go();
    assert_eq!(first.soon().await.unwrap().unwrap(), Taken::Yes);
    assert_eq!(second.soon().await.unwrap().unwrap(), Taken::Dropped);
}

/// Time stands still until nothing else is to be done, so the moment is long enough on any machine.
#[tokio::test(start_paused = true)]
async fn what_a_slow_store_has_yet_to_commit_is_bounded() {
    // Each start has 40 moves or more, or 200, so that fewer runs make a large batch than make many.
    for (early, steps, runs, wide) in [(false, 40, 800, 100..=210), (true, 200, 160, 20..=42)] {
        let world = memory();
        let (store, hooks) = Wrapped::around(world.store().await);
        hooks.early.store(early, Ordering::SeqCst);
        let loom = world.open_on(store).await;
        let steps: Vec<_> =
            (0..steps).map(|it| format!("{{ id: s{it}, needs: [], wait: {{ signal: go }} }}")).collect();
        let blueprint = flow(&format!("\nname: wide\nsteps: [ {} ]\n", steps.join(", ")));
        let which = Which::Blueprint { blueprint, source: None };
        hooks.hold();
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..runs {
            let (start, loom) = (Start::of(which.clone(), Value::Null), loom.clone());
            starts.spawn(async move { loom.start(start).await.unwrap().run });
        }
        // Some batches of 512 moves are handed over, one of 8,192 gathers.
        a_moment().await;
        let under_way = hooks.appends.load(Ordering::SeqCst);
        assert!((2..=4).contains(&under_way), "{under_way} batches are under way");
        hooks.let_go();
        assert_eq!(starts.join_all().soon().await.len(), runs);
        let widest = hooks.widest.load(Ordering::SeqCst);
        assert!(wide.contains(&widest), "{widest} runs in one batch");
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_small_batches_one_that_fails_takes_those_behind_it_along() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    hooks.early.store(true, Ordering::SeqCst);
    hooks.fail_from.store(3, Ordering::SeqCst);
    let loom = world.open_on(store).await;
    let which = Which::Blueprint { blueprint: flow(WAITING), source: None };
    hooks.hold();
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (start, loom) = (Start::of(which.clone(), Value::Null), loom.clone());
        starts.spawn(async move { loom.start(start).await.map(|it| it.run) });
    }
    a_moment().await;
    hooks.let_go();
    let mut begun = Vec::new();
    for outcome in starts.join_all().soon().await {
        match outcome {
            Ok(run) => begun.push(run),
            Err(Error::Stopped(why)) => assert!(matches!(*why, Error::Store(StoreError::Full(_))), "{why:?}"),
            Err(other) => panic!("{other:?}"),
        }
    }
    begun.sort();
    assert_eq!(begun.len(), 16, "two batches of eight");
    let there = world.store().await.runs(&RunFilter::default(), None, 300).await.unwrap();
    let mut there: Vec<_> = there.into_iter().map(|it| it.run).collect();
    there.sort();
    assert_eq!(there, begun, "who was told that a run exists, and nobody else, has one");
}

/// The start is the last for which there is room in a small batch; what it cancels must be in that too.
#[tokio::test(start_paused = true)]
async fn a_start_that_cancels_another_run_is_one_commit_with_that() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    hooks.early.store(true, Ordering::SeqCst);
    let loom = world.open_on(store).await;
    let alone = format!("\nlimits: {{ concurrency: {{ max: 1, when_full: cancel_running }} }}{WAITING}");
    let holder = loom.start(start(&alone)).soon().await.unwrap().run;
    hooks.fail_from.store(hooks.committed.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
    let mut starts = tokio::task::JoinSet::new();
    for flow in [WAITING; 7].into_iter().chain([&*alone]) {
        let (start, loom) = (start(flow), loom.clone());
        starts.spawn(async move { loom.start(start).await.map(|it| it.run) });
    }
    assert!(starts.join_all().soon().await.iter().all(Result::is_err));
    let refused: Vec<_> = hooks.refused.lock().unwrap().iter().map(|it| it.run).collect();
    assert!(refused.len() == 9 && refused.contains(&holder), "{holder} is not among {refused:?}");
}

/// The commit of the start takes its time, and the attempt begins behind it.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_knows_when_it_began() {
    for world in worlds() {
        let (store, hooks) = Wrapped::around(world.store().await);
        let loom = world.open_on(store).await;
        hooks.hold();
        let began = "\nname: b\nsteps: [ { id: a, uses: probe, with: { began: true } } ]\noutputs: { at: '{{ a }}' }\n";
        let starting = tokio::spawn({
            let loom = loom.clone();
            async move { loom.start(start(began)).await }
        });
        a_moment().await;
        let now = || i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_micros()).unwrap();
        let before = now();
        hooks.let_go();
        let run = starting.soon().await.unwrap().unwrap().run;
        let outputs = loom.finished(run).soon().await.unwrap().outputs;
        let Some(Value::Int(at)) = outputs.get("at").cloned() else { panic!("{outputs:?}") };
        assert!((before..=now()).contains(&at), "{at} is not between {before} and now");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_writes_early_is_handed_small_batches_and_no_more_than_some() {
    for (early, expected) in [(true, (16, 8)), (false, (1, 200))] {
        let world = memory();
        let (store, hooks) = Wrapped::around(world.store().await);
        hooks.early.store(early, Ordering::SeqCst);
        let loom = world.open_on(store).await;
        let which = Which::Blueprint { blueprint: flow(TWO), source: None };
        hooks.hold();
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let (start, loom) = (Start::of(which.clone(), Value::Null), loom.clone());
            starts.spawn(async move { loom.start(start).await.unwrap().run });
        }
        a_moment().await;
        let seen = (hooks.appends.load(Ordering::SeqCst), hooks.widest.load(Ordering::SeqCst));
        assert_eq!(seen, expected, "batches under way, runs in one");
        hooks.let_go();
        for run in starts.join_all().soon().await {
            assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_batch_is_committed_the_next_is_gathered() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store).await;
    let which = drawloom_runtime::Which::Blueprint { blueprint: flow(TWO), source: None };
    hooks.hold();
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let start = drawloom_runtime::Start::of(which.clone(), drawloom_blueprint::Value::Null);
        let loom = loom.clone();
        starts.spawn(async move { loom.start(start).await.unwrap().run });
    }
    a_moment().await;
    let before = hooks.appends.load(Ordering::SeqCst);
    assert!(before <= 2, "{before} appends for 100 starts");
    hooks.let_go();
    let runs = starts.join_all().soon().await;
    for run in runs {
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
    }
    assert!(hooks.appends.load(Ordering::SeqCst) < 250, "commits are shared");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_change_nothing_fill_a_batch_too() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store).await;
    let run = loom.start(start(WAITING)).soon().await.unwrap().run;
    loom.pause(run).soon().await.unwrap();
    let appends = || hooks.appends.load(Ordering::SeqCst);
    let before = appends();
    let until = async |wanted| {
        while appends() < before + wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    hooks.hold();
    let mut asking = tokio::task::JoinSet::new();
    for number in 1..=2 {
        let loom = loom.clone();
        asking.spawn(async move { loom.signal(run, &format!("early{number}"), Value::Null).await });
        // The first is on its way to the disk, and stays there; the second waits for more.
        until(1).soon().await;
        a_moment().await;
    }
    assert_eq!(appends(), before + 1);
    for _ in 0..600 {
        let loom = loom.clone();
        asking.spawn(async move { loom.pause(run).await });
    }
    until(2).soon().await;
    hooks.let_go();
    let taken = asking.join_all().soon().await;
    assert_eq!(taken.into_iter().filter(|it| matches!(it, Ok(Taken::Yes))).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_ends_the_work_and_loses_nothing_acknowledged() {
    for fail_from in 1..=3 {
        let world = memory();
        let (store, hooks) = Wrapped::around(world.store().await);
        hooks.fail_from.store(fail_from, Ordering::SeqCst);
        let loom = world.open_on(store).await;
        let first = loom.start(start(TWO)).soon().await;
        let error = match &first {
            Ok(begun) => loom.finished(begun.run).soon().await.unwrap_err(),
            Err(error) => error.clone(),
        };
        let Error::Stopped(why) = &error else { panic!("{error:?}") };
        assert!(matches!(**why, Error::Store(StoreError::Full(_))), "{why:?}");
        assert_eq!(error.code(), "store-full");
        assert!(matches!(loom.start(start(TWO)).soon().await, Err(Error::Stopped(_))), "every later call fails too");
        assert!(matches!(loom.failed().soon().await, Error::Stopped(_)));
        let begun_b = world.probe.begun("b");
        assert_eq!(begun_b > 0, fail_from > 2, "no effect of a commit that failed is released");
        drop(loom);
        let loom = world.open().await;
        let left = loom.recover(Recover::All).await.unwrap();
        match first {
            Ok(begun) => {
                assert_eq!(left, [begun.run]);
                assert_eq!(loom.finished(begun.run).soon().await.unwrap().status, RunStatus::Succeeded);
            }
            Err(_) => assert!(left.is_empty()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_store_stops() {
    let world = memory();
    let old = world.open().await;
    let text = "
name: held
steps: [ { id: a, uses: probe, with: { hold: gate } } ]
";
    let run = old.start(start(text)).await.unwrap().run;
    world.probe.until(|it| it.begun("a") == 1).await;
    let new = world.open().await;
    let refused = old.start(start(text)).soon().await;
    assert!(matches!(&refused, Err(Error::Stopped(why)) if why.code() == "store-fenced"), "{refused:?}");
    new.recover(Recover::All).await.unwrap();
    world.probe.open("gate");
    assert_eq!(new.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
}

/// Its sub-flow sleeps until somebody sends a signal.
const CHILD: &str = "
name: child
steps: [ { id: s, wait: { signal: never } } ]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_flow_ends_although_the_process_died_before_it_could_tell_it_of_the_kill() {
    for (is_recovered, is_pruned) in [(true, false), (false, false), (true, true)] {
        let world = memory();
        let store = world.store().await;
        let hash = store.put_version(flow(CHILD).encode().into(), None).await.unwrap();
        let at = drawloom_runtime::now();
        store.publish(Publish { flow: "child".to_owned(), hash, note: String::new(), at }).await.unwrap();
        let (wrapped, hooks) = Wrapped::around(Arc::clone(&store));
        let loom = world.open_on(wrapped).await;
        let run = loom.start(start("name: parent\nsteps: [ { id: sub, flow: child } ]\n")).soon().await.unwrap().run;
        let of_parent = RunFilter { parent: Some(run), ..RunFilter::default() };
        let child = loop {
            match store.runs(&of_parent, None, 1).await.unwrap().first() {
                Some(row) => break row.run,
                None => a_moment().await,
            }
        };
        a_moment().await;
        hooks.hold();
        let killing = tokio::spawn({
            let loom = loom.clone();
            async move { loom.kill(run).await }
        });
        a_moment().await;
        // The process dies while the kill is on its way to the disk, where it arrives.
        killing.abort();
        drop(loom);
        a_moment().await;
        hooks.let_go();
        while !store.run(run).await.unwrap().unwrap().state.status.is_end() {
            a_moment().await;
        }
        assert!(!store.run(child).await.unwrap().unwrap().state.status.is_end());
        if is_pruned {
            assert!(store.delete_run(run).await.unwrap());
        }
        let loom = if is_recovered { world.recover().await } else { world.open().await };
        if !is_recovered {
            // Whoever asks something of it is answered all the same.
            assert_eq!(loom.signal(child, "early", Value::Null).soon().await.unwrap(), Taken::Yes);
        }
        assert_eq!(loom.finished(child).soon().await.unwrap().status, RunStatus::Cancelled);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_beside_the_journal_is_there_before_the_facts_and_nothing_overtakes_them() {
    let mut world = memory();
    world.settings.blob_from = 10_000;
    world.settings.parallelism = 1_000;
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store.clone()).await;
    let text = "
name: large
steps:
  - { id: a, needs: [], uses: probe, with: { bytes: 50000, hold: a } }
  - id: m
    needs: []
    for_each: { in: '{{ range(600) }}', as: n, concurrency: 600 }
    do: [ { id: x, uses: probe, with: { hold: x } } ]
";
    let run = loom.start(start(text)).await.unwrap().run;
    world.probe.until(|it| it.most_together() == 601).await;
    hooks.hold_blobs(Hold::On);
    world.probe.open("a");
    let put = async {
        wait_while(async || hooks.puts.load(Ordering::SeqCst) == 0).await;
    };
    put.soon().await;
    let before = hooks.appends.load(Ordering::SeqCst);
    assert_eq!(store.check(10).await, Ok(Vec::new()), "no fact refers to what is not there");
    // More than enough for a batch that does not wait for the one before it.
    world.probe.open("x");
    world.probe.until(|it| it.done().len() == 601).await;
    a_moment().await;
    assert_eq!(hooks.appends.load(Ordering::SeqCst), before, "nothing overtakes the facts that wait");
    hooks.hold_blobs(Hold::Off);
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
    assert_eq!(store.check(10).await, Ok(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fact_of_a_batch_is_looked_at_for_what_stands_beside_the_journal() {
    let mut world = memory();
    world.settings.blob_from = 10_000;
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store.clone()).await;
    let run = loom.start(start(WAITING)).soon().await.unwrap().run;
    let nothing = BlobHash::of(b"nobody put this").to_string();
    let payloads = [
        Value::Null,
        Value::from("x".repeat(50_000)),
        Value::object([("$drawloom.blob", Value::from(nothing))]),
        Value::from("small"),
    ];
    hooks.hold();
    let mut signals = tokio::task::JoinSet::new();
    for (n, payload) in payloads.clone().into_iter().enumerate() {
        let loom = loom.clone();
        signals.spawn(async move { loom.signal(run, &format!("early{n}"), payload).await });
        // All but the first gather behind it in one batch, in this order.
        a_moment().await;
    }
    hooks.let_go();
    for taken in signals.join_all().soon().await {
        assert_eq!(taken.unwrap(), Taken::Yes);
    }
    let facts = store.facts(run, 0).await.unwrap();
    assert!(facts.iter().all(|it| it.fact.len() < 10_000));
    assert_eq!(store.blobs_of(run).await.unwrap().len(), 1);
    let kept: Vec<Value> = loom
        .reader()
        .facts(run, 0)
        .await
        .unwrap()
        .into_iter()
        .flat_map(|it| it.fact.moves)
        .filter_map(|it| if let Move::SignalKept(_, payload) = it { Some(payload) } else { None })
        .collect();
    assert_eq!(kept, payloads);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stays_in_memory_until_all_of_it_is_durable() {
    let mut world = memory();
    world.settings.idle = Duration::from_millis(10);
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store).await;
    let text = "\nname: s\nsteps: [ { id: s, wait: { signal: go } }, { id: t, wait: { signal: on } } ]\n";
    let run = loom.start(start(text)).soon().await.unwrap().run;
    hooks.hold();
    let signal =
        |loom: Loom, name: &'static str| tokio::spawn(async move { loom.signal(run, name, Value::Null).await });
    let first = signal(loom.clone(), "on");
    // It has nothing to do for much longer than it may.
    a_moment().await;
    let second = signal(loom.clone(), "go");
    a_moment().await;
    hooks.let_go();
    assert_eq!(first.soon().await.unwrap().unwrap(), Taken::Yes);
    assert_eq!(second.soon().await.unwrap().unwrap(), Taken::Yes);
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_what_is_being_committed() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store).await;
    hooks.hold();
    let starting = tokio::spawn({
        let loom = loom.clone();
        async move { loom.start(start(TWO)).await }
    });
    wait_while(async || hooks.appends.load(Ordering::SeqCst) == 0).await;
    let closing = [tokio::spawn(loom.clone().close()), tokio::spawn(loom.close())];
    a_moment().await;
    assert!(closing.iter().all(|it| !it.is_finished()));
    hooks.let_go();
    assert!(starting.soon().await.unwrap().unwrap().is_new, "it is acknowledged");
    for it in closing {
        it.soon().await.unwrap().expect("whoever closes is told");
    }
}
