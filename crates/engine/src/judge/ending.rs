//! How frames and runs end: by themselves, by cancel, by `fail` and `stop`; and what is undone before that.

use std::time::Duration;

use drawloom_blueprint::{FrameRef, Move, Op, Outcome, RunEnd, RunStatus, StepError, StopReason, Value};

use super::Judge;
use crate::{
    Effect,
    block::{FrameEnd, Inside},
    effect::Place,
    frame::Status,
};

/// The patience for `finally` and `compensate` after a run was asked to end; then it is killed.
const GRACE: Duration = Duration::from_secs(5 * 60);

const ROOT: FrameRef = 0;

impl Judge<'_> {
    pub(super) fn cancel(&mut self) {
        if self.run.frame(ROOT).is_some_and(|it| it.stopping == Some(StopReason::Cancel)) {
            return self.kill();
        }
        self.end_run(RunStatus::Cancelled, None, StopReason::Cancel);
    }

    pub(super) fn refuse(&mut self, error: StepError) {
        self.end_run(RunStatus::Cancelled, Some(Box::new(error)), StopReason::Kill);
    }

    pub(super) fn kill(&mut self) {
        self.end_run(RunStatus::Cancelled, None, StopReason::Kill);
    }

    /// Everything stops; once it has, the run ends like this. What was decided first stays.
    pub(super) fn end_run(&mut self, status: RunStatus, error: Option<Box<StepError>>, reason: StopReason) {
        if self.run.state.ending.is_none() {
            self.tell(Move::Ending(status, error, self.now.after(GRACE)));
        }
        self.stop_frame(ROOT, reason);
    }

    /// Stops a frame and all inside it, but for `finally` and `compensate` unless it is killed.
    pub(super) fn stop_frame(&mut self, root: FrameRef, reason: StopReason) {
        let kill = reason == StopReason::Kill;
        let frames = &self.run.state.frames;
        let inside: Vec<FrameRef> = frames
            .iter()
            .filter(|(_, it)| !it.left)
            .filter(|(slot, _)| if kill { frames.is_within(*slot, root) } else { frames.is_exposed(*slot, root) })
            .map(|(slot, _)| slot)
            .collect();
        for slot in &inside {
            self.tell(Move::Stopping(*slot, reason));
        }
        for slot in inside {
            let Some(scope) = self.run.frame(slot).map(|it| it.scope) else { continue };
            for step in self.blueprint.steps_of(scope) {
                self.stop_step(Place { frame: slot, step }, kill);
            }
            // An empty frame, or one that had ended and waits to be looked at.
            self.run.todo.push_back(crate::run::Work::Close(slot));
        }
    }

    fn stop_step(&mut self, at: Place, kill: bool) {
        let Some(state) = self.run.step(at) else { return };
        let status = state.status;
        match status {
            Status::Pending | Status::Ready | Status::Retrying => self.cancelled(at),
            Status::Running | Status::Aborting if kill => {
                let attempt = self.run.attempt_id(at);
                self.cancelled(at);
                self.effect(Effect::Kill(attempt));
            }
            Status::Running => {
                self.tell(Move::Aborting(at.frame, at.step));
                self.effect(Effect::Abort(self.run.attempt_id(at)));
            }
            Status::Waiting => self.stop_block(at, kill),
            _ => {}
        }
    }

    fn stop_block(&mut self, at: Place, kill: bool) {
        let Some(block) = self.run.step(at).and_then(|it| it.block.as_ref()) else { return };
        match (&block.what, block.open) {
            (Inside::Wait(_), _) => self.cancelled(at),
            (Inside::Flow { run, .. }, _) => {
                let run = *run;
                self.effect(Effect::CancelChild(run));
                if kill {
                    self.cancelled(at);
                }
            }
            (Inside::Try(_), _) => self.run.todo.push_back(crate::run::Work::Advance(at)),
            (_, 0) => self.cancelled(at),
            _ => {}
        }
    }

    /// All steps of a frame may have ended.
    pub(super) fn close(&mut self, slot: FrameRef) {
        let Some(frame) = self.run.frame(slot).filter(|it| it.open == 0 && !it.left) else { return };
        let (owner, is_undoing) = (frame.owner, frame.undoes_for.is_some());
        // What undoes steps of this frame must end first.
        let undoing = self.run.state.undoing > 0;
        if undoing && self.run.state.frames.iter().any(|(_, it)| it.undoes_for == Some(slot)) {
            return;
        }
        if !is_undoing && self.undo_last(slot) {
            return;
        }
        let Some(owner) = owner else { return self.finish() };
        match &self.blueprint.step(owner.step).op {
            Op::Loop(it) => self.close_iteration(slot, owner, it),
            _ => self.tell(Move::Left(slot)),
        }
    }

    /// Begins to undo the last success in a frame that ends badly, where that is for this frame to do.
    fn undo_last(&mut self, slot: FrameRef) -> bool {
        let Some(frame) = self.run.frame(slot) else { return false };
        if frame.stopping == Some(StopReason::Kill) {
            return false;
        }
        let responsible = match frame.owner.map(|it| &self.blueprint.step(it.step).op) {
            None => self.ends_badly(),
            Some(Op::Try(it)) => {
                let alone = it.catch.is_none() || frame.stopping.is_some();
                let badly = match self.run.frame_end(slot) {
                    FrameEnd::Succeeded(_) => false,
                    FrameEnd::Failed(_) => true,
                    // After a `stop` nothing is undone.
                    FrameEnd::Stopped => frame.stopping != Some(StopReason::Flow) || self.ends_badly(),
                };
                it.body == frame.scope && alone && badly
            }
            Some(_) => false,
        };
        if !responsible {
            return false;
        }
        let frames = &self.run.state.frames;
        let Some(at) = self.run.state.undo.iter().rev().find(|it| frames.is_within(it.frame, slot)).copied() else {
            return false;
        };
        let slot = frames.next_slot();
        self.tell(Move::Compensating { frame: at.frame, step: at.step, slot });
        true
    }

    fn ends_badly(&self) -> bool {
        match &self.run.state.ending {
            Some(it) => it.status != RunStatus::Succeeded,
            None => self.run.frame(ROOT).is_some_and(|it| it.failure.is_some()),
        }
    }

    /// The root has ended, and with it the run.
    fn finish(&mut self) {
        let failure = self.run.frame(ROOT).and_then(|it| it.failure.as_deref().cloned());
        let ending = self.run.state.ending.clone();
        let (status, error) = match ending {
            Some(it) => (it.status, it.error.map(|it| *it)),
            None if failure.is_some() => (RunStatus::Failed, failure),
            None => (RunStatus::Succeeded, None),
        };
        let stopped = self.run.state.ending.is_some();
        let end = match (status, self.outputs(stopped)) {
            (RunStatus::Succeeded, Outcome::Success(outputs)) => RunEnd { status, outputs, error },
            (RunStatus::Succeeded, Outcome::Failure(error)) => {
                RunEnd { status: RunStatus::Failed, outputs: Value::Null, error: Some(error) }
            }
            _ => RunEnd { status, outputs: Value::Null, error },
        };
        self.tell(Move::Ended(Box::new(end.clone())));
        self.effect(Effect::Ended(Box::new(end)));
    }

    /// The run's outputs; after a `stop`, what cannot be had is null.
    fn outputs(&self, stopped: bool) -> Outcome {
        let mut outputs = Vec::new();
        for (name, ix) in &self.blueprint.outputs {
            match self.eval(ROOT, *ix) {
                Ok(it) => outputs.push((name.as_str(), it)),
                Err(_) if stopped => outputs.push((name.as_str(), Value::Null)),
                Err(mut error) => {
                    error.message = format!("output `{name}`: {}", error.message);
                    return Outcome::Failure(error);
                }
            }
        }
        Outcome::Success(Value::object(outputs))
    }
}
