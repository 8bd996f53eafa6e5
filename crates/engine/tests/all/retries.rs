//! How often attempts are tried again, and after how long.

use drawloom_blueprint::{ErrorClass, Outcome, RunStatus, StepError, Value};
use drawloom_engine::Input;

use crate::world::{Crashes, World, bad, flow_of, good};

/// The waits in milliseconds before the further attempts of a task that fails like this for ever.
fn waits(retry: &str, error: &StepError) -> Vec<u128> {
    let script = |_: &str, _: u32| Outcome::Failure(error.clone());
    let text = format!("steps: [ {{ id: a, uses: work, retry: {{ {retry} }} }} ]");
    let mut world = World::new(flow_of(&text), &script, Crashes::Always);
    world.start("{}");
    let mut waits = Vec::new();
    while world.step() && world.run.end().is_none() {
        waits.push(world.run.next_due().expect("it is tried again").since(world.now).as_millis());
        world.step();
    }
    assert_eq!(world.run.end().expect("an end").error.as_ref().map(|it| it.class), Some(error.class));
    waits
}

fn error(class: ErrorClass) -> StepError {
    StepError::new(class, "no")
}

#[test]
fn waits_grow_by_the_backoff_up_to_the_longest() {
    let failed = error(ErrorClass::Failed);
    for (retry, expected) in [
        ("attempts: 1", vec![]),
        ("attempts: 2, delay: 3s, jitter: 0", vec![3_000]),
        ("attempts: 5, delay: 1s, backoff: 2, jitter: 0", vec![1_000, 2_000, 4_000, 8_000]),
        ("attempts: 4, delay: 1s, backoff: 1, jitter: 0", vec![1_000, 1_000, 1_000]),
        ("attempts: 5, delay: 1s, backoff: 3, max_delay: 10s, jitter: 0", vec![1_000, 3_000, 9_000, 10_000]),
        ("attempts: 3, delay: 30s, backoff: 100, max_delay: 60s, jitter: 0", vec![30_000, 60_000]),
    ] {
        assert_eq!(waits(retry, &failed), expected, "{retry}");
    }
}

#[test]
fn chance_moves_a_wait_both_ways_and_no_further_than_its_part() {
    let waits = waits("attempts: 200, delay: 10s, backoff: 1, jitter: 0.5", &error(ErrorClass::Failed));
    assert_eq!(waits.len(), 199);
    assert!(waits.iter().all(|it| (5_000..=15_000).contains(it)), "{waits:?}");
    assert!(waits.iter().any(|it| *it < 6_500) && waits.iter().any(|it| *it > 13_500), "{waits:?}");
    let mean = waits.iter().sum::<u128>() / 199;
    assert!((9_000..=11_000).contains(&mean), "{mean}");
}

#[test]
fn the_chance_that_a_task_is_given_tells_nothing_of_other_draws() {
    let text = "steps: [ { id: a, uses: work, retry: { attempts: 20, delay: 10s, backoff: 1, jitter: 0.5 } } ]";
    let mut world = World::new(flow_of(text), &|_, _| bad("no"), Crashes::Never);
    world.start("{}");
    let mut seeds = Vec::new();
    while let Some(task) = world.tasks.front() {
        let seed = world.run.resolve(task.attempt, &Default::default()).expect("parameters").seed;
        world.step();
        if let Some(due) = world.run.next_due().filter(|_| world.run.end().is_none()) {
            let wait = due.since(world.now).as_secs_f64();
            let guess = 10.0 * (0.5 + fastrand::Rng::with_seed(seed).f64());
            // One in a thousand is near by chance; the draws would be the same for all attempts or for none.
            seeds.push((seed, (wait - guess).abs() < 0.005));
            world.step();
        }
    }
    assert_eq!(seeds.len(), 19);
    assert!(seeds.iter().any(|(_, same)| !same), "waits follow from seeds: {seeds:?}");
    seeds.sort_unstable();
    seeds.dedup_by_key(|it| it.0);
    assert_eq!(seeds.len(), 19, "each attempt has a seed of its own");
}

#[test]
fn only_the_classes_that_are_named_are_tried_again() {
    for (retry, class, tries) in [
        ("attempts: 3", ErrorClass::Failed, 3),
        ("attempts: 3", ErrorClass::Unavailable, 3),
        ("attempts: 3", ErrorClass::Timeout, 3),
        ("attempts: 3", ErrorClass::Invalid, 1),
        ("attempts: 3", ErrorClass::Cancelled, 1),
        ("attempts: 3, on: [timeout, unavailable]", ErrorClass::Failed, 1),
        ("attempts: 3, on: [timeout, unavailable]", ErrorClass::Unavailable, 3),
        ("attempts: 3, on: [unavailable]", ErrorClass::Timeout, 1),
    ] {
        assert_eq!(waits(retry, &error(class)).len() + 1, tries, "{retry}: {class}");
    }
}

#[test]
fn who_fails_may_ask_for_a_longer_wait_but_not_for_one_beyond_the_longest() {
    let retry = "attempts: 3, delay: 1s, backoff: 2, max_delay: 60s, jitter: 0";
    for (after, expected) in [(10, [1_000, 2_000]), (5_000, [5_000, 5_000]), (600_000, [60_000, 60_000])] {
        let busy = StepError { retry_after_ms: Some(after), ..error(ErrorClass::Unavailable) };
        assert_eq!(waits(retry, &busy), expected);
    }
}

