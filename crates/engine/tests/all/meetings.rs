//! Two things that befall one run at once: a pause and a lost worker, a timeout and a cancel, a failure after a cancel.

use drawloom_blueprint::{Fact, Outcome, RunStatus, Value};
use drawloom_engine::{Input, Run};

use crate::{
    build::{flow, set},
    world::{Crashes, World, bad, drive, flow_of, good, started},
};

fn begun<'a>(text: &str, crashes: Crashes) -> World<'a> {
    let mut world = World::new(flow_of(text), &good, crashes);
    world.start("{}");
    world
}

#[test]
fn a_worker_that_vanishes_in_a_pause_is_replaced_after_it() {
    let mut world = begun("steps: [ { id: a, uses: work } ]", Crashes::Always);
    let attempt = world.tasks.pop_front().expect("a task").attempt;
    world.give(Input::Pause);
    assert!(world.give(Input::Lost(attempt)));
    assert_eq!((world.tasks.len(), world.run.running(), world.states().as_str()), (0, 0, "a=ready"));
    assert_eq!(world.run.next_due(), None, "it waits for no time");
    world.give(Input::Resume);
    assert_eq!(world.tasks.len(), 1);
    world.go();
    assert_eq!(world.states(), "a=succeeded");
}

#[test]
fn a_block_whose_time_was_up_has_failed_although_the_run_is_then_cancelled() {
    for block in ["for_each: [1], do: [ { id: x, uses: work } ]", "try: [ { id: x, uses: work } ]"] {
        let text = format!("steps: [ {{ id: b, {block}, timeout: 5s }} ]");
        let mut world = begun(&text, Crashes::Never);
        world.held = true;
        let attempt = world.tasks.pop_front().expect("a task").attempt;
        world.step();
        world.give(Input::Cancel);
        world.give(Input::Result { attempt, outcome: bad("stopped") });
        assert!(
            world.states().starts_with("b=failed") && world.states().ends_with("x=cancelled"),
            "{}",
            world.states()
        );
        assert_eq!(world.run.end().expect("an end").status, RunStatus::Cancelled);
    }
}

const LAST_WORDS: &str = "
limits: { on_failure: stop }
steps:
  - { id: t, needs: [], try: [ { id: a, uses: work } ], finally: [ { id: f, uses: work } ] }
  - { id: u, needs: [], try: [ { id: b, uses: work } ], finally: [ { id: g, wait: 1h } ] }
  - { id: x, needs: [], uses: work }
";

/// A run that is ending, with one `finally` at work and one that waits.
fn ending<'a>(by: &str) -> World<'a> {
    let mut world = begun(LAST_WORDS, Crashes::Always);
    match by {
        "cancel" => assert!(world.give(Input::Cancel)),
        _ => {
            let attempt = world.tasks.back().expect("a task").attempt;
            assert!(world.give(Input::Result { attempt, outcome: bad("x") }));
        }
    }
    assert!(world.states().contains("f=running") && world.states().contains("g=waiting"), "{}", world.states());
    world
}

#[test]
fn the_first_cancel_of_a_run_that_ends_anyway_does_not_kill_it_and_the_second_does() {
    let mut world = ending("failure");
    world.give(Input::Cancel);
    assert!(world.states().contains("f=running") && world.states().contains("g=waiting"), "{}", world.states());
    world.give(Input::Cancel);
    assert_eq!(world.run.end().expect("killed").status, RunStatus::Failed);
}

#[test]
fn what_fails_after_a_cancel_changes_nothing_of_it() {
    let mut world = ending("cancel");
    let attempt = world.tasks.front().expect("a task").attempt;
    world.give(Input::Result { attempt, outcome: bad("f") });
    assert!(world.states().contains("f=failed") && world.states().contains("g=waiting"), "{}", world.states());
    world.give(Input::Cancel);
    let end = world.run.end().expect("the second cancel kills");
    assert_eq!((end.status, &end.error), (RunStatus::Cancelled, &None));
}

