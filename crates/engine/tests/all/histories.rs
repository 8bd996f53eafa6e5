//! What the journal tells of the steps of a run, also of those whose frames are gone.

use drawloom_engine::{ITEMS_LISTED_MAX, Input};

use crate::world::{Crashes, World, bad, flow_of, good};

#[test]
fn steps_have_their_times_attempts_errors_and_outputs() {
    let text = "
steps:
  - { id: a, uses: work, retry: { attempts: 3, delay: 10s, jitter: 0 } }
  - { id: b, uses: work, on_failure: continue }
  - { id: c, when: '{{ false and run.depth }}', set: { v: 1 } }
  - { id: d, set: { v: 1 } }
";
    let script = |path: &str, attempt: u32| match path {
        "a" if attempt < 3 => bad("not yet"),
        "b" => bad("no"),
        _ => good(path, attempt),
    };
    let mut world = World::new(flow_of(text), &script, Crashes::Always);
    let begin = world.now;
    world.start("{}");
    world.step();
    let history = world.history();
    let a = &history.steps()[0];
    assert_eq!(
        (a.status, a.attempts, a.error.as_ref().map(|it| it.message.as_str())),
        ("retrying", 1, Some("not yet"))
    );
    world.go();
    let history = world.history();
    let seconds = |it| Option::map(it, |it: drawloom_blueprint::Timestamp| it.since(begin).as_secs());
    let told: Vec<String> = history
        .steps()
        .iter()
        .map(|it| {
            let error = it.error.as_ref().map(|it| it.message.as_str()).unwrap_or_default();
            let times = (seconds(it.started_at), seconds(it.ended_at));
            let output = it.output.as_ref().map(drawloom_blueprint::Value::to_json).unwrap_or_default();
            format!("{} {} {} {} {times:?} {error}{output}", it.path, it.does, it.status, it.attempts)
        })
        .collect();
    // The first wait is of 10 s, the second of 20 s.
    assert_eq!(
        told,
        [
            "a work succeeded 3 (Some(0), Some(30)) true",
            "b work failed 1 (Some(30), Some(30)) no",
            "c set skipped 0 (Some(30), Some(30)) ",
            "d set succeeded 0 (Some(30), Some(30)) {\"v\":1}",
        ]
    );
}

#[test]
fn so_many_items_are_listed_and_the_others_counted() {
    let many = ITEMS_LISTED_MAX + 3;
    let text = format!(
        "
steps:
  - id: m
    for_each: {{ in: '{{{{ range({many}) }}}}', on_failure: continue }}
    do:
      - {{ id: a, set: {{ v: '{{{{ 1 // (item - 1001) }}}}' }} }}
      - {{ id: b, set: {{ v: 1 }} }}
      - {{ id: n, for_each: [1, 2], do: [ {{ id: c, set: {{ v: 1 }} }} ] }}
"
    );
    let mut world = World::new(flow_of(&text), &good, Crashes::Never);
    world.start("{}");
    world.go();
    let history = world.history();
    let listed = |id: &str| history.steps().iter().filter(|it| it.id == id).count() as u64;
    assert_eq!((listed("a"), listed("b"), listed("c")), (ITEMS_LISTED_MAX, ITEMS_LISTED_MAX, 2 * ITEMS_LISTED_MAX));
    let counted = format!("{:?}", history.counted());
    assert_eq!(
        counted,
        r#"{"a": {"failed": 1, "succeeded": 2}, "b": {"succeeded": 2, "upstream_failed": 1}, "c": {"succeeded": 4}, "n": {"succeeded": 2, "upstream_failed": 1}}"#
    );
}

#[test]
fn memory_is_given_back_when_frames_are_left() {
    // What may have to be undone stays, and no more.
    let text = "
steps:
  - { id: m, for_each: { in: '{{ range(300) }}', concurrency: 1 }, do: [ { id: a, uses: work }, { id: b, wait: 1s } ] }
  - { id: u, for_each: { in: '{{ range(20) }}', concurrency: 1 }, do: [ { id: p, uses: work, compensate: [ { id: q, uses: work } ] } ] }
  - { id: w, wait: { signal: x } }
";
    let mut world = World::new(flow_of(text), &good, Crashes::Never);
    world.start("{}");
    let mut most = 0;
    while world.step() {
        most = most.max(world.run.why("a").expect("a step").len());
    }
    assert_eq!(most, 1, "an item that has ended is not held");
    assert_eq!(world.run.why("p").expect("a step").len(), 20, "what can be undone is");
    world.give(Input::Cancel);
    world.go();
    assert_eq!(world.log.iter().filter(|it| it.contains(".compensate.")).count(), 20);
    assert_eq!(world.run.why("p").expect("a step")[0].status, "pending", "it is let go once it is undone");
}

#[test]
fn an_attempt_whose_worker_vanished_is_one_of_those_that_are_told_of() {
    let mut world = World::new(flow_of("steps: [ { id: a, uses: work } ]"), &good, Crashes::Always);
    world.start("{}");
    let attempt = world.tasks.pop_front().expect("a task").attempt;
    world.give(Input::Lost(attempt));
    world.go();
    let history = world.history();
    assert_eq!((history.steps()[0].status, history.steps()[0].attempts), ("succeeded", 2));
}

#[test]
fn places_are_named_by_all_that_is_around_them() {
    let text = "
steps:
  - id: o
    for_each: [7]
    do:
      - id: l
        loop: { until: true }
        do: [ { id: t, try: [ { id: p, parallel: { b: [ { id: x, uses: work } ] } } ] } ]
";
    let mut world = World::new(flow_of(text), &good, Crashes::Always);
    world.start("{}");
    world.go();
    assert_eq!(world.log, ["o[0].l[0].t.try.p.b.x#1"]);
    assert!(world.states().ends_with(" o[0].l[0].t.try.p.b.x=succeeded"), "{}", world.states());
}
