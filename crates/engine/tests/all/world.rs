//! A world for runs: a clock that jumps to the next alarm, tasks that end as a script says, and a crash after
//! every decision where a test wants it.

use std::{collections::VecDeque, sync::Arc};

use drawloom_blueprint::{
    Blueprint, ErrorClass, Fact, FlowHash, Outcome, RunEnd, RunId, Started, StepError, Timestamp, Value,
};
use drawloom_engine::{Dispatch, Effect, History, Input, Run};

/// Whether the process dies after each decision.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Crashes {
    Never,
    Always,
}

/// What a test says about a task: by path and attempt.
pub(crate) type Script<'a> = &'a dyn Fn(&str, u32) -> Outcome;

pub(crate) struct World<'a> {
    blueprint: Arc<Blueprint>,
    pub(crate) run: Run,
    pub(crate) now: Timestamp,
    script: Script<'a>,
    pub(crate) journal: Vec<(Timestamp, Vec<u8>)>,
    pub(crate) tasks: VecDeque<Dispatch>,
    /// Each execution of a task, as `path#attempt`.
    pub(crate) log: Vec<String>,
    crashes: Crashes,
    pub(crate) widest: u32,
    /// Attempts that are asked to stop are not heard of until a test says how they end.
    pub(crate) held: bool,
    /// What was released besides attempts to hand out.
    pub(crate) told: Vec<Effect>,
}

pub(crate) fn good(_: &str, _: u32) -> Outcome {
    Outcome::Success(Value::from(true))
}

pub(crate) fn bad(message: &str) -> Outcome {
    Outcome::Failure(StepError::new(ErrorClass::Failed, message))
}

/// How the runs of these tests start.
pub(crate) fn started() -> Started {
    Started {
        run: RunId(7),
        flow: "test".to_owned(),
        version: FlowHash([0; 32]),
        number: None,
        inputs: Value::object::<&str>([]),
        trigger: Value::Null,
        seed: 42,
        parent: None,
        labels: Default::default(),
        concurrency_key: None,
        forked_from: None,
        depth: 0,
    }
}

/// The blueprint of a flow in the language.
pub(crate) fn flow_of(text: &str) -> Blueprint {
    crate::property::blueprint(&format!("drawloom: 1\nname: test\n{text}"), drawloom_lang::Optimise::On)
}

impl<'a> World<'a> {
    pub(crate) fn new(blueprint: Blueprint, script: Script<'a>, crashes: Crashes) -> Self {
        let blueprint = Arc::new(blueprint);
        let run = Run::new(Arc::clone(&blueprint), |_, with| Ok(with.clone()));
        let now = Timestamp(1_700_000_000_000_000);
        let (journal, tasks, log) = (Vec::new(), VecDeque::new(), Vec::new());
        Self { blueprint, run, now, script, journal, tasks, log, crashes, widest: 0, held: false, told: Vec::new() }
    }

    pub(crate) fn start(&mut self, inputs: &str) {
        let inputs = Value::from_json(inputs.as_bytes()).expect("JSON");
        let started = Started { inputs, ..started() };
        self.give(Input::Start { started: Box::new(started), admitted: true, adopt: Vec::new() });
    }

    pub(crate) fn give(&mut self, input: Input) -> bool {
        let decision = self.run.handle(input, self.now);
        if let Some(fact) = &decision.fact {
            self.journal.push((self.now, fact.encode()));
        }
        if self.crashes == Crashes::Always && decision.fact.is_some() {
            // Executors are told in any order; here in the old one, so that both worlds see the same.
            let mut effects = self.recover();
            let place = |effect: &Effect| match effect {
                Effect::Dispatch(it) => self.tasks.iter().position(|old| old == it).unwrap_or(usize::MAX),
                _ => usize::MAX,
            };
            effects.sort_by_cached_key(place);
            self.tasks.clear();
            self.release(effects);
        } else {
            let copy = self.replay();
            assert!(copy.same_state(&self.run), "a replay gives the same state");
            self.release(decision.effects);
        }
        self.widest = self.widest.max(self.run.running());
        !decision.dropped
    }

