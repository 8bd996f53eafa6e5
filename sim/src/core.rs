//! The engine alone, without a loom: inputs come late, twice, out of order and for workers that vanished, and the
//! process may die after each decision.
//!
//! **Invariant:** what is decided goes into the journal at once; so a crash loses effects and never facts, and after
//! each decision a replay of the journal is compared with the run itself.

mod inputs;

use std::{collections::VecDeque, sync::Arc};

use drawloom_blueprint::{
    Blueprint, ErrorClass, Fact, FlowHash, Outcome, RunEnd, RunId, Started, StepError, StepIx, Timestamp, Value,
};
use drawloom_engine::{AttemptId, Effect, Input, Run, fork_plan};
use fastrand::Rng;

use crate::{
    flows::inline,
    ledger::{Book, Checked, Shape},
};

/// A flow that takes more inputs than this does not end.
const INPUTS_MAX: u32 = 20_000;

/// One run of a flow, its journal, and what is under way.
pub(crate) struct Core {
    rng: Rng,
    shape: Shape,
    run: Run,
    book: Book,
    journal: Vec<(Timestamp, Vec<u8>)>,
    now: Timestamp,
    /// Attempts that were handed out and have not ended.
    tasks: VecDeque<AttemptId>,
    /// Results that were given, to be given again.
    given: Vec<(AttemptId, Outcome)>,
    /// Ends of sub-flows on their way.
    ends: VecDeque<Input>,
    /// Successes that the run takes over when it starts.
    adopt: Vec<(StepIx, Value)>,
    more: bool,
    /// In thousandths: how often the process dies after a decision.
    crash: u32,
    /// Moves that were made.
    pub(crate) moves: u64,
}

impl Core {
    pub(crate) fn new(seed: u64, blueprint: Arc<Blueprint>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let crash = [0, 50, 500, 1_000][rng.usize(0..4)];
        Self {
            rng,
            run: Run::new(Arc::clone(&blueprint), inline),
            shape: Shape::new(blueprint),
            book: Book::default(),
            journal: Vec::new(),
            now: Timestamp(1_700_000_000_000_000),
            tasks: VecDeque::new(),
            given: Vec::new(),
            ends: VecDeque::new(),
            adopt: Vec::new(),
            more: false,
            crash,
            moves: 0,
        }
    }

    /// A run that takes over what succeeded in this one and does not depend on some of its steps.
    ///
    /// # Errors
    /// Where the steps of the flow are not found in it.
    pub(crate) fn fork(&mut self) -> Result<Self, String> {
        let blueprint = Arc::clone(self.run.blueprint());
        let roots: Vec<StepIx> = blueprint.steps_of(Blueprint::ROOT).collect();
        let from = (0..self.rng.usize(0..3)).filter_map(|_| self.rng.choice(&roots));
        let from: Vec<String> = from.map(|step| blueprint.step(*step).id.clone()).collect();
        let plan = fork_plan(&self.run, &blueprint, &from).map_err(|it| it.to_string())?;
        Ok(Self { adopt: plan.keep, ..Self::new(self.rng.u64(..), blueprint) })
    }

    /// Plays the run to its end.
    ///
    /// # Errors
    /// The invariant that broke.
    pub(crate) fn play(&mut self) -> Checked {
        self.start()?;
        for at in 0..INPUTS_MAX {
            if self.run.end().is_some() {
                return self.give(Input::Tick).map(drop);
            }
            self.now = self.now.after(std::time::Duration::from_micros(self.rng.u64(0..2_000)));
            // In the beginning anything may happen; later what is waited for, so that there is an end.
            if at < 60 && self.rng.u8(0..8) == 0 {
                self.disturb()?;
            }
            if self.run.end().is_none() && !self.step()? {
                self.answer()?;
            }
        }
        Err(format!("the run does not end: {:?}", self.run.waits()))
    }

    /// The last facts, a line each.
    pub(crate) fn last(&self) -> Vec<String> {
        let from = self.journal.len().saturating_sub(12);
        let line =
            |(at, bytes): &(Timestamp, Vec<u8>)| format!("fact {at} {:?}", Fact::decode(bytes).map(|it| it.moves));
        self.journal[from..].iter().map(line).collect()
    }

    fn start(&mut self) -> Checked {
        let inputs = Value::object([("k", Value::from("x")), ("n", Value::Int(self.rng.i64(0..6)))]);
        let started = Started {
            run: RunId(7),
            flow: "core".to_owned(),
            version: FlowHash([0; 32]),
            number: None,
            inputs,
            trigger: Value::Null,
            seed: self.rng.u64(..),
            parent: None,
            labels: Default::default(),
            concurrency_key: None,
            forked_from: (!self.adopt.is_empty()).then_some(RunId(1)),
            depth: 0,
        };
        let adopt = std::mem::take(&mut self.adopt);
        self.give(Input::Start { started: Box::new(started), admitted: true, adopt }).map(drop)
    }

    /// Gives an input, and says whether it was taken.
    fn give(&mut self, input: Input) -> Result<bool, String> {
        let decision = self.run.handle(input, self.now);
        if let Some(fact) = &decision.fact {
            self.moves += fact.moves.len() as u64;
            let seq = self.journal.len() as u64 + 1;
            self.journal.push((self.now, fact.encode()));
            self.book.take(&self.shape, seq, self.now, &fact.moves)?;
        }
        if decision.fact.is_some() && self.rng.u32(0..1_000) < self.crash {
            self.die()?;
        } else {
            self.release(decision.effects)?;
        }
        Ok(!decision.dropped)
    }

    /// The process dies, and the next one goes on from the journal alone.
    fn die(&mut self) -> Checked {
        let mut copy = Run::new(Arc::clone(self.run.blueprint()), inline);
        for (at, bytes) in &self.journal {
            let fact = Fact::decode(bytes).map_err(|it| it.to_string())?;
            copy.apply(*at, &fact).map_err(|it| it.to_string())?;
        }
        if !copy.same_state(&self.run) {
            return Err("a replay of the journal gives another state".to_owned());
        }
        self.tasks.clear();
        self.ends.clear();
        self.more = false;
        let effects = copy.effects_after_recovery();
        self.run = copy;
        self.release(effects)
    }

    fn release(&mut self, effects: Vec<Effect>) -> Checked {
        for effect in effects {
            match effect {
                Effect::Dispatch(it) if self.tasks.contains(&it.attempt) => {
                    return Err(format!("{:?} is handed out twice", it.attempt));
                }
                Effect::Dispatch(it) => self.tasks.push_back(it.attempt),
                Effect::Abort(it) if !self.tasks.contains(&it) => self.tasks.push_back(it),
                Effect::Abort(_) | Effect::CancelChild(_) | Effect::Ended(_) => {}
                Effect::Kill(it) => self.tasks.retain(|task| *task != it),
                Effect::StartChild(it) => {
                    let failed = self.rng.u8(0..4) == 0;
                    let error = failed.then(|| StepError::new(ErrorClass::Failed, "the sub-flow failed"));
                    let status = if failed {
                        drawloom_blueprint::RunStatus::Failed
                    } else {
                        drawloom_blueprint::RunStatus::Succeeded
                    };
                    let end = Box::new(RunEnd { status, outputs: Value::Null, error });
                    let parent = it.parent;
                    self.ends.push_back(Input::ChildEnded {
                        frame: parent.frame,
                        serial: parent.serial,
                        step: parent.step,
                        end,
                    });
                }
                Effect::Continue => self.more = true,
            }
        }
        Ok(())
    }
}
