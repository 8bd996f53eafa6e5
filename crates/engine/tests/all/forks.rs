//! Runs that take over successes of others.

use std::sync::Arc;

use drawloom_blueprint::{RunId, RunStatus, Started, StepIx, Timestamp, Value};
use drawloom_engine::{Effect, History, Input, Run, fork_plan};
use drawloom_lang::Optimise;

use crate::{
    property::blueprint,
    world::{Crashes, World, bad, flow_of, good, started},
};

#[test]
fn steps_that_are_fused_with_one_that_was_taken_over_are_done() {
    let text = "
drawloom: 1
name: fused
steps: [ { id: a, set: { n: 1 } }, { id: b, set: { n: '{{ a.n + 1 }}' } }, { id: c, set: { n: '{{ b.n + 1 }}' } } ]
outputs: { n: '{{ c.n }}' }
";
    let blueprint = blueprint(text, Optimise::On);
    assert!(blueprint.steps[0].fused_next.is_some(), "the optimiser fuses them");
    let started = Started { forked_from: Some(RunId(1)), ..started() };
    for kept in 1..=3_i64 {
        let mut run = Run::new(blueprint.clone().into(), |_, with| Ok(with.clone()));
        let adopt = (0..kept).map(|at| (StepIx(at as u32), Value::object([("n", Value::Int(10 * (at + 1)))])));
        let start = Input::Start { started: Box::new(started.clone()), admitted: true, adopt: adopt.collect() };
        run.handle(start, Timestamp(0));
        let end = run.end().expect("it ends at once");
        assert_eq!(end.status, RunStatus::Succeeded);
        let expected = 10 * kept + (3 - kept);
        assert_eq!(end.outputs.to_json(), format!("{{\"n\":{expected}}}"));
    }
}

const SAGA: &str = "
steps:
  - { id: pay, uses: work, compensate: [ { id: refund, uses: work } ] }
  - { id: each, needs: [], for_each: [1, 2], do: [ { id: book, uses: work, compensate: [ { id: unbook, uses: work } ] } ] }
  - { id: note, needs: [], uses: work }
  - { id: ship, needs: [pay, each, note], uses: work }
";

#[test]
fn what_was_undone_is_done_again() {
    let script = |path: &str, attempt: u32| if path == "ship" { bad("no") } else { good(path, attempt) };
    for (is_killed, keep) in [(false, "note"), (true, "pay each note")] {
        let mut world = World::new(flow_of(SAGA), &script, Crashes::Never);
        world.start("{}");
        while world.run.running() > 1 || world.log.len() < 4 {
            world.step();
        }
        if is_killed {
            world.give(Input::Kill);
        }
        world.go();
        assert_eq!(world.states().contains("pay.compensate.refund=succeeded"), !is_killed);
        let flow = flow_of(SAGA);
        let plan = fork_plan(&world.run, &flow, &[]).expect("a plan");
        let kept: Vec<&str> = plan.keep.iter().map(|(step, _)| flow.step(*step).id.as_str()).collect();
        assert_eq!(kept.join(" "), keep, "killed: {is_killed}");
    }
}

#[test]
fn what_was_taken_over_is_undone_like_what_was_done() {
    let mut run = Run::new(flow_of(SAGA).into(), |_, with| Ok(with.clone()));
    let adopt = (0..3).map(|at| (StepIx(at), Value::Null)).collect();
    let start = Input::Start { started: Box::new(started()), admitted: true, adopt };
    let handed_out = |effects: &[Effect]| match effects {
        [Effect::Dispatch(it)] => it.attempt,
        other => panic!("one attempt is handed out: {other:?}"),
    };
    let ship = handed_out(&run.handle(start, Timestamp(0)).effects);
    let undo = run.handle(Input::Result { attempt: ship, outcome: bad("no") }, Timestamp(1));
    let undo = handed_out(&undo.effects);
    assert_eq!(run.path(undo.frame, undo.step), "pay.compensate.refund");
}

#[test]
fn a_failure_that_may_be_is_tried_again_and_a_step_that_was_left_out_is_asked_again() {
    let text = "
steps:
  - { id: a, needs: [], uses: work, on_failure: continue }
  - { id: b, needs: [], uses: work }
  - { id: c, needs: [b], when: '{{ b == 5 }}', set: { v: 1 } }
";
    let script = |path: &str, attempt: u32| if path == "a" { bad("no") } else { good(path, attempt) };
    let mut world = World::new(flow_of(text), &script, Crashes::Never);
    world.start("{}");
    world.go();
    assert_eq!(world.states(), "a=failed b=succeeded c=skipped");
    assert_eq!(world.run.end().expect("an end").status, RunStatus::Succeeded);
    assert_eq!(fork_plan(&world.run, &flow_of(text), &[]).expect("a plan").redo, ["a", "c"]);
}

#[test]
fn what_was_taken_over_is_told_as_done_and_not_as_tried() {
    let flow = Arc::new(flow_of(SAGA));
    let mut run = Run::new(Arc::clone(&flow), |_, with| Ok(with.clone()));
    let adopt = vec![(StepIx(0), Value::Int(5)), (StepIx(2), Value::Null)];
    let start = Input::Start { started: Box::new(started()), admitted: true, adopt };
    let fact = run.handle(start, Timestamp(0)).fact.expect("a fact");
    let mut history = History::new(flow, |_, with| Ok(with.clone()));
    history.apply(Timestamp(0), &fact).expect("a fact that fits");
    let told: Vec<_> = history.steps().iter().map(|it| (it.path.as_str(), it.status, it.attempts)).collect();
    assert_eq!(told[..3], [("pay", "succeeded", 0), ("each", "waiting", 0), ("note", "succeeded", 0)]);
    assert_eq!(history.steps()[0].output, Some(Value::Int(5)));
}
