//! Steps that start runs of other flows: what they ask for, and what they make of the answers.

use drawloom_blueprint::{ErrorClass, Parent, RunEnd, RunStatus, StepError, Value};
use drawloom_engine::{ChildStart, Effect, Input, Run};

use crate::world::{Crashes, World, flow_of, good, started};

fn begun<'a>(text: &str, crashes: Crashes) -> World<'a> {
    let mut world = World::new(flow_of(text), &good, crashes);
    world.start("{}");
    world
}

/// The sub-flows that were to start, each once.
fn starts(world: &World<'_>) -> Vec<ChildStart> {
    let mut all: Vec<ChildStart> = Vec::new();
    for effect in &world.told {
        if let Effect::StartChild(it) = effect
            && !all.contains(it)
        {
            all.push((**it).clone());
        }
    }
    all
}

fn cancels(world: &World<'_>) -> usize {
    world.told.iter().filter(|it| matches!(it, Effect::CancelChild(_))).count()
}

fn ended(parent: &Parent, end: RunEnd) -> Input {
    Input::ChildEnded { frame: parent.frame, serial: parent.serial, step: parent.step, end: Box::new(end) }
}

fn succeeded(outputs: Value) -> RunEnd {
    RunEnd { status: RunStatus::Succeeded, outputs, error: None }
}

fn failed() -> RunEnd {
    let error = StepError::new(ErrorClass::Unavailable, "inside").with_code("why");
    let error = StepError { step: Some("inner.step".to_owned()), ..error };
    RunEnd { status: RunStatus::Failed, outputs: Value::Null, error: Some(error) }
}

const ONE: &str = "steps: [ { id: sub, flow: other, with: { n: 1 }, timeout: 10s } ]\noutputs: { sub: '{{ sub }}' }";