#[test]
fn a_last_word_that_stops_or_fails_the_run_changes_nothing_of_its_end() {
    for word in ["stop", "fail"] {
        let text = format!(
            "
steps:
  - {{ id: t, needs: [], try: [ {{ id: a, uses: work }} ], finally: [ {{ id: f, {word}: enough }} ] }}
  - {{ id: u, needs: [], try: [ {{ id: b, uses: work }} ], finally: [ {{ id: g, wait: 1h }} ] }}
"
        );
        let mut world = begun(&text, Crashes::Always);
        world.give(Input::Cancel);
        assert!(world.states().contains("g=waiting"), "{word}: {}", world.states());
        world.give(Input::Cancel);
        let end = world.run.end().expect("the second cancel kills");
        assert_eq!((end.status, &end.error), (RunStatus::Cancelled, &None), "{word}");
    }
}

#[test]
fn all_that_is_due_at_one_instant_happens_at_it() {
    let text = "
steps:
  - { id: a, needs: [], wait: 5s }
  - { id: b, needs: [], wait: 5s }
  - { id: c, needs: [], uses: work, retry: { attempts: 2, delay: 5s, jitter: 0 } }
  - { id: d, needs: [], wait: { signal: x }, timeout: 5s }
  - { id: e, needs: [], wait: { for: 5s, timeout: 5s } }
";
    let mut world = begun(text, Crashes::Always);
    let attempt = world.tasks.pop_front().expect("a task").attempt;
    world.give(Input::Result { attempt, outcome: bad("no") });
    world.now = world.run.next_due().expect("a time");
    world.give(Input::Tick);
    assert_eq!(world.states(), "a=succeeded b=succeeded c=running d=failed e=succeeded", "in time is not late");
    assert_eq!(world.run.next_due(), None);
}

#[test]
fn a_decision_may_break_off_right_before_the_end() {
    let moves = |world: &World<'_>| -> Vec<usize> {
        let facts = world.journal.iter().map(|(_, bytes)| Fact::decode(bytes).expect("a fact"));
        facts.map(|it| it.moves.len()).collect()
    };
    let many = "steps: [ { id: m, for_each: '{{ range(5000) }}', do: [ { id: a, set: { v: 1 } } ] } ]";
    let most = moves(&begun(many, Crashes::Never))[0];
    let mut alone = 0;
    for steps in most - 8..most + 2 {
        let ids: Vec<&'static str> = (0..steps).map(|it| &*format!("s{it}").leak()).collect();
        let steps = ids.iter().map(|id| set(id, "1")).collect();
        let mut world = World::new(flow(steps, None), &good, Crashes::Always);
        world.start("{}");
        assert!(world.run.end().is_some(), "{} steps", ids.len());
        alone += u32::from(moves(&world).last() == Some(&1));
    }
    assert!(alone > 0, "the end of one of them stands alone");
}

#[test]
fn a_decision_may_break_off_within_a_chain_that_goes_on_in_one_go() {
    let steps: Vec<String> = (0..3_000).map(|it| format!("{{ id: s{it}, set: {{ v: 1 }} }}")).collect();
    let flow = flow_of(&format!("steps: [ {} ]", steps.join(", ")));
    assert!(flow.steps[0].fused_next.is_some(), "the optimiser fuses them");
    let mut world = World::new(flow, &good, Crashes::Never);
    world.start("{}");
    assert!(world.run.end().is_some() && world.journal.len() > 1, "{} facts", world.journal.len());
}

