//! Drives a run for a bounded while: tasks end at once, some of them badly; time jumps to the next alarm.

use std::{collections::BTreeMap, sync::Arc};

use drawloom_blueprint::{
    Blueprint, ErrorClass, FlowHash, Outcome, RunEnd, RunId, RunStatus, Started, StepError, Timestamp, Value,
};
use drawloom_engine::{Effect, Input, Run};

/// So many inputs a run is given at most.
const INPUTS_MAX: u32 = 400;

pub(crate) fn started() -> Started {
    Started {
        run: RunId(7),
        flow: "fuzz".to_owned(),
        version: FlowHash([0; 32]),
        number: None,
        inputs: Value::object([("n", Value::from(3_i64))]),
        trigger: Value::Null,
        seed: 42,
        parent: None,
        labels: BTreeMap::new(),
        concurrency_key: None,
        forked_from: None,
        depth: 0,
    }
}

/// Runs a blueprint; every fact must apply to a second run and give the same state.
pub(crate) fn drive(blueprint: Blueprint) {
    let blueprint = Arc::new(blueprint);
    let run = Run::new(Arc::clone(&blueprint), |_, with| Ok(with.clone()));
    let copy = Run::new(blueprint, |_, with| Ok(with.clone()));
    let mut world = World { run, copy, now: Timestamp(1_700_000_000_000_000), effects: Vec::new(), given: 0 };
    let started = Box::new(started());
    world.give(Input::Start { started, admitted: true, adopt: Vec::new() });
    world.go();
}

/// Gives a run that was made elsewhere inputs, however odd its state is.
pub(crate) fn shake(run: Run) {
    let copy = run.clone();
    let mut world = World { run, copy, now: Timestamp(1_700_000_000_000_000), effects: Vec::new(), given: 0 };
    world.effects = world.run.effects_after_recovery();
    for it in world.run.waits() {
        world.give(Input::Signal { name: it.name.clone(), payload: Value::Null });
        world.give(Input::Token { token: it.name, payload: Value::Null });
    }
    world.give(Input::Tick);
    world.go();
    world.give(Input::Cancel);
    world.go();
    world.give(Input::Kill);
}

struct World {
    run: Run,
    copy: Run,
    now: Timestamp,
    effects: Vec<Effect>,
    given: u32,
}

impl World {
    fn give(&mut self, input: Input) {
        self.given += 1;
        let decision = self.run.handle(input, self.now);
        if let Some(fact) = &decision.fact {
            self.copy.apply(self.now, fact).expect("what was decided applies");
        }
        assert!(self.copy.same_state(&self.run), "a replay gives the same state");
        self.effects.extend(decision.effects);
    }

    fn go(&mut self) {
        while self.given < INPUTS_MAX && self.run.end().is_none() {
            let Some(effect) = self.effects.pop() else {
                let Some(due) = self.run.next_due() else { break };
                self.now = self.now.max(due);
                self.give(Input::Tick);
                continue;
            };
            let failure = |class| Outcome::Failure(StepError::new(class, "no"));
            match effect {
                Effect::Dispatch(it) => {
                    let outcome = match self.run.resolve(it.attempt, &BTreeMap::new()) {
                        Ok(_) if self.given % 5 == 3 => failure(ErrorClass::Failed),
                        Ok(task) => Outcome::Success(task.with),
                        Err(error) => Outcome::Failure(error),
                    };
                    self.give(Input::Result { attempt: it.attempt, outcome });
                }
                Effect::Abort(attempt) => {
                    self.give(Input::Result { attempt, outcome: failure(ErrorClass::Cancelled) });
                }
                Effect::Continue => self.give(Input::Continue),
                Effect::StartChild(it) => {
                    let end = RunEnd { status: RunStatus::Succeeded, outputs: it.inputs, error: None };
                    let (frame, serial, step) = (it.parent.frame, it.parent.serial, it.parent.step);
                    self.give(Input::ChildEnded { frame, serial, step, end: Box::new(end) });
                }
                Effect::Kill(_) | Effect::CancelChild(_) | Effect::Ended(_) => {}
            }
        }
    }
}
