//! One scenario per form and rule.

use drawloom_blueprint::{Blueprint, JoinPolicy, Outcome, RunEnd, TriggerRule, Value};
use drawloom_engine::Input;

use crate::{
    build::{Form, S, flow, set, step, task},
    world::{Crashes, Script, World, bad, drive, good},
};

fn ends(make: &dyn Fn() -> Blueprint, script: Script<'_>) -> (String, String) {
    let (end, states, _) = drive(make, script);
    (text(&end), states)
}

fn text(end: &RunEnd) -> String {
    match &end.error {
        Some(error) => format!("{}: {}", end.status.name(), error.message),
        None => format!("{} {}", end.status.name(), end.outputs),
    }
}

fn check(make: &dyn Fn() -> Blueprint, script: Script<'_>, end: &str, states: &str) {
    let found = ends(make, script);
    assert_eq!(found, (end.to_owned(), states.to_owned()));
}

fn failing<'a>(path: &'a str) -> impl Fn(&str, u32) -> Outcome + 'a {
    move |it, _| if it == path { bad("no") } else { good(it, 0) }
}

#[test]
fn a_list_runs_in_order_and_passes_values_on() {
    check(
        &|| flow(vec![set("a", "{'x': 1}"), task("b"), set("c", "a.x + 1")], Some("c * 10")),
        &good,
        r#"succeeded {"out":20}"#,
        "a=succeeded b=succeeded c=succeeded",
    );
}

#[test]
fn a_failure_travels_on_and_a_skip_does_not_stop_a_list() {
    check(
        &|| flow(vec![task("a"), task("b"), task("c").needs(&["b"])], None),
        &failing("a"),
        "failed: no",
        "a=failed b=upstream_failed c=upstream_failed",
    );
    check(
        &|| flow(vec![task("a").when("false"), task("b"), task("c").needs(&["a"]), task("d").needs(&["c"])], None),
        &good,
        "succeeded {}",
        "a=skipped b=succeeded c=skipped d=skipped",
    );
    check(&|| flow(vec![task("a").go_on(), task("b")], None), &failing("a"), "succeeded {}", "a=failed b=succeeded");
    check(
        &|| flow(vec![task("a"), task("b").rule(TriggerRule::OneFailed)], None),
        &failing("a"),
        "failed: no",
        "a=failed b=succeeded",
    );
}

#[test]
fn a_failed_attempt_is_tried_again_after_its_delay() {
    let make = || flow(vec![task("a").tries(3)], None);
    let (end, _, log) = drive(&make, &|it, attempt| if attempt < 3 { bad("no") } else { good(it, attempt) });
    assert_eq!(text(&end), "succeeded {}");
    assert_eq!(log, ["a#1", "a#2", "a#3"]);
    let (end, _, log) = drive(&make, &|_, _| bad("no"));
    assert_eq!((text(&end).as_str(), log.len()), ("failed: no", 3));
}

#[test]
fn branches_join_by_all_any_and_count() {
    let make = |join| {
        move || {
            let branches = vec![("x", vec![task("a")]), ("y", vec![task("b")]), ("z", vec![task("c")])];
            flow(vec![step("p", Form::Parallel(branches, join)), task("after")], None)
        }
    };
    let not_a = failing("p.x.a");
    check(
        &make(JoinPolicy::All),
        &not_a,
        "failed: no",
        "p=failed after=upstream_failed p.x.a=failed p.y.b=succeeded p.z.c=succeeded",
    );
    check(
        &make(JoinPolicy::Any),
        &not_a,
        "succeeded {}",
        "p=succeeded after=succeeded p.x.a=failed p.y.b=succeeded p.z.c=cancelled",
    );
    check(
        &make(JoinPolicy::Count(2)),
        &not_a,
        "succeeded {}",
        "p=succeeded after=succeeded p.x.a=failed p.y.b=succeeded p.z.c=succeeded",
    );
    check(
        &make(JoinPolicy::Any),
        &|_, _| bad("no"),
        "failed: no",
        "p=failed after=upstream_failed p.x.a=failed p.y.b=failed p.z.c=failed",
    );
}

fn map(go_on: bool, concurrency: Option<i64>) -> impl Fn() -> Blueprint {
    move || {
        let body = vec![task("work"), set("value", "[at, item]")];
        let each = Form::ForEach { items: "['a', 'b', 'c']", concurrency, go_on, body };
        flow(vec![step("each", each), set("n", "each | length")], Some("each"))
    }
}

