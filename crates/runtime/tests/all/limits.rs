//! Slots of flows and of the process.

use drawloom_blueprint::RunStatus;
use drawloom_runtime::{Error, Recover, Start, Taken, Work};

use crate::world::{Within, json, memory, start, worlds};

fn limited(when_full: &str) -> String {
    format!(
        "
name: limited
inputs: {{ k: {{ type: string, default: x }} }}
limits: {{ concurrency: {{ max: 1, key: '{{{{ inputs.k }}}}', when_full: {when_full} }} }}
steps: [ {{ id: a, uses: probe, with: {{ hold: '{{{{ inputs.k }}}}' }} }} ]
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_wait_for_a_slot_of_their_key_also_after_a_crash() {
    for world in worlds() {
        let text = limited("queue");
        let with = |key: &str| Start { inputs: json(&format!(r#"{{"k":"{key}"}}"#)), ..start(&text) };
        let loom = world.open().await;
        let first = loom.start(with("x")).await.unwrap().run;
        let second = loom.start(with("x")).await.unwrap().run;
        let third = loom.start(with("x")).await.unwrap().run;
        let other = loom.start(with("y")).await.unwrap().run;
        world.probe.until(|it| it.begun("a") == 2).await;
        assert_eq!(loom.reader().view(second).await.unwrap().status, RunStatus::Queued);
        let why = loom.reader().why(second, "a").await.unwrap();
        assert!(why[0].reason.contains(&first.to_string()), "{why:?}");
        assert!(!why[0].reason.contains(&other.to_string()), "{why:?}");
        // Who is paused keeps its slot.
        loom.pause(first).soon().await.unwrap();
        let why = loom.reader().why(second, "a").await.unwrap();
        assert!(why[0].reason.contains(&first.to_string()), "{why:?}");
        loom.resume(first).soon().await.unwrap();
        drop(loom);
        let loom = world.open().await;
        assert_eq!(loom.recover(Recover::All).await.unwrap().len(), 4);
        world.probe.until(|it| it.begun("a") == 4).await;
        assert_eq!(loom.reader().view(third).await.unwrap().status, RunStatus::Queued);
        // A queued run that is cancelled gives up its place.
        loom.cancel(second).soon().await.unwrap();
        assert_eq!(loom.finished(second).soon().await.unwrap().status, RunStatus::Cancelled);
        world.probe.open("x");
        world.probe.open("y");
        for run in [first, third, other] {
            assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_flow_rejects_skips_or_cancels() {
    let world = memory();
    let loom = world.open().await;
    let held = loom.start(start(&limited("reject"))).await.unwrap().run;
    assert!(matches!(loom.start(start(&limited("reject"))).soon().await, Err(Error::Full { max: 1, .. })));
    let skipped = loom.start(start(&limited("skip"))).soon().await.unwrap().run;
    let skipped = loom.finished(skipped).soon().await.unwrap();
    assert_eq!(skipped.status, RunStatus::Cancelled);
    assert_eq!(skipped.error.unwrap().code.as_deref(), Some("flow_full"));
    let instead = loom.start(start(&limited("cancel_running"))).soon().await.unwrap().run;
    assert_eq!(loom.finished(held).soon().await.unwrap().status, RunStatus::Cancelled);
    world.probe.open("x");
    assert_eq!(loom.finished(instead).soon().await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_wants_the_slot_of_one_that_is_ending_lets_it_end() {
    for world in worlds() {
        let text = "
name: newest
limits: { concurrency: { max: 1, when_full: cancel_running } }
steps:
  - id: t
    try: [ { id: x, uses: probe, with: { hold: x } } ]
    finally: [ { id: f, uses: probe, with: { hold: f } } ]
";
        let loom = world.open().await;
        let first = loom.start(start(text)).await.unwrap().run;
        world.probe.until(|it| it.begun("t.try.x") == 1).await;
        loom.cancel(first).soon().await.unwrap();
        world.probe.until(|it| it.begun("t.finally.f") == 1).await;
        // A second cancel would be a kill.
        let second = loom.start(start(text)).soon().await.unwrap().run;
        assert_eq!(loom.pause(second).soon().await.unwrap(), Taken::Yes);
        assert_eq!(loom.resume(second).soon().await.unwrap(), Taken::Yes);
        world.probe.open("f");
        assert_eq!(loom.finished(first).soon().await.unwrap().status, RunStatus::Cancelled);
        assert_eq!(world.probe.successes("t.finally.f"), 1, "its `finally` came to its end");
        world.probe.open("x");
        assert_eq!(loom.finished(second).soon().await.unwrap().status, RunStatus::Succeeded);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_attempts_than_slots_and_a_small_run_is_not_starved() {
    let mut world = memory();
    world.settings.parallelism = 4;
    let loom = world.open().await;
    let large = loom
        .start(start(
            "
name: large
steps: [ { id: m, for_each: { in: '{{ range(2000) }}', as: n }, do: [ { id: x, uses: probe, with: { value: 1 } } ] } ]
",
        ))
        .await
        .unwrap()
        .run;
    let small = loom
        .start(start(
            "
name: small
steps: [ { id: a, uses: probe, with: { value: 1 } }, { id: b, uses: probe, with: { value: 1 } } ]
",
        ))
        .await
        .unwrap()
        .run;
    loom.finished(small).soon().await.unwrap();
    let order = world.probe.order();
    let at = |what: &str| order.iter().position(|it| it == what).unwrap();
    let between = &order[at("a")..at("b done")];
    let others = between.iter().filter(|it| it.starts_with("m[") && !it.ends_with(" done")).count();
    assert!(others < 1_000, "{others} of the large run came between");
    assert_eq!(loom.finished(large).soon().await.unwrap().status, RunStatus::Succeeded);
    assert!(world.probe.most_together() <= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_wait_for_a_slot_go_by_their_priority() {
    let mut world = memory();
    world.settings.parallelism = 1;
    let loom = world.open().await;
    let text = "
name: ordered
steps:
  - { id: a, needs: [], uses: probe, priority: 9, with: {} }
  - { id: b, needs: [], uses: probe, priority: -1, with: {} }
  - { id: c, needs: [], uses: probe, priority: 5, with: {} }
  - { id: d, needs: [], uses: probe, with: {} }
  - { id: e, needs: [], uses: probe, priority: 5, with: {} }
";
    let run = loom.start(start(text)).await.unwrap().run;
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
    let begun: Vec<String> = world.probe.order().into_iter().filter(|it| !it.ends_with(" done")).collect();
    assert_eq!(begun, ["a", "c", "e", "d", "b"]);
    assert_eq!(world.probe.most_together(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_priority_counts_within_its_flow_alone() {
    let mut world = memory();
    world.settings.parallelism = 1;
    let loom = world.open().await;
    let urgent = "
name: urgent
steps:
  - { id: first, needs: [], uses: probe, with: { hold: first } }
  - { id: m, needs: [], for_each: '{{ range(20) }}', do: [ { id: x, uses: probe, priority: 9, with: {} } ] }
";
    let urgent = loom.start(start(urgent)).await.unwrap().run;
    world.probe.until(|it| it.begun("first") == 1).await;
    let other = loom.start(start("\nname: other\nsteps: [ { id: o, uses: probe, with: {} } ]\n")).await.unwrap().run;
    world.probe.open("first");
    for run in [urgent, other] {
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
    }
    let begun: Vec<String> = world.probe.order().into_iter().filter(|it| !it.ends_with(" done")).collect();
    let place = begun.iter().position(|it| it == "o").unwrap();
    assert!(place <= 3, "flows take turns: {begun:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_of_a_killed_attempt_goes_to_the_next_that_waits() {
    let mut world = memory();
    world.settings.parallelism = 1;
    let loom = world.open().await;
    let text = |more: &str| format!("\nname: one\nsteps: [ {{ id: a, uses: probe, with: {{ {more} }} }} ]\n");
    let stuck = loom.start(start(&text("stuck: true"))).await.unwrap().run;
    world.probe.until(|it| it.begun("a") == 1).await;
    let next = loom.start(start(&text("value: 1"))).await.unwrap().run;
    loom.kill(stuck).soon().await.unwrap();
    assert_eq!(loom.finished(next).soon().await.unwrap().status, RunStatus::Succeeded);
    // Work that does not stop is dropped.
    world.probe.until(|it| it.dropped() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_slot_is_told_who_holds_those_of_its_key() {
    let world = memory();
    let loom = world.open().await;
    let text = limited("queue");
    let with = |key: &str| Start { inputs: json(&format!(r#"{{"k":"{key}"}}"#)), ..start(&text) };
    let other = loom.start(with("y")).await.unwrap().run;
    let holder = loom.start(with("x")).await.unwrap().run;
    let waiting = loom.start(with("x")).await.unwrap().run;
    let why = loom.reader().why(waiting, "a").await.unwrap();
    assert!(why[0].reason.contains(&holder.to_string()) && !why[0].reason.contains(&other.to_string()), "{why:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_slot_and_for_what_key_is_known_again_after_a_crash() {
    for world in worlds() {
        let text = limited("queue");
        let with = |key: &str| Start { inputs: json(&format!(r#"{{"k":"{key}"}}"#)), ..start(&text) };
        let loom = world.open().await;
        let paused = loom.start(with("x")).await.unwrap().run;
        loom.pause(paused).soon().await.unwrap();
        drop(loom);
        let loom = world.recover().await;
        let same = loom.start(with("x")).soon().await.unwrap().run;
        let other = loom.start(with("y")).soon().await.unwrap().run;
        assert_eq!(
            loom.reader().row(same).await.unwrap().state.status,
            RunStatus::Queued,
            "a paused run holds its slot"
        );
        assert_eq!(loom.reader().row(other).await.unwrap().state.status, RunStatus::Running, "that of its key alone");
        loom.resume(paused).soon().await.unwrap();
        world.probe.open("x");
        world.probe.open("y");
        for run in [paused, same, other] {
            assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_nobody_lived_to_pass_on_goes_to_the_next_after_a_restart() {
    let mut world = memory();
    let loom = world.open().await;
    let text = limited("queue");
    let first = loom.start(start(&text)).await.unwrap().run;
    let second = loom.start(start(&text)).await.unwrap().run;
    world.probe.until(|it| it.begun("a") == 1).await;
    drop(loom);
    // This one takes note of the end, and looks after nobody else.
    world.settings.work = Work::Leave;
    let loom = world.open().await;
    loom.cancel(first).soon().await.unwrap();
    assert_eq!(loom.finished(first).soon().await.unwrap().status, RunStatus::Cancelled);
    loom.close().soon().await.unwrap();
    world.settings.work = Work::Do;
    let loom = world.recover().await;
    world.probe.open("x");
    assert_eq!(loom.finished(second).soon().await.unwrap().status, RunStatus::Succeeded);
}
