//! How runs and parts of them are stopped: who is told, what still runs, how it ends.

use drawloom_blueprint::{ErrorClass, Outcome, RunStatus, StepError, Value};
use drawloom_engine::{Effect, Input};

use crate::world::{Crashes, World, bad, drive, flow_of, good, started};

fn begun<'a>(text: &str, crashes: Crashes) -> World<'a> {
    let mut world = World::new(flow_of(text), &good, crashes);
    world.start("{}");
    world
}

fn error(world: &World<'_>) -> Option<StepError> {
    world.run.end().unwrap_or_else(|| panic!("an end: {}", world.states())).error.clone()
}

const TWO: &str = "
steps:
  - { id: a, needs: [], uses: work }
  - id: t
    needs: []
    try: [ { id: b, uses: work }, { id: c, wait: { signal: x } } ]
    finally: [ { id: f, uses: work }, { id: g, uses: work } ]
";

#[test]
fn attempts_are_asked_to_stop_and_killed_after_that() {
    for crashes in [Crashes::Never, Crashes::Always] {
        let mut world = begun(TWO, crashes);
        world.held = true;
        let attempts: Vec<_> = world.tasks.iter().map(|it| it.attempt).collect();
        world.give(Input::Cancel);
        let aborted = |world: &World<'_>| attempts.iter().all(|it| world.told.contains(&Effect::Abort(*it)));
        assert!(aborted(&world), "{:?}", world.told);
        world.told.clear();
        world.recover_now();
        assert!(aborted(&world), "the next process asks again: {:?}", world.told);
        assert!(world.tasks.is_empty(), "and hands nothing out");
        let grace = world.run.next_due().expect("patience has an end");
        assert_eq!(grace.since(world.run.started_at()).as_secs(), 300);
        world.told.clear();
        let decision = world.run.handle(Input::Cancel, world.now);
        assert!(attempts.iter().all(|it| decision.effects.contains(&Effect::Kill(*it))), "{:?}", decision.effects);
        assert_eq!(world.run.end().expect("an end").status, RunStatus::Cancelled);
    }
}

#[test]
fn patience_with_a_cancelled_run_has_an_end() {
    let mut world = begun(TWO, Crashes::Always);
    world.held = true;
    world.give(Input::Cancel);
    world.tasks.clear();
    world.go();
    assert_eq!(world.now.since(world.run.started_at()).as_secs(), 300);
    assert_eq!(world.states(), "a=cancelled t=cancelled t.try.b=cancelled t.try.c=cancelled");
}

#[test]
fn a_kill_stops_what_a_cancel_spares() {
    let mut world = begun(TWO, Crashes::Always);
    world.give(Input::Cancel);
    assert_eq!(world.tasks.len(), 1, "`finally` is under way");
    assert!(world.states().ends_with("t.finally.f=running t.finally.g=pending"), "{}", world.states());
    world.give(Input::Kill);
    assert!(world.states().ends_with("t.finally.f=cancelled t.finally.g=cancelled"), "{}", world.states());
    let mut world = begun(TWO, Crashes::Always);
    world.give(Input::Kill);
    assert_eq!(world.states(), "a=cancelled t=cancelled t.try.b=cancelled t.try.c=cancelled", "and begins nothing");
}

#[test]
fn how_a_run_ends_is_decided_once() {
    // A failure that ends the run, then a cancel: it has failed.
    let text = "
limits: { on_failure: stop, timeout: 1h }
steps: [ { id: a, needs: [], uses: work }, { id: b, needs: [], uses: work } ]
";
    let mut world = begun(text, Crashes::Always);
    world.held = true;
    let attempt = world.tasks.front().expect("a task").attempt;
    world.give(Input::Result { attempt, outcome: bad("first") });
    world.give(Input::Cancel);
    world.give(Input::Cancel);
    assert_eq!(world.run.end().expect("an end").status, RunStatus::Failed);
    assert_eq!(error(&world).expect("an error").message, "first");
    // And the run's own time limit counts no more once it is ending.
    let text = text.replace("1h", "10s").replace("on_failure: stop, ", "");
    let mut world = begun(&text, Crashes::Always);
    world.held = true;
    world.give(Input::Cancel);
    world.tasks.clear();
    world.go();
    assert_eq!((world.run.end().expect("an end").status, error(&world)), (RunStatus::Cancelled, None));
    assert_eq!(world.now.since(world.run.started_at()).as_secs(), 300);
}

