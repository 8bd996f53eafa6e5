//! The wall clock is set while runs wait: in a world whose clock the tests hold, and whose time passes only while
//! nothing else is to be done.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use drawloom_blueprint::{RunId, RunStatus, Timestamp, Value};
use drawloom_runtime::{Error, Recover, Start, SystemWorld, Taken, Which};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    many::{MANY, fill, row},
    world::{World, flow, memory, publish, start},
};

/// A clock that goes with that of the async runtime, and can be set.
struct Wound {
    began: Instant,
    offset: AtomicI64,
}

impl Wound {
    fn forward(&self, hours: i64) {
        self.offset.fetch_add(hours * 3_600_000_000, Ordering::Relaxed);
    }
}

impl drawloom_runtime::World for Wound {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000_000 + self.offset.load(Ordering::Relaxed)).after(self.began.elapsed())
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        SystemWorld.fill(bytes)
    }
}

fn wound() -> (World, Arc<Wound>) {
    let clock = Arc::new(Wound { began: Instant::now(), offset: AtomicI64::new(0) });
    let mut world = memory();
    world.settings.world = Arc::clone(&clock) as Arc<dyn drawloom_runtime::World>;
    world.settings.idle = Duration::from_secs(1);
    (world, clock)
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn an_input_that_changes_nothing_leaves_a_timer_that_is_due() {
    let (world, clock) = wound();
    let loom = world.open().await;
    let run = loom.start(start("name: w\nsteps: [ { id: w, wait: { for: 30m } } ]\n")).await.unwrap().run;
    sleep(Duration::from_millis(10)).await;
    clock.forward(1);
    assert_eq!(loom.resume(run).await.unwrap(), Taken::Dropped, "it is not paused");
    let view = timeout(MINUTE, loom.finished(run)).await.expect("it is woken").unwrap();
    assert_eq!(view.status, RunStatus::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_sleeps_outside_of_memory_is_woken_when_the_clock_is_set_forward() {
    let (world, clock) = wound();
    let loom = world.recover().await;
    let run = loom.start(start("name: w\nsteps: [ { id: w, wait: { for: 3h } } ]\n")).await.unwrap().run;
    // It leaves memory.
    sleep(MINUTE).await;
    clock.forward(4);
    let view = timeout(MINUTE, loom.finished(run)).await.expect("it is woken").unwrap();
    assert_eq!(view.status, RunStatus::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_timers() {
    let (world, clock) = wound();
    let loom = world.open().await;
    let text = "
name: w
steps:
  - { id: a, uses: probe, with: { stuck: true } }
  - { id: w, needs: [], wait: { for: 30m } }
";
    let run = loom.start(start(text)).await.unwrap().run;
    world.probe.until(|it| it.begun("a") == 1).await;
    clock.forward(1);
    // Were the loop to look at the timer again and again, no time would pass here.
    timeout(MINUTE, loom.close()).await.expect("it ends").unwrap();
    let loom = world.open().await;
    assert_eq!(loom.recover(Recover::All).await.unwrap(), [run]);
}

#[tokio::test(start_paused = true)]
async fn a_cached_result_serves_until_its_time_is_over() {
    let (world, clock) = wound();
    let loom = world.open().await;
    let text = "name: c\nsteps: [ { id: a, uses: probe, with: { value: 1 }, cache: { ttl: 90m } } ]\n";
    for (hours, begun) in [(0, 1), (1, 1), (1, 2), (1, 2)] {
        clock.forward(hours);
        let run = loom.start(start(text)).await.unwrap().run;
        assert_eq!(loom.finished(run).await.unwrap().status, RunStatus::Succeeded);
        assert_eq!(world.probe.begun("a"), begun);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cached_result_whose_time_is_over_is_dropped_in_a_while() {
    let (world, _) = wound();
    let loom = world.recover().await;
    let store = world.store().await;
    for ttl in ["10m", "3h"] {
        let text = format!(
            "name: c\nsteps: [ {{ id: a, uses: probe, with: {{ value: {ttl} }}, cache: {{ ttl: {ttl} }} }} ]\n"
        );
        let run = loom.start(start(&text)).await.unwrap().run;
        assert_eq!(loom.finished(run).await.unwrap().status, RunStatus::Succeeded);
    }
    let kept = async || store.all_cached(None, 10).await.unwrap().len();
    assert_eq!(kept().await, 2);
    sleep(45 * MINUTE).await;
    assert_eq!(kept().await, 1, "the other still serves");
}

#[tokio::test(start_paused = true)]
async fn a_loom_that_is_gone_does_nothing_more() {
    let (world, _) = wound();
    let loom = world.recover().await;
    let text = "name: c\nsteps: [ { id: a, uses: probe, with: { value: 1 }, cache: { ttl: 10m } } ]\n";
    let run = loom.start(start(text)).await.unwrap().run;
    assert_eq!(loom.finished(run).await.unwrap().status, RunStatus::Succeeded);
    drop(loom);
    sleep(90 * MINUTE).await;
    assert_eq!(world.store().await.all_cached(None, 10).await.unwrap().len(), 1, "nobody drops what is too old");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_sleeps_stays_in_memory_for_a_while() {
    let (mut world, _) = wound();
    world.settings.idle = MINUTE;
    let loom = world.open().await;
    let blueprint = flow("name: s\nsteps: [ { id: s, wait: { signal: go } } ]\n");
    let which = Which::Blueprint { blueprint: Arc::clone(&blueprint), source: None };
    let run = loom.start(Start::of(which, Value::Null)).await.unwrap().run;
    let there = Arc::strong_count(&blueprint);
    sleep(MINUTE * 3 / 4).await;
    assert_eq!(Arc::strong_count(&blueprint), there, "it may be woken any moment");
    loom.pause(run).await.unwrap();
    loom.resume(run).await.unwrap();
    sleep(MINUTE * 3 / 4).await;
    assert_eq!(Arc::strong_count(&blueprint), there, "it was just touched");
    sleep(2 * MINUTE).await;
    assert!(Arc::strong_count(&blueprint) < there, "nobody woke it");
    loom.signal(run, "go", Value::Null).await.unwrap();
    assert_eq!(loom.finished(run).await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn the_times_of_facts_do_not_go_back_with_the_clock() {
    let (world, clock) = wound();
    let loom = world.open().await;
    let text = "name: t\nsteps: [ { id: a, uses: probe, with: { hold: a } }, { id: w, wait: 10s } ]\n";
    let run = loom.start(start(text)).await.unwrap().run;
    world.probe.until(|it| it.begun("a") == 1).await;
    clock.forward(-2);
    world.probe.open("a");
    let view = timeout(MINUTE, loom.finished(run)).await.expect("it is woken").unwrap();
    let mut facts = loom.reader().facts(run, 0).await.unwrap();
    let at: Vec<Timestamp> = facts.drain(..).map(|it| it.at).collect();
    assert!(at.is_sorted(), "{at:?}");
    assert!(view.ended_at.unwrap().since(view.started_at) < MINUTE);
}

#[tokio::test(start_paused = true)]
async fn an_executor_has_the_grace_period_beyond_its_time_to_say_how_it_ended() {
    let (world, _) = wound();
    let loom = world.open().await;
    for (millis, cache, status) in [
        (1_100, "", RunStatus::Succeeded),
        (1_300, "", RunStatus::Failed),
        (1_150, ", cache: { ttl: 1h }", RunStatus::Succeeded),
        (1_350, ", cache: { ttl: 1h }", RunStatus::Failed),
    ] {
        let step = format!("{{ id: a, uses: probe, timeout: 1s, with: {{ millis: {millis} }}{cache} }}");
        let run = loom.start(start(&format!("name: t\nsteps: [ {step} ]\n"))).await.unwrap().run;
        assert_eq!(loom.finished(run).await.unwrap().status, status, "{millis} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_sleeps_outside_of_memory_is_woken_in_time_whoever_looks_after_it() {
    for is_recovered in [true, false] {
        for (wait, patience) in [("10m", 12), ("3h", 182)] {
            let (world, _) = wound();
            let loom = if is_recovered { world.recover().await } else { world.open().await };
            let text = format!("name: w\nsteps: [ {{ id: w, wait: {{ for: {wait} }} }} ]\n");
            let run = loom.start(start(&text)).await.unwrap().run;
            let view = timeout(patience * MINUTE, loom.finished(run)).await.expect("it is woken").unwrap();
            assert_eq!(view.status, RunStatus::Succeeded, "{wait}, recovered: {is_recovered}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sub_flow_that_sleeps_outside_of_memory_is_cancelled_and_not_killed() {
    let (world, _) = wound();
    let loom = world.open().await;
    let child = "
name: child
steps: [ { id: t, try: [ { id: s, wait: { signal: never } } ], finally: [ { id: f, uses: probe, with: { hold: f } } ] } ]
";
    publish(&*world.store().await, child).await;
    let run = loom.start(start("name: parent\nsteps: [ { id: sub, flow: child } ]\n")).await.unwrap().run;
    // It leaves memory.
    sleep(MINUTE).await;
    loom.cancel(run).await.unwrap();
    world.probe.until(|it| it.begun("t.finally.f") == 1).await;
    world.probe.open("f");
    let view = timeout(MINUTE, loom.finished(run)).await.expect("it is told").unwrap();
    assert_eq!((view.status, world.probe.successes("t.finally.f")), (RunStatus::Cancelled, 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_sleeps_is_woken_however_many_others_sleep() {
    let (world, _) = wound();
    let store = world.store().await;
    let text = "name: w\nsteps: [ { id: w, wait: { for: 2h } } ]\n";
    let version = store.put_version(flow(text).encode().into(), None).await.unwrap();
    let due = world.settings.world.now().after(119 * MINUTE);
    let asleep = |n| {
        let mut it = row(RunId(n), "w", version);
        it.state.next_due = Some(due);
        it
    };
    fill(&*store, (1..=MANY).map(asleep).collect()).await;
    let loom = world.recover().await;
    let run = loom.start(start(text)).await.unwrap().run;
    let view = timeout(3 * 60 * MINUTE, loom.finished(run)).await.expect("it is woken").unwrap();
    assert_eq!(view.status, RunStatus::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_works_and_is_to_try_again_does_so_after_a_crash() {
    let (world, _) = wound();
    let loom = world.open().await;
    let text = "
name: both
steps:
  - { id: a, uses: probe, with: { hold: a } }
  - { id: r, needs: [], uses: probe, with: { fails: 1 }, retry: { attempts: 2, delay: 10m, max_delay: 10m, jitter: 0 } }
";
    loom.start(start(text)).await.unwrap();
    sleep(MINUTE).await;
    assert_eq!((world.probe.begun("a"), world.probe.begun("r")), (1, 1));
    drop(loom);
    let _loom = world.recover().await;
    sleep(10 * MINUTE).await;
    // What it works at has not ended meanwhile, so nothing but its timer could wake it.
    assert_eq!((world.probe.successes("a"), world.probe.successes("r")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn the_time_that_a_run_may_take_does_not_begin_anew_after_a_crash() {
    let (world, clock) = wound();
    let loom = world.open().await;
    let text = "name: l\nlimits: { timeout: 3h }\nsteps: [ { id: s, wait: { signal: never } } ]\n";
    let run = loom.start(start(text)).await.unwrap().run;
    drop(loom);
    clock.forward(2);
    let loom = world.recover().await;
    loom.signal(run, "early", Value::Null).await.unwrap();
    let view = timeout(61 * MINUTE, loom.finished(run)).await.expect("its time is up").unwrap();
    assert_eq!(view.error.unwrap().code.as_deref(), Some("run_timeout"));
}

#[tokio::test(start_paused = true)]
async fn a_slot_belongs_to_who_holds_it_although_who_waits_seems_older() {
    let (world, clock) = wound();
    let loom = world.open().await;
    let text = "
name: limited
limits: { concurrency: { max: 1, when_full: queue } }
steps: [ { id: a, uses: probe, with: { hold: a } } ]
";
    let holder = loom.start(start(text)).await.unwrap().run;
    clock.forward(-2);
    let waits = loom.start(start(text)).await.unwrap().run;
    assert!(waits < holder, "ids go by the clock");
    drop(loom);
    let loom = world.recover().await;
    world.probe.until(|it| it.begun("a") > 0).await;
    sleep(MINUTE).await;
    assert_eq!(loom.reader().row(waits).await.unwrap().state.status, RunStatus::Queued);
    world.probe.open("a");
    for run in [holder, waits] {
        assert_eq!(loom.finished(run).await.unwrap().status, RunStatus::Succeeded);
    }
}

#[tokio::test(start_paused = true)]
async fn runs_that_are_due_at_one_instant_are_all_woken() {
    let (world, _) = wound();
    let loom = world.open().await;
    let text = "name: w\nsteps: [ { id: w, wait: { until: 1700000600 } } ]\n";
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(loom.start(start(text)).await.unwrap().run);
    }
    for run in runs {
        let view = timeout(11 * MINUTE, loom.finished(run)).await.expect("it is woken").unwrap();
        assert_eq!(view.status, RunStatus::Succeeded);
    }
}
