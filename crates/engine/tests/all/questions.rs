//! Why is this step not running? And what does the run wait for?

use drawloom_blueprint::Outcome;
use drawloom_engine::{Input, Run, Why};

use crate::world::{Crashes, World, bad, flow_of, good, started};

fn one(world: &World<'_>, id: &str) -> Why {
    let mut answers = world.run.why(id).expect("a step of the flow");
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.remove(0)
}

const ALL: &str = "
limits: { parallel_steps: 1 }
steps:
  - { id: a, needs: [], uses: work, retry: { attempts: 2, delay: 10s, jitter: 0 } }
  - { id: b, needs: [], uses: work }
  - { id: c, needs: [a, b], set: { v: 1 } }
  - { id: d, needs: [c], set: { v: 1 } }
  - { id: s, needs: [], wait: { signal: go, timeout: 1h } }
  - { id: t, needs: [], wait: { for: 30s } }
  - { id: sub, needs: [], flow: other }
  - { id: m, needs: [], for_each: { in: [1, 2, 3, 4], concurrency: 2 }, do: [ { id: i, wait: { signal: never } } ] }
  - { id: w, needs: [], when: '{{ inputs.n }}', set: { v: 1 } }
  - { id: n, needs: [], if: '{{ inputs.n }}', then: [ { id: inner, set: { v: 1 } } ] }
inputs: { n: integer }
";

#[test]
fn every_state_has_a_reason() {
    let script =
        |path: &str, attempt: u32| if path == "a" && attempt == 1 { bad("no luck") } else { good(path, attempt) };
    let mut world = World::new(flow_of(ALL), &script, Crashes::Always);
    world.start(r#"{"n": 0}"#);
    let reason = |world: &World<'_>, id: &str| {
        let it = one(world, id);
        format!("{}: {}", it.status, it.reason)
    };
    assert_eq!(reason(&world, "a"), "running: attempt 1 is under way");
    assert_eq!(reason(&world, "b"), "ready: all 1 of the run's `parallel_steps` are held, by a");
    assert_eq!(reason(&world, "c"), "pending: it needs a, b, which have not ended");
    assert_eq!(one(&world, "c").needs, ["a", "b"]);
    assert_eq!(reason(&world, "d"), "pending: it needs c, which has not ended");
    assert_eq!(reason(&world, "s"), "waiting: it waits for the signal `go`");
    assert_eq!(one(&world, "s").due.as_deref(), Some("2023-11-14T23:13:20.000Z"), "its limit");
    assert_eq!(one(&world, "t").due.as_deref(), Some("2023-11-14T22:13:50.000Z"), "its time");
    assert_eq!(reason(&world, "sub"), "waiting: it waits for a sub-flow");
    assert!(one(&world, "sub").run.is_some());
    assert_eq!(reason(&world, "m"), "waiting: 0 of 4 items are done, 2 under way");
    assert_eq!(reason(&world, "w"), "skipped: its `when` or `run_if` did not hold");
    assert!(reason(&world, "inner").contains("`n`, which it is in, is not there now"));
    assert!(world.run.why("nobody").is_none());
    let answers = world.run.why("i").expect("a step of the flow");
    assert_eq!(answers.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), ["m[0].i", "m[1].i"]);

    world.give(Input::Signal { name: "never".to_owned(), payload: Default::default() });
    assert_eq!(reason(&world, "m"), "waiting: 1 of 4 items are done, 2 under way");
    world.step();
    let why = one(&world, "a");
    assert_eq!(why.reason, "attempt 1 failed (failed: no luck); the next one waits for its time");
    assert_eq!(why.due.as_deref(), Some("2023-11-14T22:13:30.001Z"));
    world.step();
    assert_eq!(reason(&world, "c"), "pending: it needs a, which has not ended");
    let waits: Vec<String> =
        world.run.waits().iter().map(|it| format!("{} {} {}", it.path, it.kind, it.name)).collect();
    assert_eq!(
        waits,
        [
            "s signal go",
            "m[1].i signal never",
            "m[2].i signal never",
            "a time 2023-11-14T22:13:30.001Z",
            "t time 2023-11-14T22:13:50.000Z",
        ]
    );
    world.give(Input::Pause);
    world.go();
    assert_eq!(reason(&world, "a"), "ready: the run is paused");
}

