//! What the reference interpreter found to be otherwise than the language says, and is now as it says.

use drawloom_blueprint::Value;
use drawloom_engine::Input;

use crate::{
    build::{Form, flow, set, step, task},
    world::{Crashes, World, bad, drive, good},
};

#[test]
fn a_compensation_sees_the_item_although_its_map_has_ended() {
    let undo = || vec![set("release", "[item, at, a]")];
    let body = move || vec![task("a").undo(undo())];
    let each = move || Form::ForEach { items: "['x', 'y']", concurrency: None, go_on: false, body: body() };
    let make = move || flow(vec![step("each", each()), task("last")], None);
    let script = |path: &str, attempt: u32| if path == "last" { bad("no") } else { good(path, attempt) };
    let mut world = World::new(make(), &script, Crashes::Always);
    world.start("{}");
    world.go();
    assert_eq!(
        world.states(),
        "each=succeeded last=failed each[0].a=succeeded each[1].a=succeeded \
         each[1].a.compensate.release=succeeded each[0].a.compensate.release=succeeded"
    );
}

#[test]
fn a_compensation_sees_last_and_error_of_its_time() {
    let undo = |expr| vec![set("undone", expr)];
    let body = || vec![task("t").undo(undo("last | default('first')")), set("n", "(last | default(0)) + 1")];
    let turns = Form::Loop { while_: None, until: Some("n > 1"), max: 3, every: None, body: body() };
    let catch = vec![task("c").undo(vec![set("undone2", "error.message")])];
    let rescue = Form::Try(vec![task("bad")], Some(catch), None);
    let steps = vec![step("l", turns), step("r", rescue), step("end", Form::Fail("'over'"))];
    let script = |path: &str, attempt: u32| if path.ends_with("bad") { bad("why") } else { good(path, attempt) };
    let mut world = World::new(flow(steps, None), &script, Crashes::Always);
    world.start("{}");
    world.go();
    for undone in ["l[0].t.compensate.undone", "l[1].t.compensate.undone", "r.catch.c.compensate.undone2"] {
        assert!(world.states().contains(&format!("{undone}=succeeded")), "{undone}: {}", world.states());
    }
}

#[test]
fn a_finally_is_not_cut_short_by_the_timeout_of_its_own_try() {
    let rescue = Form::Try(vec![task("a")], None, Some(vec![step("slow", Form::Wait("1h")), task("f")]));
    let make = || flow(vec![step("t", rescue).timeout(60)], None);
    let mut world = World::new(make(), &good, Crashes::Always);
    world.start("{}");
    world.go();
    let end = world.run.end().expect("an end");
    assert_eq!(end.error.as_ref().map(|it| it.class.name()), Some("timeout"));
    assert_eq!(world.states(), "t=failed t.try.a=succeeded t.finally.slow=succeeded t.finally.f=succeeded");
}

#[test]
fn a_timeout_within_a_finally_holds_however_deep() {
    let long = vec![step("long", Form::Wait("1h"))];
    let choice = step("choice", Form::If("true", long, vec![]));
    let limited = step("limited", Form::Try(vec![choice], None, None)).timeout(5);
    let make = || flow(vec![step("t", Form::Try(vec![task("a")], None, Some(vec![limited])))], None);
    let mut world = World::new(make(), &good, Crashes::Always);
    let begin = world.now;
    world.start("{}");
    world.go();
    assert!(world.now.since(begin).as_secs() < 10, "the wait of an hour is stopped");
    assert!(world.states().contains("long=cancelled"), "{}", world.states());
}

#[test]
fn nothing_is_undone_after_a_stop() {
    let body = || vec![task("pay").undo(vec![task("refund")]), step("enough", Form::Stop("'x'")), task("ship")];
    let make = || flow(vec![step("t", Form::Try(body(), None, None))], None);
    let (end, states, _) = drive(&make, &good);
    assert_eq!(end.status.name(), "succeeded");
    assert_eq!(states, "t=cancelled t.try.pay=succeeded t.try.enough=succeeded t.try.ship=cancelled");
}

#[test]
fn nothing_is_undone_after_a_stop_although_something_had_failed() {
    let body = || {
        let slow = step("slow", Form::Wait("1h")).needs(&["pay"]);
        vec![task("pay").undo(vec![task("refund")]), task("bad").needs(&["pay"]), slow]
    };
    let make = || {
        let rescue = step("t", Form::Try(body(), None, None));
        flow(vec![rescue, step("w", Form::Wait("5s")).needs(&[]), step("enough", Form::Stop("'x'"))], None)
    };
    let script = |path: &str, attempt: u32| if path.ends_with("bad") { bad("no") } else { good(path, attempt) };
    let (end, states, _) = drive(&make, &script);
    assert_eq!(end.status.name(), "succeeded");
    assert_eq!(
        states,
        "t=cancelled w=succeeded enough=succeeded t.try.pay=succeeded t.try.bad=failed t.try.slow=cancelled"
    );
}

#[test]
fn only_an_approval_can_be_refused() {
    for (form, status) in [(Form::Webhook, "succeeded"), (Form::Approval("'sure?'"), "failed")] {
        let mut world = World::new(flow(vec![step("w", form)], None), &good, Crashes::Always);
        world.start("{}");
        let token = world.run.waits()[0].name.clone();
        let payload = Value::object([("approved", Value::from(false))]);
        world.give(Input::Token { token, payload });
        assert_eq!(world.run.end().expect("an end").status.name(), status);
    }
}