#[test]
fn what_does_not_fit_into_one_decision_is_done_in_the_next() {
    let text = "
steps:
  - { id: w, wait: { signal: go } }
  - { id: m, for_each: { in: '{{ range(5000) }}', concurrency: 5000 }, do: [ { id: a, uses: work } ] }
";
    for crashes in [Crashes::Never, Crashes::Always] {
        let mut world = begun(text, crashes);
        world.give(Input::Pause);
        world.give(Input::Signal { name: "go".to_owned(), payload: Value::Null });
        assert_eq!((world.tasks.len(), world.states().matches("a=ready").count()), (0, 1_000), "as many as are listed");
        world.give(Input::Resume);
        assert_eq!((world.tasks.len(), world.run.running()), (5_000, 5_000));
        world.give(Input::Kill);
        assert_eq!(world.run.end().expect("an end").status, RunStatus::Cancelled);
    }
}

#[test]
fn a_success_that_comes_while_its_block_is_stopped_counts_for_the_step_alone() {
    let text = "steps: [ { id: b, timeout: 5s, for_each: [1], do: [ { id: a, uses: work }, { id: c, uses: work } ] } ]";
    let mut world = begun(text, Crashes::Always);
    world.held = true;
    let attempt = world.tasks.front().expect("a task").attempt;
    world.tasks.clear();
    world.step();
    world.give(Input::Result { attempt, outcome: Outcome::Success(Value::Null) });
    assert_eq!(world.states(), "b=failed b[0].a=succeeded b[0].c=cancelled");
}

