//! Waits, and who is woken by what.

use drawloom_blueprint::{ErrorClass, RunStatus, Value};
use drawloom_engine::{Input, Run};

use crate::world::{Crashes, World, flow_of, good, started};

fn begun<'a>(text: &str) -> World<'a> {
    let mut world = World::new(flow_of(text), &good, Crashes::Always);
    world.start("{}");
    world
}

fn signal(name: &str, payload: i64) -> Input {
    Input::Signal { name: name.to_owned(), payload: Value::Int(payload) }
}

fn outputs(world: &World<'_>) -> String {
    world.run.end().unwrap_or_else(|| panic!("an end: {}", world.states())).outputs.to_json()
}

const THREE: &str = "
steps:
  - { id: a, needs: [], wait: { signal: go } }
  - { id: b, needs: [], wait: { signal: go } }
  - { id: c, needs: [], wait: { signal: '{{ [\"o\", \"ther\"] | join }}' } }
outputs: { all: '{{ [a, b, c] }}' }
";

#[test]
fn a_signal_goes_to_the_one_that_has_waited_longest_for_its_name() {
    let mut world = begun(THREE);
    for (name, payload) in [("go", 1), ("other", 3), ("go", 2)] {
        assert!(world.give(signal(name, payload)));
    }
    assert_eq!(outputs(&world), r#"{"all":[1,2,3]}"#);
}

#[test]
fn early_signals_are_taken_in_the_order_in_which_they_came_each_once() {
    let text = "
steps:
  - { id: w, uses: work }
  - { id: a, wait: { signal: go } }
  - { id: b, wait: { signal: go } }
  - { id: c, wait: { signal: go } }
outputs: { all: '{{ [a, b, c] }}' }
";
    let mut world = begun(text);
    for payload in [1, 2] {
        assert!(world.give(signal("go", payload)));
        assert!(world.give(signal("nobody", payload)));
    }
    world.go();
    assert!(world.states().ends_with("a=succeeded b=succeeded c=waiting"), "{}", world.states());
    world.give(signal("go", 3));
    assert_eq!(outputs(&world), r#"{"all":[1,2,3]}"#);
}

#[test]
fn so_many_signals_are_kept_and_no_more() {
    let mut world = World::new(flow_of("steps: [ { id: w, uses: work } ]"), &good, Crashes::Never);
    world.start("{}");
    for at in 0..1_000 {
        assert!(world.give(signal("go", at)));
    }
    assert!(!world.give(signal("go", 1_000)));
    assert_eq!(world.run.dropped(), 1);
}

#[test]
fn what_ended_otherwise_is_not_waited_for() {
    let text = "
steps:
  - { id: a, needs: [], wait: { signal: go, timeout: 5s }, on_failure: continue }
  - { id: b, needs: [], wait: { signal: go } }
  - { id: c, wait: { signal: go } }
outputs: { all: '{{ [b, c] }}' }
";
    let mut world = begun(text);
    world.step();
    assert!(world.states().starts_with("a=failed b=waiting"), "{}", world.states());
    world.give(signal("go", 1));
    world.give(signal("go", 2));
    assert_eq!(outputs(&world), r#"{"all":[1,2]}"#);
    let error = world.history().steps()[0].error.clone().expect("an error");
    assert_eq!(error.class, ErrorClass::Timeout);
}

#[test]
fn answers_to_questions_and_calls() {
    let text = "
steps:
  - { id: m, for_each: { in: [1, 2] }, do: [ { id: q, wait: { approval: 'sure?' }, on_failure: continue } ] }
  - { id: h, needs: [], wait: { webhook: true } }
outputs: { all: '{{ [m, h] }}' }
";
    let payload = |text: &str| Value::from_json(text.as_bytes()).expect("JSON");
    let mut world = begun(text);
    let waits = world.run.waits();
    let token = |path: &str| waits.iter().find(|it| it.path == path).map(|it| it.name.clone()).expect("a wait");
    let mut tokens: Vec<String> = waits.iter().map(|it| it.name.clone()).collect();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 3, "each has an address of its own");
    assert!(tokens.iter().all(|it| it.len() == 64), "and one that cannot be guessed");
    for (path, with) in [
        ("m[1].q", r#"{"comment":"fine"}"#),
        ("m[0].q", r#"{"approved":false,"comment":"too dear"}"#),
        ("h", r#"{"approved":false}"#),
    ] {
        let input = || Input::Token { token: token(path), payload: payload(with) };
        assert!(world.give(input()));
        assert!(!world.give(input()), "an address serves once");
    }
    assert_eq!(outputs(&world), r#"{"all":[[null,{"comment":"fine"}],{"approved":false}]}"#);
    let history = world.history();
    let error = history.steps().iter().find_map(|it| it.error.clone()).expect("an error");
    assert_eq!((error.message.as_str(), error.code.as_deref()), ("rejected: too dear", Some("rejected")));
}

#[test]
fn times_are_kept_to_the_microsecond() {
    let after = |wait: &str| {
        let mut world = begun(&format!("steps: [ {{ id: w, wait: {wait} }} ]"));
        if let Some(due) = world.run.next_due() {
            world.now.0 = due.0 - 1;
            world.give(Input::Tick);
            assert!(world.run.end().is_none(), "{wait}: not before its time");
            world.now = due;
            world.give(Input::Tick);
        }
        let end = world.run.end().expect("an end");
        let code = end.error.as_ref().and_then(|it| it.code.clone()).unwrap_or_default();
        (world.now.since(world.run.started_at()).as_millis(), code)
    };
    let fine = |ms: u128| (ms, String::new());
    assert_eq!(after("{ for: 1m30s }"), fine(90_000));
    assert_eq!(after("{ for: 5ms }"), fine(5));
    assert_eq!(after("{ for: 7 }"), fine(7_000));
    assert_eq!(after("{ for: 2.5 }"), fine(2_500));
    assert_eq!(after("{ until: 1700000012 }"), fine(12_000));
    assert_eq!(after("{ until: 1700000000.25 }"), fine(250));
    assert_eq!(after("{ until: '2023-11-14T22:13:21Z' }"), fine(1_000));
    assert_eq!(after("{ for: '{{ run.id }}' }").1, "wait");
    assert_eq!(after("{ until: '{{ run.id }}' }").1, "wait");
    assert_eq!(after("{ for: '{{ run.depth - 1 }}' }").1, "wait");
    assert_eq!(after("{ for: 18446744073709551615 }").1, "wait", "a time beyond all times");
    // A time that has passed is over at once.
    let mut world = begun("steps: [ { id: w, wait: { until: 1600000000 } } ]");
    world.give(Input::Tick);
    assert_eq!(world.run.end().expect("an end").status, RunStatus::Succeeded);
}

#[test]
fn a_signal_for_which_there_is_no_room_is_refused() {
    let mut run = Run::new(flow_of("steps: [ { id: w, wait: 1h } ]").into(), |_, with| Ok(with.clone()));
    run.handle(Input::Start { started: Box::new(started()), admitted: true, adopt: Vec::new() }, Default::default());
    let dropped: Vec<i64> =
        (0..1_002).filter(|it| run.handle(signal("early", *it), Default::default()).dropped).collect();
    assert_eq!(dropped, [1_000, 1_001]);
}
