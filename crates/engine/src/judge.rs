//! Judgement: what follows from an input. Everything a run decides is decided below here.
//!
//! **Invariant:** a judge changes the run only by moves, through the same `make` that replays them; it ends
//! after a bounded number of moves and asks to be called again when there is more.

mod attempts;
mod blocks;
mod ending;
mod foreach;
mod looping;
mod rescue;
mod signals;
mod steps;
mod timers;

use std::sync::Arc;

use drawloom_blueprint::{
    Blueprint, ExprIx, Fact, FrameRef, Move, Outcome, RunStatus, Started, StepError, StepIx, Timestamp, Value,
};

use crate::{Decision, Effect, Input, Run, effect::Place, names::Here, run::Work};

/// So many moves are made before others get their turn: some hundred microseconds of work. The list of more moves would
/// be so large that the allocator would ask the system for its memory, and give it back, each time.
const MOVES_MAX: usize = 1_024;

/// A run, an instant, and what was decided so far.
pub(crate) struct Judge<'a> {
    pub(crate) run: &'a mut Run,
    /// The run's, at hand while the run changes.
    pub(crate) blueprint: &'a Blueprint,
    pub(crate) now: Timestamp,
    moves: Vec<Move>,
    effects: Vec<Effect>,
}

impl Run {
    /// Judges an input: what happens, and what is then to be done. The run has applied the facts when this
    /// returns; the effects must wait until the facts are durable.
    ///
    /// It never fails and never panics: an input that comes late, twice or out of turn is dropped.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Decision {
        let blueprint = Arc::clone(&self.blueprint);
        // Most decisions are one or two moves; a list that begins by itself has room for four.
        let moves = Vec::with_capacity(2);
        let mut judge = Judge { run: self, blueprint: &blueprint, now, moves, effects: Vec::new() };
        let taken = judge.take(input);
        judge.work();
        let Judge { moves, effects, .. } = judge;
        if !taken {
            self.dropped += 1;
        }
        let fact = (!moves.is_empty()).then_some(Fact { moves });
        Decision { dropped: !taken, fact, effects }
    }
}

impl Judge<'_> {
    fn take(&mut self, input: Input) -> bool {
        let started = self.run.state.started.is_some();
        let ended = self.run.state.end.is_some();
        match input {
            Input::Start { started: it, admitted, adopt } if !started => self.start(it, admitted, adopt),
            _ if !started || ended => return false,
            Input::Start { .. } => return false,
            Input::Admit if self.run.state.status == RunStatus::Queued => self.tell(Move::Admitted),
            Input::Refuse(error) if self.run.state.status == RunStatus::Queued => self.refuse(error),
            Input::Admit | Input::Refuse(_) => return false,
            Input::Result { attempt, outcome } => match self.run.attempt(attempt) {
                Some(at) => self.attempt_ended(at, outcome),
                None => return false,
            },
            Input::Lost(attempt) => match self.run.attempt(attempt) {
                Some(at) => self.attempt_lost(at),
                None => return false,
            },
            Input::Tick => self.tick(),
            Input::Signal { name, payload } => return self.signal(name, payload),
            Input::Token { token, payload } => return self.token(&token, payload),
            Input::ChildEnded { frame, serial, step, end } => return self.child_ended(frame, serial, step, *end),
            Input::Cancel => self.cancel(),
            Input::Kill => self.kill(),
            Input::Pause if !self.run.state.paused => self.tell(Move::Paused),
            Input::Resume if self.run.state.paused => self.tell(Move::Resumed),
            Input::Pause | Input::Resume => return false,
            Input::Continue => {}
        }
        true
    }

    fn start(&mut self, started: Box<Started>, admitted: bool, adopt: Vec<(StepIx, Value)>) {
        self.tell(Move::Started(started));
        for (step, output) in adopt {
            self.tell(Move::Adopted(0, step, output));
        }
        if admitted {
            self.tell(Move::Admitted);
        }
    }

    /// Looks at everything that the moves so far have brought up.
    fn work(&mut self) {
        if self.run.state.status == RunStatus::Queued && self.run.state.ending.is_none() {
            return;
        }
        while let Some(work) = self.run.todo.pop_front() {
            if self.run.state.end.is_some() {
                self.run.todo.clear();
                return;
            }
            if self.moves.len() >= MOVES_MAX {
                self.run.todo.push_front(work);
                self.effects.push(Effect::Continue);
                return;
            }
            match work {
                Work::Judge(at) => self.judge_step(at),
                Work::Advance(at) => self.advance(at),
                Work::Close(frame) => self.close(frame),
                Work::Dispatch => self.dispatch_ready(),
            }
        }
    }

    /// Makes a move and notes it as a fact.
    pub(super) fn tell(&mut self, it: Move) {
        match self.run.make(self.now, &it) {
            Ok(()) => self.moves.push(it),
            Err(error) => debug_assert!(false, "invariant: a judge makes only moves that fit: {error}, {it:?}"),
        }
    }

    pub(super) fn effect(&mut self, it: Effect) {
        self.effects.push(it);
    }

    pub(super) fn room_for_moves(&self) -> bool {
        self.moves.len() < MOVES_MAX
    }

    /// The value of an expression, seen from a frame.
    pub(super) fn eval(&self, frame: FrameRef, ix: ExprIx) -> Result<Value, StepError> {
        self.eval_at(&Here { run: self.run, frame, now: self.now, secrets: None, looping: None }, ix)
    }

    pub(super) fn eval_at(&self, here: &Here<'_>, ix: ExprIx) -> Result<Value, StepError> {
        self.blueprint.eval(ix, here).map_err(|it| StepError::invalid(it.to_string()).with_code("expression"))
    }

    pub(super) fn succeed(&mut self, at: Place, output: Value) {
        self.tell(Move::Succeeded(at.frame, at.step, output));
    }

    pub(super) fn cancelled(&mut self, at: Place) {
        self.tell(Move::Cancelled(at.frame, at.step));
    }

    /// The step fails for good; where the flow says `on_failure: stop` and nothing handles it, so does the run.
    pub(super) fn fail(&mut self, at: Place, error: StepError) {
        let stop = self.blueprint.limits.stop_on_failure && self.run.state.ending.is_none() && !self.is_handled(at);
        self.tell(Move::Failed(at.frame, at.step, Box::new(error)));
        if stop {
            let error = self.run.frame(at.frame).and_then(|it| it.failure.clone());
            self.end_run(RunStatus::Failed, error, drawloom_blueprint::StopReason::Failure);
        }
    }

    pub(super) fn settle(&mut self, at: Place, outcome: Outcome) {
        match outcome {
            Outcome::Success(output) => self.succeed(at, output),
            Outcome::Failure(error) => self.fail(at, error),
        }
    }
}