#[test]
fn times_are_among_what_a_run_waits_for() {
    let text = "
steps:
  - { id: a, needs: [], uses: work, retry: { attempts: 2, delay: 10s, jitter: 0 } }
  - { id: t, needs: [], wait: 30s }
";
    let mut world = World::new(flow_of(text), &|_, _| bad("no"), Crashes::Always);
    world.start("{}");
    world.step();
    let waits: Vec<String> =
        world.run.waits().iter().map(|it| format!("{} {} {}", it.path, it.kind, it.name)).collect();
    assert_eq!(waits, ["a time 2023-11-14T22:13:30.001Z", "t time 2023-11-14T22:13:50.000Z"]);
}

#[test]
fn failures_are_named_with_the_steps_that_they_came_from() {
    let text = "
steps:
  - { id: a, needs: [], uses: work }
  - { id: b, needs: [a], uses: work }
  - { id: c, needs: [b], uses: work }
  - { id: ok, needs: [], uses: work }
  - { id: d, needs: [c, ok], uses: work }
  - { id: long, needs: [], wait: 1h }
";
    let script = |path: &str, attempt: u32| if path == "a" { bad("no") } else { good(path, attempt) };
    let mut world = World::new(flow_of(text), &script, Crashes::Always);
    world.start("{}");
    world.step();
    world.step();
    assert_eq!(one(&world, "a").reason, "failed: no");
    for (id, needs) in [("b", "a"), ("c", "b"), ("d", "c")] {
        let why = one(&world, id);
        assert_eq!((why.status.as_str(), why.needs.join(",").as_str()), ("upstream_failed", needs));
        assert_eq!(why.reason, "a step that it needs failed");
    }
    world.give(Input::Cancel);
    assert_eq!(one(&world, "long").reason, "it was stopped");
    assert_eq!(one(&world, "ok").reason, "it succeeded");
}

#[test]
fn a_run_that_waits_for_a_slot_says_so() {
    let mut run = Run::new(flow_of(ALL).into(), |_, with| Ok(with.clone()));
    assert_eq!(run.why("a").expect("a step")[0].reason, "the run has not started");
    run.handle(Input::Start { started: Box::new(started()), admitted: false, adopt: Vec::new() }, Default::default());
    assert!(run.why("a").expect("a step")[0].reason.contains("waits for a slot"));
    run.handle(Input::Admit, Default::default());
    assert_eq!(run.why("a").expect("a step")[0].status, "running");
    let attempt = drawloom_engine::AttemptId { frame: 0, serial: 1, step: drawloom_blueprint::StepIx(0), attempt: 1 };
    assert!(
        !run.handle(Input::Result { attempt, outcome: Outcome::Success(Default::default()) }, Default::default())
            .dropped
    );
}

#[test]
fn an_attempt_that_was_asked_to_stop_still_holds_its_room() {
    let text = "
limits: { parallel_steps: 1 }
steps:
  - { id: m, needs: [], timeout: 5s, for_each: [1], do: [ { id: x, uses: work } ] }
  - { id: s, needs: [], wait: 1s }
  - { id: b, needs: [s], uses: work }
";
    let mut world = World::new(flow_of(text), &good, Crashes::Never);
    world.held = true;
    world.start("{}");
    world.tasks.clear();
    world.step();
    world.step();
    assert_eq!(one(&world, "x").reason, "attempt 1 was asked to stop");
    assert_eq!(one(&world, "b").reason, "all 1 of the run's `parallel_steps` are held, by m[0].x");
}