#[test]
fn what_is_asked_for_is_what_the_flow_says() {
    let text = "
steps:
  - { id: m, for_each: { in: [1, 2], as: n }, do: [ { id: a, flow: 'other@3', with: { n: '{{ n }}' } } ] }
  - { id: free, needs: [], flow: other, detach: true }
";
    let world = begun(text, Crashes::Always);
    let mut starts = starts(&world);
    starts.sort_by_key(|it| it.inputs.to_json());
    assert_eq!(starts.len(), 3);
    let seen =
        |it: &ChildStart| format!("{} {:?} {} {} {}", it.flow, it.version, it.inputs, it.parent.detached, it.depth);
    let expected = [r#"other Some(3) {"n":1} false 1"#, r#"other Some(3) {"n":2} false 1"#, "other None {} true 1"];
    assert_eq!(starts.iter().map(seen).collect::<Vec<_>>(), expected);
    let distinct = |of: fn(&ChildStart) -> u128| starts.iter().map(of).collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!((distinct(|it| it.run.0), distinct(|it| u128::from(it.seed))), (3, 3), "runs and chance of their own");
}

#[test]
fn iterations_and_repetitions_start_runs_of_their_own() {
    let text = "
steps:
  - { id: l, loop: { until: '{{ false }}', max: 3 }, do: [ { id: a, flow: other } ], on_failure: continue }
";
    let mut world = begun(text, Crashes::Always);
    for at in 0..3 {
        let start = starts(&world).pop().expect("a start");
        assert!(world.give(ended(&start.parent, succeeded(Value::Null))), "iteration {at}");
        assert!(!world.give(ended(&start.parent, succeeded(Value::Null))), "an end counts once");
    }
    let runs: std::collections::BTreeSet<_> = starts(&world).iter().map(|it| (it.run, it.seed)).collect();
    assert_eq!(runs.len(), 3);
    assert_eq!(world.run.end().expect("an end").status, RunStatus::Succeeded);
}

#[test]
fn the_end_of_a_sub_flow_is_the_end_of_its_step() {
    let cancelled = RunEnd { status: RunStatus::Cancelled, outputs: Value::Null, error: None };
    for (end, expected) in [
        (succeeded(Value::from(5_i64)), r#"succeeded {"sub":5} None None"#),
        (failed(), r#"failed null Some(Unavailable) Some("sub")"#),
        (cancelled, r#"failed null Some(Cancelled) Some("sub")"#),
    ] {
        let mut world = begun(ONE, Crashes::Always);
        let parent = starts(&world)[0].parent.clone();
        let other = Parent { serial: parent.serial + 1, ..parent.clone() };
        assert!(!world.give(ended(&other, end.clone())), "that is another frame's");
        assert!(world.give(ended(&parent, end)));
        let end = world.run.end().expect("an end");
        let (class, step) = end.error.as_ref().map(|it| (it.class, it.step.clone())).unzip();
        assert_eq!(format!("{} {} {class:?} {:?}", end.status.name(), end.outputs, step.flatten()), expected);
    }
}

#[test]
fn a_sub_flow_that_takes_too_long_is_cancelled_and_then_a_timeout() {
    for end in [failed(), RunEnd { status: RunStatus::Cancelled, outputs: Value::Null, error: None }] {
        let mut world = begun(ONE, Crashes::Never);
        let parent = starts(&world)[0].parent.clone();
        world.go();
        assert_eq!(world.now.since(world.run.started_at()).as_secs(), 10);
        assert!(cancels(&world) > 0 && world.run.end().is_none(), "its end is awaited");
        world.told.clear();
        world.recover_now();
        assert_eq!(cancels(&world), 1, "the wish is repeated by the next process");
        world.give(ended(&parent, end));
        let error = world.run.end().expect("an end").error.clone().expect("an error");
        assert_eq!(error.class, ErrorClass::Timeout);
    }
}

#[test]
fn a_sub_flow_that_succeeds_although_its_time_was_up_has_succeeded() {
    let mut world = begun(ONE, Crashes::Never);
    let parent = starts(&world)[0].parent.clone();
    world.go();
    assert!(cancels(&world) > 0 && world.run.end().is_none(), "its end is awaited");
    world.give(ended(&parent, succeeded(Value::Null)));
    assert_eq!(world.states(), "sub=succeeded");
}

#[test]
fn a_cancel_is_passed_on_and_a_success_that_comes_first_counts() {
    for crashes in [Crashes::Never, Crashes::Always] {
        for (end, state) in [(succeeded(Value::Null), "sub=succeeded"), (failed(), "sub=cancelled")] {
            let mut world = begun(ONE, crashes);
            let parent = starts(&world)[0].parent.clone();
            world.give(Input::Cancel);
            assert!(cancels(&world) > 0 && world.run.end().is_none());
            world.give(ended(&parent, end));
            assert_eq!(world.states(), state);
            assert_eq!(world.run.end().expect("an end").status, RunStatus::Cancelled);
        }
        let mut world = begun(ONE, crashes);
        world.give(Input::Kill);
        assert!(cancels(&world) > 0 || crashes == Crashes::Always);
        assert_eq!(world.states(), "sub=cancelled");
        assert!(world.run.end().is_some(), "a killed run waits for nobody");
    }
}

#[test]
fn flows_nest_so_deep_and_no_deeper() {
    for depth in [31, 32] {
        let mut run = Run::new(flow_of(ONE).into(), |_, with| Ok(with.clone()));
        let started = Box::new(drawloom_blueprint::Started { depth, ..started() });
        let decision = run.handle(Input::Start { started, admitted: true, adopt: Vec::new() }, Default::default());
        let start = decision.effects.iter().find_map(|it| match it {
            Effect::StartChild(it) => Some(it.depth),
            _ => None,
        });
        assert_eq!(start, (depth == 31).then_some(32));
        let code = run.end().and_then(|it| it.error.as_ref()).and_then(|it| it.code.as_deref());
        assert_eq!(code, (depth == 32).then_some("depth"));
    }
}

#[test]
fn a_sub_flow_whose_time_was_up_is_not_caught_by_what_is_being_stopped() {
    for (limit, input) in [("20s", Some(Input::Cancel)), ("15s", None)] {
        let text = format!(
            "
steps:
  - {{ id: t, timeout: {limit}, try: [ {{ id: sub, flow: other, timeout: 10s }} ], catch: [ {{ id: c, set: {{ v: 1 }} }} ], finally: [ {{ id: f, set: {{ v: 1 }} }} ] }}
"
        );
        let mut world = begun(&text, Crashes::Always);
        let parent = starts(&world)[0].parent.clone();
        world.step();
        match input {
            Some(input) => assert!(world.give(input)),
            None => assert!(world.step()),
        }
        world.give(ended(&parent, failed()));
        assert!(world.states().ends_with("t.try.sub=failed t.finally.f=succeeded"), "{limit}: {}", world.states());
        assert!(world.run.end().is_some());
    }
}

#[test]
fn a_sub_flow_in_a_branch_that_is_not_wanted_any_more_is_told_so_also_after_a_crash() {
    let text = "
steps: [ { id: p, join: any, parallel: { a: [ { id: x, uses: work } ], b: [ { id: sub, flow: other } ] } } ]
";
    let mut world = begun(text, Crashes::Never);
    let parent = starts(&world)[0].parent.clone();
    world.step();
    assert_eq!((cancels(&world), world.run.end().is_none()), (1, true), "its end is awaited");
    world.told.clear();
    world.recover_now();
    assert_eq!(cancels(&world), 1, "the wish is repeated by the next process");
    world.give(ended(&parent, failed()));
    assert_eq!(world.states(), "p=succeeded p.a.x=succeeded p.b.sub=cancelled");
}