#[test]
fn a_map_keeps_the_order_of_its_items() {
    let (end, _, _) = drive(&map(false, Some(2)), &good);
    assert_eq!(text(&end), r#"succeeded {"out":[[0,"a"],[1,"b"],[2,"c"]]}"#);
    let (end, _, _) = drive(&map(true, None), &failing("each[1].work"));
    assert_eq!(text(&end), r#"succeeded {"out":[[0,"a"],null,[2,"c"]]}"#);
    let (end, states, _) = drive(&map(false, Some(1)), &failing("each[1].work"));
    assert_eq!(text(&end), "failed: no");
    assert!(!states.contains("each[2]"), "no item is begun after a failure: {states}");
}

#[test]
fn a_map_holds_to_its_concurrency_and_memory() {
    let body = || vec![task("work")];
    let each = move || Form::ForEach { items: "range(500) | list", concurrency: Some(7), go_on: false, body: body() };
    let mut world = World::new(flow(vec![step("each", each())], Some("each | length")), &good, Crashes::Never);
    world.start("{}");
    world.go();
    assert_eq!(text(world.run.end().expect("an end")), r#"succeeded {"out":500}"#);
    assert_eq!(world.widest, 7);
}

#[test]
fn a_loop_ends_by_until_while_and_max() {
    let body = || vec![set("n", "(last | default(0)) + 1")];
    let until = move || Form::Loop { while_: None, until: Some("n >= 3"), max: 10, every: Some(60), body: body() };
    check(
        &move || flow(vec![step("l", until())], Some("l")),
        &good,
        r#"succeeded {"out":3}"#,
        "l=succeeded l[0].n=succeeded l[1].n=succeeded l[2].n=succeeded",
    );
    let body = || vec![set("n", "(last | default(0)) + 1")];
    let wh =
        move || Form::Loop { while_: Some("(last | default(0)) < 2"), until: None, max: 10, every: None, body: body() };
    check(
        &move || flow(vec![step("l", wh())], Some("l")),
        &good,
        r#"succeeded {"out":2}"#,
        "l=succeeded l[0].n=succeeded l[1].n=succeeded",
    );
    let body = || vec![set("n", "1")];
    let no = move || Form::Loop { while_: None, until: Some("n > 5"), max: 2, every: None, body: body() };
    let (end, _) = ends(&move || flow(vec![step("l", no())], Some("l")), &good);
    assert_eq!(end, "failed: the loop did not end within its 2 iterations (raise `max`, or mend its condition)");
}

#[test]
fn try_catches_and_finally_always_runs() {
    let make = |catch: bool| {
        move || {
            let catch = catch.then(|| vec![set("saved", "error.message ~ ' at ' ~ error.step")]);
            flow(vec![step("t", Form::Try(vec![task("a")], catch, Some(vec![task("f")]))), task("after")], None)
        }
    };
    check(&make(true), &good, "succeeded {}", "t=succeeded after=succeeded t.try.a=succeeded t.finally.f=succeeded");
    let not_a = failing("t.try.a");
    check(
        &make(true),
        &not_a,
        "succeeded {}",
        "t=succeeded after=succeeded t.try.a=failed t.catch.saved=succeeded t.finally.f=succeeded",
    );
    check(&make(false), &not_a, "failed: no", "t=failed after=upstream_failed t.try.a=failed t.finally.f=succeeded");
}

fn saga() -> Vec<S> {
    vec![task("pay").undo(vec![task("refund")]), task("book").undo(vec![task("unbook")]), task("ship")]
}

#[test]
fn compensation_runs_backwards_when_the_run_or_its_try_fails() {
    let (end, _, log) = drive(&|| flow(saga(), None), &failing("ship"));
    assert_eq!(text(&end), "failed: no");
    assert_eq!(log, ["pay#1", "book#1", "ship#1", "book.compensate.unbook#1", "pay.compensate.refund#1"]);
    let inside = || {
        let inner = step("t", Form::Try(saga(), None, Some(vec![task("f")])));
        flow(vec![step("o", Form::Try(vec![inner], Some(vec![task("c")]), None))], None)
    };
    let (end, _, log) = drive(&inside, &failing("o.try.t.try.ship"));
    assert_eq!(text(&end), "succeeded {}");
    assert_eq!(log[3], "o.try.t.try.book.compensate.unbook#1");
    assert_eq!(log[5..], ["o.try.t.finally.f#1", "o.catch.c#1"]);
    let (_, _, log) = drive(&|| flow(saga(), None), &good);
    assert_eq!(log.len(), 3, "a success undoes nothing");
}

#[test]
fn switch_takes_one_arm() {
    let make = || {
        let choose = Form::If("1 > 2", vec![set("a", "'then'")], vec![set("b", "'else'")]);
        flow(vec![step("s", choose)], Some("s"))
    };
    check(&make, &good, r#"succeeded {"out":"else"}"#, "s=succeeded s.else.b=succeeded");
}

#[test]
fn stop_and_fail_end_the_run() {
    let make = || flow(vec![step("s", Form::Stop("'enough'")), task("b"), task("c").needs(&[])], Some("b"));
    check(&make, &good, r#"succeeded {"out":null}"#, "s=succeeded b=cancelled c=cancelled");
    let make = || flow(vec![step("s", Form::Fail("'wrong'")), task("b").rule(TriggerRule::AllDone)], None);
    check(&make, &good, "failed: wrong", "s=failed b=cancelled");
    let make =
        || flow(vec![step("t", Form::Try(vec![step("s", Form::Fail("'x'"))], Some(vec![task("c")]), None))], None);
    check(&make, &good, "succeeded {}", "t=succeeded t.try.s=failed t.catch.c=succeeded");
}

#[test]
fn cancel_stops_tasks_and_lets_finally_and_compensate_run() {
    for crashes in [Crashes::Never, Crashes::Always] {
        let body = vec![task("pay").undo(vec![task("refund")]), task("slow")];
        let blueprint = flow(vec![step("t", Form::Try(body, None, Some(vec![task("f")]))), task("after")], None);
        let mut world = World::new(blueprint, &good, crashes);
        world.start("{}");
        world.step();
        world.give(Input::Cancel);
        world.go();
        assert_eq!(text(world.run.end().expect("an end")), "cancelled null");
        assert_eq!(
            world.states(),
            "t=cancelled after=cancelled t.try.pay=succeeded t.try.slow=cancelled t.try.pay.compensate.refund=succeeded \
             t.finally.f=succeeded"
        );
    }
}

#[test]
fn a_second_cancel_kills() {
    let body = vec![task("slow")];
    let blueprint = flow(vec![step("t", Form::Try(body, None, Some(vec![task("f")])))], None);
    let mut world = World::new(blueprint, &good, Crashes::Never);
    world.start("{}");
    world.give(Input::Cancel);
    assert!(world.run.end().is_none(), "finally has its turn");
    world.give(Input::Cancel);
    assert_eq!(text(world.run.end().expect("an end")), "cancelled null");
}

#[test]
fn a_pause_holds_new_work_back() {
    let mut world = World::new(flow(vec![task("a"), task("b")], None), &good, Crashes::Always);
    world.start("{}");
    world.give(Input::Pause);
    world.go();
    assert_eq!(world.states(), "a=succeeded b=ready");
    world.give(Input::Resume);
    world.go();
    assert_eq!(world.states(), "a=succeeded b=succeeded");
}

#[test]
fn signals_are_kept_or_awaited() {
    for early in [true, false] {
        let blueprint = flow(vec![task("a"), step("s", Form::Signal("go")).timeout(60)], Some("s"));
        let mut world = World::new(blueprint, &good, Crashes::Always);
        let signal = || Input::Signal { name: "go".to_owned(), payload: Value::from(5_i64) };
        world.start("{}");
        if early {
            world.give(signal());
        }
        world.step();
        if !early {
            world.give(signal());
        }
        world.go();
        assert_eq!(text(world.run.end().expect("an end")), r#"succeeded {"out":5}"#);
    }
    let (end, _) = ends(&|| flow(vec![step("s", Form::Signal("go")).timeout(60)], None), &good);
    assert_eq!(end, "failed: the wait took longer than its timeout");
}

#[test]
fn a_block_ends_at_its_timeout() {
    let make = || {
        let branches = vec![("x", vec![step("long", Form::Wait("1h"))]), ("y", vec![task("b")])];
        flow(vec![step("p", Form::Parallel(branches, JoinPolicy::All)).timeout(5)], None)
    };
    check(&make, &good, "failed: the step took longer than its timeout", "p=failed p.x.long=cancelled p.y.b=succeeded");
}

#[test]
fn lost_workers_do_not_use_up_attempts() {
    let mut world = World::new(flow(vec![task("a")], None), &good, Crashes::Always);
    world.start("{}");
    for _ in 0..3 {
        let attempt = world.tasks.pop_front().expect("a task").attempt;
        assert!(world.give(Input::Lost(attempt)));
        assert!(!world.give(Input::Lost(attempt)), "once");
    }
    world.go();
    assert_eq!(world.states(), "a=succeeded");
    assert_eq!(world.log, ["a#4"]);
}

#[test]
fn long_chains_and_wide_maps_end_without_recursion() {
    let ids: Vec<&'static str> = (0..3_000).map(|it| &*format!("s{it}").leak()).collect();
    let steps = ids.iter().map(|id| set(id, "1")).collect();
    let mut world = World::new(flow(steps, None), &good, Crashes::Never);
    world.start("{}");
    world.go();
    assert!(world.run.end().is_some());
    assert!(world.journal.len() <= 4, "inline steps share facts: {}", world.journal.len());
}

#[test]
fn work_that_was_left_for_later_is_found_again_after_a_crash() {
    let ids: Vec<&'static str> = (0..9_000).map(|it| &*format!("s{it}").leak()).collect();
    let steps = ids.iter().map(|id| set(id, "1")).collect();
    let mut world = World::new(flow(steps, None), &good, Crashes::Always);
    world.start("{}");
    world.go();
    assert!(world.journal.len() > 2 && world.run.end().is_some(), "{} facts", world.journal.len());
}