#[test]
fn a_run_that_takes_too_long_has_failed() {
    let text = "limits: { timeout: 10s }\nsteps: [ { id: w, wait: 1h } ]";
    let mut world = begun(text, Crashes::Always);
    world.go();
    assert_eq!(world.now.since(world.run.started_at()).as_secs(), 10);
    assert_eq!(world.run.end().expect("an end").status, RunStatus::Failed);
    let error = error(&world).expect("an error");
    assert_eq!((error.class, error.code.as_deref()), (ErrorClass::Timeout, Some("run_timeout")));
}

#[test]
fn the_time_in_which_a_run_waits_for_a_slot_is_not_its_own() {
    let text = "limits: { timeout: 10s }\nsteps: [ { id: w, wait: 1h } ]";
    let mut run = drawloom_engine::Run::new(flow_of(text).into(), |_, with| Ok(with.clone()));
    let start = Input::Start { started: Box::new(started()), admitted: false, adopt: Vec::new() };
    let at = |seconds: u64| drawloom_blueprint::Timestamp(0).after(std::time::Duration::from_secs(seconds));
    run.handle(start, at(0));
    assert_eq!(run.next_due(), None);
    run.handle(Input::Admit, at(100));
    assert_eq!(run.next_due(), Some(at(110)));
}

#[test]
fn a_run_without_a_slot_ends_for_the_reason_given_or_when_it_is_cancelled() {
    let why = || StepError::new(ErrorClass::Cancelled, "no room").with_code("full");
    for (input, expected) in [(Input::Refuse(why()), Some(why())), (Input::Cancel, None), (Input::Kill, None)] {
        let mut run = drawloom_engine::Run::new(flow_of(TWO).into(), |_, with| Ok(with.clone()));
        let start = Input::Start { started: Box::new(started()), admitted: false, adopt: Vec::new() };
        let decision = run.handle(start, Default::default());
        assert_eq!((run.status(), decision.effects.len()), (RunStatus::Queued, 0));
        assert!(!run.handle(Input::Pause, Default::default()).dropped);
        assert_eq!(run.status(), RunStatus::Queued, "it waits for more than the pause");
        run.handle(input, Default::default());
        let end = run.end().expect("an end");
        assert_eq!((end.status, &end.error), (RunStatus::Cancelled, &expected));
        assert!(run.handle(Input::Admit, Default::default()).dropped);
    }
}