#[test]
fn an_attempt_whose_worker_vanished_is_none_of_those_that_the_flow_allows() {
    let text = "steps: [ { id: a, uses: work, retry: { attempts: 2, delay: 1s, jitter: 0 } } ]";
    let mut world = World::new(flow_of(text), &|_, _| bad("no"), Crashes::Always);
    world.start("{}");
    for _ in 0..2 {
        let attempt = world.tasks.pop_front().expect("a task").attempt;
        assert!(world.give(Input::Lost(attempt)));
        assert_eq!(world.tasks.len(), 1, "it is handed out again at once");
    }
    world.go();
    assert_eq!(world.log, ["a#3", "a#4"]);
    assert_eq!(world.run.end().expect("an end").error.as_ref().map(|it| it.class), Some(ErrorClass::Failed));
    let mut world = World::new(flow_of(text), &good, Crashes::Always);
    world.start("{}");
    for lost in 1..=4 {
        let attempt = world.tasks.pop_front().expect("a task").attempt;
        world.give(Input::Lost(attempt));
        assert_eq!(world.run.end().is_some(), lost == 4, "after {lost}");
    }
    assert_eq!(world.run.end().expect("an end").error.as_ref().map(|it| it.class), Some(ErrorClass::Lost));
}

#[test]
fn a_worker_that_vanished_makes_no_wait_longer() {
    let text =
        "steps: [ { id: a, uses: work, retry: { attempts: 3, delay: 1s, backoff: 10, max_delay: 1h, jitter: 0 } } ]";
    let mut world = World::new(flow_of(text), &|_, _| bad("no"), Crashes::Always);
    world.start("{}");
    for wait in [1, 10] {
        let attempt = world.tasks.pop_front().expect("a task").attempt;
        world.give(Input::Lost(attempt));
        world.step();
        assert_eq!(world.run.next_due().expect("it is tried again").since(world.now).as_secs(), wait);
        world.step();
    }
}

#[test]
fn what_was_asked_to_stop_may_still_succeed_and_is_not_tried_again() {
    let text = "steps: [ { id: a, uses: work, retry: { attempts: 5 } } ]";
    for (input, state) in [("success", "a=succeeded"), ("failure", "a=cancelled"), ("lost", "a=cancelled")] {
        let mut world = World::new(flow_of(text), &good, Crashes::Never);
        world.start("{}");
        let attempt = world.tasks.pop_front().expect("a task").attempt;
        world.held = true;
        world.give(Input::Cancel);
        assert!(world.run.end().is_none(), "its end is awaited");
        world.give(match input {
            "lost" => Input::Lost(attempt),
            "success" => Input::Result { attempt, outcome: Outcome::Success(Value::Null) },
            _ => Input::Result { attempt, outcome: bad("no") },
        });
        assert_eq!(world.states(), state, "{input}");
        assert_eq!(world.run.end().expect("an end").status, RunStatus::Cancelled);
    }
}

#[test]
fn steps_that_wait_for_room_go_in_the_order_in_which_they_became_ready() {
    let steps: Vec<String> = (0..5).map(|it| format!("{{ id: a{it}, needs: [], uses: work }}")).collect();
    let text = format!("limits: {{ parallel_steps: 1 }}\nsteps: [ {} ]", steps.join(", "));
    let mut world = World::new(flow_of(&text), &good, Crashes::Never);
    world.start("{}");
    world.go();
    assert_eq!(world.log, ["a0#1", "a1#1", "a2#1", "a3#1", "a4#1"]);
    assert_eq!(world.widest, 1);
}

#[test]
fn a_pause_holds_back_what_waits_for_room_and_what_is_due() {
    let text = "
limits: { parallel_steps: 1 }
steps:
  - { id: a, needs: [], uses: work, retry: { attempts: 2, delay: 1s } }
  - { id: b, needs: [], uses: work }
";
    let script = |path: &str, attempt: u32| if path == "a" && attempt == 1 { bad("no") } else { good(path, attempt) };
    let mut world = World::new(flow_of(text), &script, Crashes::Always);
    world.start("{}");
    world.give(Input::Pause);
    assert_eq!(world.run.status(), RunStatus::Paused);
    world.go();
    assert_eq!(world.log, ["a#1"]);
    assert_eq!(world.states(), "a=ready b=ready");
    world.give(Input::Resume);
    world.go();
    assert_eq!(world.states(), "a=succeeded b=succeeded");
    assert_eq!(world.log, ["a#1", "b#1", "a#2"], "who has waited longer goes first");
    assert_eq!(world.run.running(), 0);
}

#[test]
fn a_pause_and_its_end_hand_out_nothing_again() {
    let mut world = World::new(flow_of("steps: [ { id: a, uses: work } ]"), &good, Crashes::Never);
    world.start("{}");
    for input in [Input::Pause, Input::Resume] {
        assert!(world.give(input));
        assert_eq!(world.tasks.len(), 1, "the attempt is under way all the time");
    }
}

#[test]
fn a_step_fails_for_what_went_wrong_last() {
    let text = "steps: [ { id: a, uses: work, retry: { attempts: 3, delay: 1s } } ]";
    let mut world = World::new(flow_of(text), &|_, attempt| bad(&format!("try {attempt}")), Crashes::Always);
    world.start("{}");
    world.go();
    let error = world.run.end().expect("an end").error.clone().expect("an error");
    assert_eq!(error.message, "try 3");
}