    fn replay(&self) -> Run {
        let mut run = Run::new(Arc::clone(&self.blueprint), |_, with| Ok(with.clone()));
        for (at, bytes) in &self.journal {
            run.apply(*at, &Fact::decode(bytes).expect("a fact")).expect("a fact that fits");
        }
        run
    }

    fn recover(&mut self) -> Vec<Effect> {
        let mut run = self.replay();
        assert!(run.same_state(&self.run), "a replay gives the same state");
        let effects = run.effects_after_recovery();
        self.run = run;
        effects
    }

    /// The process dies, and the next one goes on from the journal.
    pub(crate) fn recover_now(&mut self) {
        let effects = self.recover();
        self.tasks.clear();
        self.release(effects);
    }

    fn release(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if !matches!(effect, Effect::Dispatch(_) | Effect::Continue) {
                self.told.push(effect.clone());
            }
            match effect {
                Effect::Dispatch(it) => self.tasks.push_back(it),
                Effect::Abort(_) if self.held => {}
                Effect::Abort(attempt) => {
                    self.tasks.retain(|it| it.attempt != attempt);
                    let error = StepError::new(ErrorClass::Cancelled, "stopped");
                    self.give(Input::Result { attempt, outcome: Outcome::Failure(error) });
                }
                Effect::Kill(attempt) => self.tasks.retain(|it| it.attempt != attempt),
                Effect::Continue => {
                    self.give(Input::Continue);
                }
                Effect::StartChild(_) | Effect::CancelChild(_) | Effect::Ended(_) => {}
            }
        }
    }

    /// Does the next task, or lets time pass to the next alarm. False when there is neither.
    pub(crate) fn step(&mut self) -> bool {
        if let Some(task) = self.tasks.pop_front() {
            let id = task.attempt;
            let path = self.run.path(id.frame, id.step);
            self.log.push(format!("{path}#{}", id.attempt));
            self.now.0 += 1_000;
            let outcome = match self.run.resolve(id, &Default::default()) {
                // A script that says null means: whatever the task was given.
                Ok(task) => match (self.script)(&path, id.attempt) {
                    Outcome::Success(Value::Null) => Outcome::Success(task.with),
                    other => other,
                },
                Err(error) => Outcome::Failure(error),
            };
            self.give(Input::Result { attempt: id, outcome: outcome.clone() });
            assert!(!self.give(Input::Result { attempt: id, outcome }), "a result is accepted once");
            return true;
        }
        match self.run.next_due() {
            Some(due) if self.run.end().is_none() => {
                self.now = self.now.max(due);
                self.give(Input::Tick);
                true
            }
            _ => false,
        }
    }

    pub(crate) fn go(&mut self) {
        for _ in 0..100_000 {
            if self.run.end().is_some() || !self.step() {
                return;
            }
        }
        panic!("the run does not end");
    }

    /// The run as its journal tells it.
    pub(crate) fn history(&self) -> History {
        let mut history = History::new(Arc::clone(&self.blueprint), |_, with| Ok(with.clone()));
        for (at, bytes) in &self.journal {
            history.apply(*at, &Fact::decode(bytes).expect("a fact")).expect("a fact that fits");
        }
        history
    }

    /// The states of all steps by path, as the journal tells them.
    pub(crate) fn states(&self) -> String {
        let history = self.history();
        let lines = history.steps().iter().map(|it| format!("{}={}", it.path, it.status));
        lines.collect::<Vec<_>>().join(" ")
    }
}

/// How a flow ends, with and without crashes after every decision: the end, the states, the executions.
pub(crate) fn drive(make: &dyn Fn() -> Blueprint, script: Script<'_>) -> (RunEnd, String, Vec<String>) {
    let run = |crashes| {
        let mut world = World::new(make(), script, crashes);
        world.start("{}");
        world.go();
        let end = world.run.end().unwrap_or_else(|| panic!("it ends: {}", world.states())).clone();
        (end, world.states(), world.log)
    };
    let (end, states, log) = run(Crashes::Never);
    let (end2, states2, mut log2) = run(Crashes::Always);
    assert_eq!((&end, &states), (&end2, &states2), "crashes change nothing");
    let mut sorted = log.clone();
    sorted.sort();
    log2.sort();
    assert_eq!(sorted, log2, "no success is executed again");
    (end, states, log)
}