#[test]
fn stop_ends_the_run_from_wherever_it_stands() {
    let text = "
steps:
  - { id: w, needs: [], wait: { signal: x } }
  - { id: u, needs: [], uses: work, compensate: [ { id: undo, uses: work } ] }
  - id: m
    needs: [u]
    for_each: [1, 2, 3]
    do: [ { id: s, if: '{{ item == 2 }}', then: [ { id: e, stop: enough } ] }, { id: k, wait: { signal: x } } ]
outputs: { u: '{{ u is defined }}', m: '{{ m }}', k: 1 }
";
    let (end, states, log) = drive(&|| flow_of(text), &good);
    assert_eq!((end.status, end.error), (RunStatus::Succeeded, None));
    assert_eq!(end.outputs.to_json(), r#"{"u":true,"m":null,"k":1}"#);
    assert!(states.starts_with("w=cancelled u=succeeded m=cancelled"), "{states}");
    assert_eq!(log, ["u#1"], "nothing is undone after a `stop`");
}

#[test]
fn a_fail_ends_the_run_and_one_that_is_handled_does_not() {
    let text = |around: &str| {
        format!(
            "
steps:
  - {{ id: w, needs: [], wait: {{ for: 5s }} }}
  - {around}
"
        )
    };
    let fail = "{ id: x, fail: wrong }";
    for (around, status, w) in [
        (format!("{{ id: t, needs: [], try: [ {fail} ] }}"), "failed", "cancelled"),
        (
            format!("{{ id: t, needs: [], try: [ {fail} ], catch: [ {{ id: c, set: {{ v: 1 }} }} ] }}"),
            "succeeded",
            "succeeded",
        ),
        (format!("{{ id: t, needs: [], try: [ {{ id: y, uses: work }} ], catch: [ {fail} ] }}"), "failed", "cancelled"),
        (format!("{{ id: t, needs: [], try: [ {fail} ], on_failure: continue }}"), "succeeded", "succeeded"),
        (
            format!("{{ id: t, needs: [], for_each: {{ in: [1], on_failure: continue }}, do: [ {fail} ] }}"),
            "succeeded",
            "succeeded",
        ),
    ] {
        let script = |path: &str, attempt: u32| if path.ends_with('y') { bad("no") } else { good(path, attempt) };
        let (end, states, _) = drive(&|| flow_of(&text(&around)), &script);
        assert_eq!(end.status.name(), status, "{around}");
        assert!(states.contains(&format!("w={w}")), "{around}: {states}");
        if status == "failed" {
            let error = end.error.expect("an error");
            assert_eq!((error.message.as_str(), error.code.as_deref()), ("wrong", Some("fail")));
        }
    }
}

#[test]
fn a_failure_stops_the_others_where_the_flow_says_so_and_nothing_handles_it() {
    for (limits, around, w) in [
        ("continue", "try: [ { id: x, uses: work } ]", "succeeded"),
        ("stop", "try: [ { id: x, uses: work } ]", "cancelled"),
        ("stop", "try: [ { id: x, uses: work } ], catch: [ { id: c, set: { v: 1 } } ]", "succeeded"),
        ("stop", "for_each: { in: [1, 2], on_failure: continue }, do: [ { id: x, uses: work } ]", "succeeded"),
        ("stop", "try: [ { id: x, uses: work } ], on_failure: continue", "succeeded"),
    ] {
        let text = format!(
            "limits: {{ on_failure: {limits} }}\nsteps: [ {{ id: w, needs: [], wait: 1h }}, {{ id: t, needs: [], {around} }} ]"
        );
        let (_, states, _) = drive(&|| flow_of(&text), &|_, _| bad("no"));
        assert!(states.contains(&format!("w={w}")), "{limits}, {around}: {states}");
    }
}

#[test]
fn a_join_that_has_enough_stops_the_others_but_not_their_finally() {
    let text = |join: &str| {
        format!(
            "
steps:
  - id: p
    join: {join}
    parallel:
      a: [ {{ id: x, uses: work }} ]
      b: [ {{ id: t, try: [ {{ id: y, wait: 1h }} ], finally: [ {{ id: f, wait: 2h }}, {{ id: g, uses: work }} ] }}, {{ id: z, uses: work }} ]
      c: [ {{ id: v, wait: 5s }} ]
"
        )
    };
    for (join, v) in [("any", "cancelled"), ("2", "succeeded")] {
        let (end, states, _) = drive(&|| flow_of(&text(join)), &good);
        assert_eq!(end.status, RunStatus::Succeeded);
        let expected = "p.b.t.try.y=cancelled";
        assert!(states.contains(expected), "{states}");
        for it in ["p.b.t.finally.f=succeeded", "p.b.t.finally.g=succeeded", "p.b.z=cancelled", &format!("p.c.v={v}")] {
            assert!(states.contains(it), "{join}: {it}: {states}");
        }
    }
}

#[test]
fn a_join_gives_up_when_enough_cannot_be_had_any_more() {
    let text = "
steps:
  - id: p
    join: 2
    parallel:
      a: [ { id: x, uses: work } ]
      b: [ { id: y, uses: work } ]
      c: [ { id: z, wait: 1h } ]
";
    let script = |failing: &'static str| {
        move |path: &str, attempt: u32| if failing.contains(path) { bad(path) } else { good(path, attempt) }
    };
    let (end, states, _) = drive(&|| flow_of(text), &script("p.a.x"));
    assert_eq!((end.status, states.contains("z=succeeded")), (RunStatus::Succeeded, true), "one may fail: {states}");
    let (end, states, _) = drive(&|| flow_of(text), &script("p.a.x p.b.y"));
    assert_eq!((end.status, states.contains("z=cancelled")), (RunStatus::Failed, true), "{states}");
    assert_eq!(end.error.expect("an error").message, "p.a.x", "the first branch that failed tells");
}

