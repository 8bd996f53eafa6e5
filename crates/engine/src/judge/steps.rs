//! Whether a step runs, and how it begins.

use drawloom_blueprint::{
    FrameRef, Move, Op, Outcome, RunStatus, SkipReason, Started, StepError, StopReason, Value, expr::push_text,
};

use super::Judge;
use crate::{
    chance::Draw,
    effect::Place,
    frame::Status,
    rule::{Verdict, verdict},
};

impl Judge<'_> {
    pub(super) fn judge_step(&mut self, at: Place) {
        let Some(state) = self.run.step(at).filter(|it| it.status == Status::Pending) else { return };
        let tally = state.tally;
        if self.run.frame(at.frame).is_some_and(|it| it.stopping.is_some()) {
            return self.cancelled(at);
        }
        let step = self.blueprint.step(at.step);
        match verdict(step.rule, step.needs, tally) {
            Verdict::Open => {}
            Verdict::Skip => self.tell(Move::Skipped(at.frame, at.step, SkipReason::RunIf)),
            Verdict::UpstreamFailed => self.tell(Move::UpstreamFailed(at.frame, at.step)),
            Verdict::Run => self.begin_chain(at),
        }
    }

    /// Begins a step and, where it is fused with those after it, these as well.
    fn begin_chain(&mut self, mut at: Place) {
        loop {
            let fused = self.blueprint.step(at.step).fused_next;
            self.begin_if_wanted(at);
            let succeeded = self.run.status_of(at) == Some(Status::Succeeded);
            let Some(next) = fused.filter(|_| succeeded && self.run.state.end.is_none()) else { return };
            at.step = next;
            let open = self.run.status_of(at) == Some(Status::Pending);
            if !open {
                return;
            }
            if !self.room_for_moves() || self.run.frame(at.frame).is_some_and(|it| it.stopping.is_some()) {
                self.run.todo.push_back(crate::run::Work::Judge(at));
                return;
            }
        }
    }

    fn begin_if_wanted(&mut self, at: Place) {
        for ix in self.blueprint.step(at.step).when.clone() {
            match self.eval(at.frame, ix) {
                Ok(it) if it.is_true() => {}
                Ok(_) => return self.tell(Move::Skipped(at.frame, at.step, SkipReason::When)),
                Err(error) => return self.fail(at, error),
            }
        }
        self.begin(at);
    }

    fn begin(&mut self, at: Place) {
        match &self.blueprint.step(at.step).op {
            Op::Task(_) => self.begin_attempt(at),
            Op::Inline { kind, with } => {
                let output = self.eval(at.frame, *with).and_then(|with| (self.run.inline)(kind, &with));
                self.settle(at, output.map_or_else(Outcome::Failure, Outcome::Success));
            }
            Op::Set(ix) => {
                let output = self.eval(at.frame, *ix);
                self.settle(at, output.map_or_else(Outcome::Failure, Outcome::Success));
            }
            Op::Fail(ix) => self.say_fail(at, *ix),
            Op::Stop(ix) => self.say_stop(at, *ix),
            Op::Parallel(it) => self.begin_parallel(at, it),
            Op::Switch(arms) => self.begin_switch(at, arms),
            Op::ForEach(it) => self.begin_for_each(at, it),
            Op::Loop(it) => self.begin_loop(at, it),
            Op::Flow(it) => self.begin_flow(at, it),
            Op::Wait(it) => self.begin_wait(at, it),
            Op::Try(it) => self.begin_try(at, it),
        }
    }

    /// `fail` ends the run, but for a `try` with a `catch` around it, which handles it as any other failure.
    fn say_fail(&mut self, at: Place, message: drawloom_blueprint::ExprIx) {
        let error = match self.eval(at.frame, message) {
            Ok(it) => StepError::new(drawloom_blueprint::ErrorClass::Failed, text(&it)).with_code("fail"),
            Err(error) => error,
        };
        let handled = self.is_handled(at);
        self.tell(Move::Failed(at.frame, at.step, Box::new(error)));
        if !handled && self.run.state.ending.is_none() {
            let error = self.run.frame(at.frame).and_then(|it| it.failure.clone());
            self.end_run(RunStatus::Failed, error, StopReason::Flow);
        }
    }

    fn say_stop(&mut self, at: Place, message: drawloom_blueprint::ExprIx) {
        match self.eval(at.frame, message) {
            Ok(it) => {
                self.succeed(at, it);
                if self.run.state.ending.is_none() {
                    self.end_run(RunStatus::Succeeded, None, StopReason::Flow);
                }
            }
            Err(error) => self.fail(at, error),
        }
    }

    /// Whether something around the step handles its failure.
    pub(super) fn is_handled(&self, at: Place) -> bool {
        let blueprint = &self.blueprint;
        if blueprint.step(at.step).continue_on_failure {
            return true;
        }
        let frames = &self.run.state.frames;
        frames.ancestry(at.frame).filter_map(|it| frames.get(it)).any(|frame| {
            let Some(owner) = frame.owner.map(|it| blueprint.step(it.step)) else { return false };
            let by_block = match &owner.op {
                Op::Try(it) => it.catch.is_some() && it.body == frame.scope,
                Op::ForEach(it) => it.continue_on_failure,
                _ => false,
            };
            by_block || owner.continue_on_failure
        })
    }

    pub(super) fn enter(&mut self, at: Place, scope: drawloom_blueprint::ScopeIx, index: u64) -> FrameRef {
        let slot = self.run.state.frames.next_slot();
        self.tell(Move::Entered { frame: at.frame, step: at.step, scope, index, slot });
        slot
    }

    pub(super) fn started(&self) -> Option<&Started> {
        self.run.started()
    }

    /// A draw for the step, from the run's seed.
    pub(super) fn draw(&self, at: Place, salt: u32) -> Draw<'_> {
        let seed = self.started().map_or(0, |it| it.seed);
        let serial = self.run.frame(at.frame).map_or(0, |it| it.serial);
        Draw { seed, serial, step: &self.blueprint.step(at.step).id, salt }
    }
}

pub(super) fn text(value: &Value) -> String {
    let mut text = String::new();
    push_text(&mut text, value);
    text
}