#[test]
fn a_branch_that_was_not_wanted_any_more_and_succeeds_all_the_same_has_its_output() {
    let text = "
steps: [ { id: p, join: any, parallel: { a: [ { id: x, uses: work } ], b: [ { id: y, uses: work } ] } } ]
outputs: { p: '{{ p }}' }
";
    let mut world = begun(text, Crashes::Always);
    world.held = true;
    let attempts: Vec<_> = world.tasks.drain(..).map(|it| it.attempt).collect();
    for (attempt, output) in attempts.into_iter().zip([1_i64, 2]) {
        world.give(Input::Result { attempt, outcome: Outcome::Success(output.into()) });
    }
    assert_eq!(world.run.end().expect("an end").outputs.to_json(), r#"{"p":{"a":1,"b":2}}"#);
}

#[test]
fn what_is_being_undone_is_not_cut_short_by_a_cancel() {
    let text = "
steps: [ { id: a, uses: work, compensate: [ { id: u, uses: work }, { id: v, wait: 5s } ] }, { id: b, uses: work } ]
";
    let script = |path: &str, attempt: u32| if path == "b" { bad("no") } else { good(path, attempt) };
    let mut world = World::new(flow_of(text), &script, Crashes::Always);
    world.start("{}");
    world.step();
    world.step();
    assert!(world.states().contains("u=running"), "{}", world.states());
    world.give(Input::Cancel);
    world.go();
    assert!(world.states().ends_with("u=succeeded a.compensate.v=succeeded"), "{}", world.states());
}

#[test]
fn what_is_stopped_while_it_waits_for_room_takes_none() {
    // The first branch that succeeds stops those that are ready, first or last in the line; what follows has room.
    let text = "
limits: { parallel_steps: 1 }
steps:
  - { id: p, needs: [], join: any, parallel: { a: [ { id: x, uses: work } ], b: [ { id: y, uses: work } ] } }
  - { id: z, needs: [], uses: work }
  - { id: q, needs: [], timeout: 5s, for_each: [1], do: [ { id: r, uses: work } ] }
  - { id: last_one, run_if: all_done, uses: work, needs: [p, z, q] }
";
    for crashes in [Crashes::Never, Crashes::Always] {
        let mut world = begun(text, crashes);
        let first = world.tasks.pop_front().expect("a task").attempt;
        world.now = world.run.next_due().expect("a deadline");
        world.give(Input::Tick);
        assert!(world.states().ends_with("q[0].r=cancelled"), "{}", world.states());
        world.give(Input::Result { attempt: first, outcome: Outcome::Success(Value::Null) });
        world.go();
        assert_eq!(world.log, ["p.a.x#1", "last_one#1"]);
        assert_eq!((world.widest, world.run.running()), (1, 0));
    }
}

#[test]
fn each_of_several_conditions_counts() {
    for (conditions, state) in [
        (["true", "true"], "succeeded"),
        (["true", "false"], "skipped"),
        (["false", "true"], "skipped"),
        (["true", "1 // 0"], "failed"),
        // What comes after one that does not hold is not asked.
        (["false", "1 // 0"], "skipped"),
    ] {
        let mut blueprint = flow(vec![set("a", "1")], None);
        for it in conditions {
            blueprint.exprs.push(drawloom_blueprint::expr::Expr::jinja(it.to_owned(), Vec::new()));
            let at = u32::try_from(blueprint.exprs.len() - 1).expect("few");
            blueprint.steps[0].when.push(drawloom_blueprint::ExprIx(at));
        }
        let mut world = World::new(blueprint, &good, Crashes::Always);
        world.start("{}");
        assert_eq!(world.states(), format!("a={state}"), "{conditions:?}");
    }
}

#[test]
fn a_stop_is_a_success_although_something_failed_before() {
    let text = "
steps: [ { id: a, uses: work }, { id: s, run_if: all_done, stop: enough } ]
";
    let mut world = World::new(flow_of(text), &|_, _| bad("no"), Crashes::Always);
    world.start("{}");
    world.go();
    assert_eq!(world.run.end().expect("an end").status, RunStatus::Succeeded, "{}", world.states());
}

#[test]
fn a_try_whose_time_is_up_undoes_what_it_did_as_its_catch_does_not_run() {
    let text = "
steps:
  - id: t
    timeout: 5s
    on_failure: continue
    try: [ { id: a, uses: work, compensate: [ { id: u, uses: work } ] }, { id: w, wait: 1h } ]
    catch: [ { id: c, set: { v: 1 } } ]
  - { id: after, uses: work }
";
    let mut world = begun(text, Crashes::Always);
    world.go();
    assert_eq!(world.log, ["t.try.a#1", "t.try.a.compensate.u#1", "after#1"]);
    assert_eq!(world.run.end().expect("an end").status, RunStatus::Succeeded);
}

#[test]
fn patience_with_a_run_that_failed_has_an_end_too() {
    let mut world = ending("failure");
    world.go();
    assert_eq!(world.now.since(world.run.started_at()).as_secs(), 300);
    assert_eq!(world.run.end().expect("killed").status, RunStatus::Failed);
    assert!(world.states().contains("f=succeeded") && world.states().contains("g=cancelled"), "{}", world.states());
}

#[test]
fn what_is_paused_before_it_has_a_slot_is_paused_with_it() {
    let mut run = Run::new(flow_of("steps: [ { id: a, uses: work } ]").into(), |_, with| Ok(with.clone()));
    run.handle(Input::Start { started: Box::new(started()), admitted: false, adopt: Vec::new() }, Default::default());
    assert!(!run.handle(Input::Pause, Default::default()).dropped);
    assert_eq!(run.handle(Input::Admit, Default::default()).effects, []);
    assert_eq!(run.status(), RunStatus::Paused);
    assert_eq!(run.handle(Input::Resume, Default::default()).effects.len(), 1);
}

#[test]
fn after_a_fail_what_was_done_in_a_try_is_undone_before_its_finally() {
    let text = "
steps:
  - id: t
    try: [ { id: a, uses: work, compensate: [ { id: u, uses: work } ] }, { id: x, fail: 'no' }, { id: b, uses: work } ]
    finally: [ { id: f, uses: work } ]
";
    let make = || flow_of(text);
    let (end, states, log) = drive(&make, &good);
    assert_eq!(log, ["t.try.a#1", "t.try.a.compensate.u#1", "t.finally.f#1"], "{states}");
    assert_eq!((end.status, end.error.expect("an error").code.as_deref()), (RunStatus::Failed, Some("fail")));
}