#[test]
fn blocks_of_every_form_end_at_their_timeout() {
    for block in [
        "for_each: [1, 2], do: [ { id: x, wait: 1h } ]",
        "loop: { until: true }, do: [ { id: x, wait: 1h } ]",
        "loop: { until: false, every: 1h }, do: [ { id: x, set: { v: 1 } } ]",
        "try: [ { id: x, wait: 1h } ]",
        "try: [ { id: x, wait: 1h } ], catch: [ { id: c, set: { v: 1 } } ]",
        "if: true, then: [ { id: x, wait: 1h } ]",
        "parallel: { a: [ { id: x, wait: 1h } ] }",
    ] {
        let text =
            format!("steps: [ {{ id: b, {block}, timeout: 5s }}, {{ id: after, run_if: all_done, set: {{ v: 1 }} }} ]");
        let mut world = begun(&text, Crashes::Always);
        world.go();
        assert_eq!(world.now.since(world.run.started_at()).as_secs(), 5, "{block}");
        let error = error(&world).expect("an error");
        assert_eq!((error.class, error.step.as_deref()), (ErrorClass::Timeout, Some("b")), "{block}");
        assert!(world.states().starts_with("b=failed after=succeeded"), "{block}: {}", world.states());
        assert!(!world.states().contains(".c="), "{block}: its own timeout is not caught: {}", world.states());
    }
}

