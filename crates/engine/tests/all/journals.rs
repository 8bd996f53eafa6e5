//! Journals that do not fit: a fact told twice, of another frame or before its time is refused, and nothing panics.

use std::sync::Arc;

use drawloom_blueprint::{Blueprint, Fact, Move, ScopeIx, SkipReason, StepIx, Timestamp};
use drawloom_engine::{AttemptId, Input, Run};
use drawloom_lang::Optimise;

use crate::{
    generate::Generator,
    property::blueprint,
    world::{Crashes, World, bad, flow_of, good},
};

/// The moves of a journal with their times.
fn moves(world: &World<'_>) -> Vec<(Timestamp, Move)> {
    let facts = world.journal.iter().map(|(at, bytes)| (*at, Fact::decode(bytes).expect("a fact")));
    facts.flat_map(|(at, fact)| fact.moves.into_iter().map(move |it| (at, it))).collect()
}

fn fits(run: &Run, at: Timestamp, it: Move) -> bool {
    run.clone().apply(at, &Fact { moves: vec![it] }).is_ok()
}

/// Whether it can only be true once.
fn is_once(it: &Move) -> bool {
    let again = matches!(
        it,
        Move::Admitted
            | Move::Paused
            | Move::Resumed
            | Move::SignalKept(..)
            | Move::SignalTaken(_)
            | Move::Stopping(..)
            | Move::Aborting(..)
            | Move::Ending(..)
            | Move::Ended(_)
            | Move::Ready(..)
            | Move::Dispatched(..)
            | Move::Opened(..)
            | Move::Resting(..)
    );
    !again
}

/// The same move about what it is not about.
fn elsewhere(flow: &Blueprint, it: &Move) -> Vec<Move> {
    match it {
        Move::Entered { frame, step, scope, index, slot } => {
            let entered = |scope, slot| Move::Entered { frame: *frame, step: *step, scope, index: *index, slot };
            let scopes = (0..flow.scopes.len()).filter_map(|it| u32::try_from(it).ok()).map(ScopeIx);
            let others = scopes.filter(|it| flow.scope(*it).owner != Some(*step));
            others.map(|it| entered(it, *slot)).chain([entered(*scope, slot + 1)]).collect()
        }
        Move::Succeeded(frame, step, output) => {
            let steps = (0..flow.steps.len()).filter_map(|it| u32::try_from(it).ok()).map(StepIx);
            let others = steps.filter(|it| flow.step(*it).scope != flow.step(*step).scope);
            let moves = others.map(|it| Move::Succeeded(*frame, it, output.clone()));
            moves.chain([Move::Succeeded(frame + 1_000, *step, output.clone())]).collect()
        }
        _ => Vec::new(),
    }
}

fn is_refused_where_it_does_not_fit(flow: Blueprint, journal: &[(Timestamp, Move)]) {
    let flow = Arc::new(flow);
    let mut run = Run::new(Arc::clone(&flow), |_, with| Ok(with.clone()));
    for (at, it) in journal {
        for other in elsewhere(&flow, it) {
            assert!(!fits(&run, *at, other.clone()), "{other:?} instead of {it:?}");
        }
        run.apply(*at, &Fact { moves: vec![it.clone()] }).expect("a fact that fits");
        assert!(!is_once(it) || !fits(&run, *at, it.clone()), "{it:?} twice");
        if let Move::Entered { scope, slot, .. } = it {
            assert!(flow.scope(*scope).len == 0 || !fits(&run, *at, Move::Left(*slot)), "{it:?} and left at once");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for seed in 0..60 {
        let text = Generator::new(seed).flow();
        let script = |path: &str, attempt: u32| {
            if (path.len() as u64 + seed + u64::from(attempt)).is_multiple_of(4) {
                bad("no")
            } else {
                good(path, attempt)
            }
        };
        let mut world = World::new(blueprint(&text, Optimise::On), &script, Crashes::Never);
        world.start("{}");
        world.go();
        is_refused_where_it_does_not_fit(blueprint(&text, Optimise::On), &moves(&world));
    }
}

#[test]
fn what_is_told_of_frames_that_stay_for_their_values_is_refused() {
    let text = "
steps:
  - { id: m, for_each: [1, 2], do: [ { id: a, uses: work, retry: 2, compensate: [ { id: u, uses: work } ] }, { id: b, set: { v: 1 } } ] }
  - { id: last_one, uses: work }
";
    let script =
        |path: &str, attempt: u32| if attempt == 1 || path == "last_one" { bad("no") } else { good(path, attempt) };
    let mut world = World::new(flow_of(text), &script, Crashes::Never);
    world.start("{}");
    world.go();
    is_refused_where_it_does_not_fit(flow_of(text), &moves(&world));
}

/// Inputs that come at the wrong time change nothing and say so.
#[test]
fn what_comes_out_of_turn_is_dropped() {
    let text = "steps: [ { id: a, uses: work }, { id: m, for_each: [1], do: [ { id: b, uses: work } ] } ]";
    let started = || Input::Start { started: Box::new(crate::world::started()), admitted: true, adopt: Vec::new() };
    let refuse = || Input::Refuse(drawloom_blueprint::StepError::invalid("no"));
    let mut world = World::new(flow_of(text), &good, Crashes::Always);
    for early in [Input::Admit, Input::Tick, Input::Cancel, Input::Kill, Input::Pause, Input::Continue, refuse()] {
        assert!(!world.give(early), "before the start");
    }
    world.start("{}");
    for wrong in [started(), Input::Admit, refuse(), Input::Resume] {
        assert!(!world.give(wrong), "while it runs");
    }
    let step = StepIx(2);
    let inner = AttemptId { step, ..world.tasks.front().expect("a task").attempt };
    assert!(!world.give(Input::Result { attempt: inner, outcome: bad("no") }), "of a step that is not in that frame");
    assert!(world.give(Input::Pause));
    assert!(!world.give(Input::Pause), "it is paused");
    assert!(world.give(Input::Resume));
    let attempt = world.tasks.front().expect("a task").attempt;
    world.give(Input::Kill);
    let facts = world.journal.len();
    let signal = || Input::Signal { name: "x".to_owned(), payload: drawloom_blueprint::Value::Null };
    let result = Input::Result { attempt, outcome: bad("late") };
    let late =
        [Input::Tick, Input::Cancel, Input::Kill, Input::Pause, Input::Resume, Input::Continue, signal(), result];
    for late in late {
        assert!(!world.give(late.clone()), "after the end: {late:?}");
    }
    assert_eq!(world.journal.len(), facts);
    assert!(world.run.dropped() >= 8 && world.run.next_due().is_none());
}

#[test]
fn a_skip_says_why() {
    let text = "
steps:
  - { id: a, when: '{{ run.depth > 0 }}', uses: work }
  - { id: b, needs: [a], uses: work }
";
    let mut world = World::new(flow_of(text), &good, Crashes::Always);
    world.start("{}");
    let reasons: Vec<_> = moves(&world)
        .into_iter()
        .filter_map(|(_, it)| if let Move::Skipped(_, _, why) = it { Some(why) } else { None })
        .collect();
    assert_eq!(reasons, [SkipReason::When, SkipReason::RunIf]);
}
