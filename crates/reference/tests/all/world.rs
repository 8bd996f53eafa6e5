//! The engine in a world whose clock jumps from one thing that happens to the next.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use drawloom_blueprint::{
    Blueprint, ErrorClass, Fact, FlowHash, Outcome, RunEnd, RunId, RunStatus, Started, StepError, Timestamp, Value,
};
use drawloom_engine::{AttemptId, ChildStart, Effect, History, InlineKinds, Input, Run};
use drawloom_reference::interpret::Outside;

use crate::outside::{START, Seeded, inline};

const INLINE: InlineKinds = |_, with| match inline(with) {
    Outcome::Success(it) => Ok(it),
    Outcome::Failure(it) => Err(it),
};

/// Something that is going to happen.
enum Event {
    Result(AttemptId, Outcome),
    Signal(String, Value),
    Token(String, Value),
    Child(ChildStart, RunEnd),
    Cancel,
}

pub(crate) struct World {
    pub(crate) run: Run,
    pub(crate) history: History,
    /// The facts, as a journal keeps them.
    pub(crate) journal: Vec<Vec<u8>>,
    outside: Seeded,
    now: Timestamp,
    events: BTreeMap<(Timestamp, u64), Event>,
    count: u64,
    seen: BTreeSet<String>,
}

/// The run of a blueprint, to its end.
pub(crate) fn drive(blueprint: Blueprint, outside: Seeded, signals: &[String]) -> World {
    let blueprint = Arc::new(blueprint);
    let (run, history) = (Run::new(Arc::clone(&blueprint), INLINE), History::new(blueprint, INLINE));
    let (events, seen) = (BTreeMap::new(), BTreeSet::new());
    let mut world = World { run, history, journal: Vec::new(), outside, now: START, events, count: 0, seen };
    if let Some(at) = outside.cancel() {
        world.plan(at, Event::Cancel);
    }
    for name in signals {
        world.signal(name);
    }
    world.give(Input::Start { started: Box::new(started()), admitted: true, adopt: Vec::new() });
    for _ in 0..200_000 {
        if world.run.end().is_some() || !world.step() {
            break;
        }
    }
    world
}

fn started() -> Started {
    Started {
        run: RunId(7),
        flow: "random".to_owned(),
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

impl World {
    fn plan(&mut self, at: Timestamp, event: Event) {
        self.count += 1;
        self.events.insert((at.max(self.now), self.count), event);
    }

    fn after(&self, micros: i64) -> Timestamp {
        Timestamp(self.now.0 + micros)
    }

    fn signal(&mut self, name: &str) {
        if self.seen.insert(format!("signal {name}")) {
            let (at, payload) = self.outside.signal(name);
            self.plan(at, Event::Signal(name.to_owned(), payload));
        }
    }

    fn step(&mut self) -> bool {
        let event = self.events.keys().next().copied();
        let due = self.run.next_due();
        match (event, due) {
            (Some(key), due) if due.is_none_or(|it| key.0 <= it) => {
                self.now = key.0;
                let Some(event) = self.events.remove(&key) else { return false };
                self.happen(event);
            }
            (_, Some(due)) => {
                self.now = self.now.max(due);
                self.give(Input::Tick);
            }
            _ => return false,
        }
        true
    }

    fn happen(&mut self, event: Event) {
        self.give(match event {
            Event::Result(attempt, outcome) => Input::Result { attempt, outcome },
            Event::Signal(name, payload) => Input::Signal { name, payload },
            Event::Token(token, payload) => Input::Token { token, payload },
            Event::Cancel => Input::Cancel,
            Event::Child(start, end) => child_ended(&start, end),
        });
    }

    fn give(&mut self, input: Input) {
        let decision = self.run.handle(input, self.now);
        if let Some(fact) = &decision.fact {
            self.journal.push(fact.encode());
            let fact = Fact::decode(&self.journal[self.journal.len() - 1]).expect("a fact");
            self.history.apply(self.now, &fact).expect("a fact that fits");
        }
        assert!(self.history.run().same_state(&self.run), "a replay gives the same state");
        for effect in decision.effects {
            self.release(effect);
        }
        for it in self.run.waits() {
            let once = format!("{} {}", it.path, it.name);
            match it.kind {
                "signal" => self.signal(&it.name),
                "time" => {}
                _ if self.seen.insert(once) => {
                    let (takes, payload) = self.outside.answer(&it.path);
                    self.plan(self.after(takes), Event::Token(it.name, payload));
                }
                _ => {}
            }
        }
    }

    fn release(&mut self, effect: Effect) {
        match effect {
            Effect::Dispatch(it) => {
                let id = it.attempt;
                let path = self.run.path(id.frame, id.step);
                let with = self.run.resolve(id, &BTreeMap::new()).map(|it| it.with);
                let (takes, outcome) = self.outside.attempt(&path, id.attempt, with.as_ref().unwrap_or(&Value::Null));
                let outcome = with.map_or_else(Outcome::Failure, |_| outcome);
                self.plan(self.after(takes), Event::Result(id, outcome));
            }
            Effect::Abort(attempt) => {
                self.events.retain(|_, it| !matches!(it, Event::Result(id, _) if *id == attempt));
                let error = StepError::new(ErrorClass::Cancelled, "stopped");
                self.give(Input::Result { attempt, outcome: Outcome::Failure(error) });
            }
            Effect::Kill(attempt) => {
                self.events.retain(|_, it| !matches!(it, Event::Result(id, _) if *id == attempt));
            }
            Effect::StartChild(it) if it.parent.detached => {
                let outputs = Value::object([("run", Value::from("detached"))]);
                self.give(child_ended(&it, RunEnd { status: RunStatus::Succeeded, outputs, error: None }));
            }
            Effect::StartChild(it) => {
                let path = self.run.path(it.parent.frame, it.parent.step);
                let (takes, outcome) = self.outside.child(&path, &it.inputs);
                let end = match outcome {
                    Outcome::Success(outputs) => RunEnd { status: RunStatus::Succeeded, outputs, error: None },
                    Outcome::Failure(error) if error.class == ErrorClass::Cancelled => cancelled(),
                    Outcome::Failure(error) => {
                        RunEnd { status: RunStatus::Failed, outputs: Value::Null, error: Some(error) }
                    }
                };
                self.plan(self.after(takes), Event::Child(*it, end));
            }
            Effect::CancelChild(run) => {
                let found = self.events.iter().find(|(_, it)| matches!(it, Event::Child(it, _) if it.run == run));
                let Some(key) = found.map(|(key, _)| *key) else { return };
                if let Some(Event::Child(it, _)) = self.events.remove(&key) {
                    self.give(child_ended(&it, cancelled()));
                }
            }
            Effect::Continue => self.give(Input::Continue),
            Effect::Ended(_) => {}
        }
    }
}

fn cancelled() -> RunEnd {
    RunEnd { status: RunStatus::Cancelled, outputs: Value::Null, error: None }
}

fn child_ended(it: &ChildStart, end: RunEnd) -> Input {
    let (frame, serial, step) = (it.parent.frame, it.parent.serial, it.parent.step);
    Input::ChildEnded { frame, serial, step, end: Box::new(end) }
}