#[test]
fn finally_runs_after_everything_and_its_own_failure_outweighs() {
    let text = |catch: &str| {
        format!(
            "
steps:
  - {{ id: t, try: [ {{ id: a, uses: work }}, {{ id: v, set: {{ v: try }} }} ],{catch} finally: [ {{ id: f, uses: work }}, {{ id: w, set: {{ v: finally }} }} ] }}
outputs: {{ t: '{{{{ t }}}}' }}
"
        )
    };
    let catch = " catch: [ { id: c, uses: work }, { id: u, set: { v: catch } } ],";
    for (catch, failing, expected) in [
        ("", "", r#"{"t":{"v":"try"}}"#),
        ("", "t.try.a", "t.try.a"),
        ("", "t.finally.f", "t.finally.f"),
        ("", "t.try.a t.finally.f", "t.finally.f"),
        (catch, "t.try.a", r#"{"t":{"v":"catch"}}"#),
        (catch, "t.try.a t.catch.c", "t.catch.c"),
        (catch, "t.try.a t.finally.f", "t.finally.f"),
    ] {
        let script = |path: &str, attempt: u32| {
            if failing.split(' ').any(|it| it == path) { bad(path) } else { good(path, attempt) }
        };
        let (end, states, log) = drive(&|| flow_of(&text(catch)), &script);
        assert_eq!(end.error.map_or_else(|| end.outputs.to_json(), |it| it.message), expected, "{failing}: {states}");
        assert_eq!(log.last().map(String::as_str), Some("t.finally.f#1"), "{failing}");
    }
}

#[test]
fn a_catch_is_stopped_with_the_run_and_a_finally_is_not() {
    let text = "
steps:
  - id: t
    try: [ { id: a, uses: work } ]
    catch: [ { id: c, wait: 1h } ]
    finally: [ { id: f, wait: 2s } ]
";
    let script = |_: &str, _: u32| bad("no");
    let mut world = World::new(flow_of(text), &script, Crashes::Always);
    world.start("{}");
    world.step();
    assert!(world.states().contains("t.catch.c=waiting"), "{}", world.states());
    world.give(Input::Cancel);
    world.go();
    assert!(world.states().ends_with("t.catch.c=cancelled t.finally.f=succeeded"), "{}", world.states());
}

#[test]
fn what_is_undone_and_by_whom() {
    let saga = "{ id: a, uses: work, compensate: [ { id: ua, uses: work } ] }, \
                { id: b, uses: work, compensate: [ { id: ub, uses: work } ] }, { id: x, uses: work }";
    for (text, failing, expected) in [
        // A `catch` handles the failure, so that there is nothing to undo; without one, the `try` undoes.
        (format!("{{ id: t, try: [ {saga} ], catch: [ {{ id: c, set: {{ v: 1 }} }} ] }}"), "t.try.x", ""),
        (format!("{{ id: t, try: [ {saga} ], on_failure: continue }}"), "t.try.x", "ub ua"),
        // A run that fails undoes also what was done in a `try` that went well, and in a `catch`.
        (format!("{{ id: t, try: [ {saga} ] }}, {{ id: y, uses: work }}"), "y", "ub ua"),
        (
            format!("{{ id: t, try: [ {{ id: q, uses: work }} ], catch: [ {saga} ] }}, {{ id: y, uses: work }}"),
            "t.try.q y",
            "ub ua",
        ),
        // A failure that is handled undoes nothing, nor does a skip.
        (format!("{saga}, {{ id: y, uses: work, on_failure: continue }}"), "y", ""),
    ] {
        let script = |path: &str, attempt: u32| {
            if failing.split(' ').any(|it| it == path) { bad("no") } else { good(path, attempt) }
        };
        let (_, states, log) = drive(&|| flow_of(&format!("steps: [ {text} ]")), &script);
        let undone: Vec<&str> = log
            .iter()
            .filter_map(|it| it.split_once(".compensate."))
            .map(|(_, it)| it.trim_end_matches("#1"))
            .collect();
        assert_eq!(undone.join(" "), expected, "{text}: {states}");
    }
}

#[test]
fn the_end_waits_for_what_is_undone() {
    let text = "
steps:
  - id: t
    try: [ { id: a, uses: work, compensate: [ { id: ua, wait: 5s } ] }, { id: x, uses: work } ]
    finally: [ { id: f, set: { v: 1 } } ]
  - { id: after, run_if: all_done, set: { v: 1 } }
";
    let script = |path: &str, attempt: u32| if path == "t.try.x" { bad("no") } else { good(path, attempt) };
    let mut world = World::new(flow_of(text), &script, Crashes::Always);
    world.start("{}");
    world.step();
    world.step();
    assert!(world.states().starts_with("t=waiting after=pending"), "{}", world.states());
    world.give(Input::Kill);
    assert_eq!(world.run.end().expect("an end").status, RunStatus::Cancelled);
    assert!(world.states().contains("ua=cancelled") && !world.states().contains("f="), "{}", world.states());
}

#[test]
fn a_result_for_an_earlier_attempt_or_another_frame_is_dropped() {
    let text = "steps: [ { id: a, uses: work, retry: { attempts: 3, delay: 1s } } ]";
    let mut world = World::new(flow_of(text), &|_, _| bad("no"), Crashes::Always);
    world.start("{}");
    let first = world.tasks.front().expect("a task").attempt;
    world.step();
    world.step();
    let good = || Outcome::Success(Value::Null);
    assert!(!world.give(Input::Result { attempt: first, outcome: good() }));
    let second = world.tasks.front().expect("a task").attempt;
    let other = drawloom_engine::AttemptId { serial: second.serial + 1, ..second };
    assert!(!world.give(Input::Result { attempt: other, outcome: good() }));
    assert!(world.give(Input::Result { attempt: second, outcome: good() }));
}

#[test]
fn a_finally_that_is_under_way_is_not_cut_short_by_a_cancel() {
    for crashes in [Crashes::Never, Crashes::Always] {
        let text = "
steps:
  - { id: t, try: [ { id: a, uses: work } ], finally: [ { id: f, uses: work }, { id: g, wait: 2s } ] }
  - { id: after, uses: work }
";
        let mut world = begun(text, crashes);
        world.step();
        world.give(Input::Cancel);
        world.go();
        assert_eq!(
            world.states(),
            "t=cancelled after=cancelled t.try.a=succeeded t.finally.f=succeeded t.finally.g=succeeded"
        );
        let inner =
            "{ id: t, try: [ { id: a, uses: work } ], finally: [ { id: f, uses: work }, { id: g, wait: 2s } ] }";
        for around in ["for_each: [1], do: [ INNER ]", "if: true, then: [ INNER ]", "try: [ INNER ], catch: []"] {
            let text = format!("steps: [ {{ id: o, {} }} ]", around.replace("INNER", inner));
            let mut world = begun(&text, crashes);
            world.step();
            world.give(Input::Cancel);
            world.go();
            assert!(world.states().ends_with("g=succeeded"), "{around}: {}", world.states());
        }
    }
}

#[test]
fn a_killed_run_undoes_nothing() {
    for text in [
        "steps: [ { id: a, uses: work, compensate: [ { id: u, uses: work } ] }, { id: b, uses: work } ]",
        "steps: [ { id: t, try: [ { id: a, uses: work, compensate: [ { id: u, uses: work } ] }, { id: b, uses: work } ] } ]",
    ] {
        let mut world = begun(text, Crashes::Never);
        world.step();
        world.give(Input::Kill);
        assert_eq!(world.run.end().expect("an end").status, RunStatus::Cancelled);
        assert!(!world.states().contains(".u"), "{}", world.states());
    }
}

#[test]
fn the_first_failure_that_nothing_handles_is_that_of_the_run() {
    let text = "
steps: [ { id: a, needs: [], uses: work }, { id: b, needs: [], uses: work }, { id: c, needs: [], uses: work } ]
";
    let script = |path: &str, attempt: u32| if path == "a" { good(path, attempt) } else { bad(path) };
    let (end, ..) = drive(&|| flow_of(text), &script);
    let error = end.error.expect("an error");
    assert_eq!((error.message.as_str(), error.step.as_deref()), ("b", Some("b")));
}

#[test]
fn a_loop_or_map_that_is_stopped_is_not_done_although_what_was_in_it_succeeds() {
    for block in ["loop: { until: true }", "for_each: [1]"] {
        let text = format!("steps: [ {{ id: b, {block}, do: [ {{ id: a, uses: work }} ] }} ]");
        let mut world = begun(&text, Crashes::Never);
        world.held = true;
        let attempt = world.tasks.pop_front().expect("a task").attempt;
        world.give(Input::Cancel);
        world.give(Input::Result { attempt, outcome: Outcome::Success(Value::Null) });
        assert_eq!(world.states(), "b=cancelled b[0].a=succeeded", "{block}");
    }
}

#[test]
fn a_join_of_more_than_there_are_waits_for_all() {
    use crate::build::{Form, flow, step, task};
    let make = || {
        let branches = vec![("x", vec![task("a")]), ("y", vec![task("b")])];
        flow(vec![step("p", Form::Parallel(branches, drawloom_blueprint::JoinPolicy::Count(5)))], None)
    };
    let (end, states, _) = drive(&make, &good);
    assert_eq!((end.status, states.as_str()), (RunStatus::Succeeded, "p=succeeded p.x.a=succeeded p.y.b=succeeded"));
}

#[test]
fn what_is_undone_sees_the_values_of_all_that_was_around_it() {
    let text = "
steps:
  - id: m
    for_each: { in: ['x', 'y'], as: outer }
    do:
      - id: n
        for_each: { in: [1, 2], as: inner }
        do: [ { id: a, uses: work, compensate: [ { id: u, set: { v: '{{ [outer, inner, a] }}' } } ] } ]
  - { id: last_one, uses: work }
";
    let script = |path: &str, attempt: u32| if path == "last_one" { bad("no") } else { good(path, attempt) };
    let mut world = World::new(flow_of(text), &script, Crashes::Always);
    world.start("{}");
    world.go();
    let history = world.history();
    let undone: Vec<String> = history
        .steps()
        .iter()
        .filter(|it| it.id == "u")
        .filter_map(|it| it.output.as_ref().map(Value::to_json))
        .collect();
    let expected = [("y", 2), ("y", 1), ("x", 2), ("x", 1)].map(|(x, n)| format!(r#"{{"v":["{x}",{n},true]}}"#));
    assert_eq!(undone, expected);
}

#[test]
fn what_cannot_be_undone_does_not_keep_the_rest_from_it() {
    let text = "
steps:
  - { id: a, uses: work, compensate: [ { id: ua, uses: work } ] }
  - { id: b, uses: work, compensate: [ { id: ub, uses: work } ] }
  - { id: x, uses: work }
";
    let script =
        |path: &str, attempt: u32| if path == "x" || path.ends_with("ub") { bad(path) } else { good(path, attempt) };
    let (end, states, log) = drive(&|| flow_of(text), &script);
    assert_eq!(log, ["a#1", "b#1", "x#1", "b.compensate.ub#1", "a.compensate.ua#1"], "{states}");
    assert_eq!(end.error.expect("an error").message, "x", "what went wrong first is told");
}

#[test]
fn blocks_inside_a_finally_go_on_as_it_does() {
    let inside = "{ id: f, uses: work }, { id: g, uses: work }";
    for block in
        ["parallel: { x: [ IN ] }", "for_each: [1], do: [ IN ]", "loop: { until: true }, do: [ IN ]", "try: [ IN ]"]
    {
        let block = block.replace("IN", inside);
        let text = format!(
            "steps: [ {{ id: t, try: [ {{ id: a, uses: work }} ], finally: [ {{ id: b, {block} }} ] }}, {{ id: z, uses: work }} ]"
        );
        for crashes in [Crashes::Never, Crashes::Always] {
            let mut world = begun(&text, crashes);
            world.step();
            world.give(Input::Cancel);
            assert_eq!(world.told, [], "{block}: nobody is asked to stop");
            world.go();
            assert_eq!(world.log.len(), 3, "{block}: {:?}", world.log);
            assert!(
                world.states().contains("f=succeeded") && world.states().contains("g=succeeded"),
                "{}",
                world.states()
            );
            assert!(world.states().contains("z=cancelled"), "{}", world.states());
            assert_eq!(world.run.end().expect("an end").status, RunStatus::Cancelled);
        }
    }
}
