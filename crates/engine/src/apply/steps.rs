//! What facts do to single steps.

use drawloom_blueprint::{Op, ScopeIx, StepError, StepIx, Timestamp};

use super::{Applied, ApplyError, misfit};
use crate::{
    Run,
    effect::Place,
    frame::{Status, StepState},
    rule,
    run::{Alarm, Work},
};

impl Run {
    /// The step at a place, which must be open.
    pub(super) fn step_mut(&mut self, at: Place) -> Result<&mut StepState, ApplyError> {
        let known = self.blueprint.steps.get(at.step.ix()).map(|it| it.scope);
        let local = known.map_or(usize::MAX, |_| self.local(at.step));
        let frame = self.state.frames.get_mut(at.frame).filter(|it| Some(it.scope) == known);
        let step = frame.and_then(|it| it.steps.get_mut(local)).filter(|it| !it.status.is_end());
        step.ok_or_else(|| ApplyError(format!("step {} is not open in frame {}", at.step.0, at.frame)))
    }

    pub(super) fn ready(&mut self, now: Timestamp, at: Place) -> Applied {
        let step = self.step_mut(at)?;
        step.status = Status::Ready;
        step.started.get_or_insert(now);
        let due = step.due.take();
        self.drop_alarm(due, Alarm::Due(at));
        self.state.ready.push_back(at);
        Ok(())
    }

    pub(super) fn dispatched(&mut self, now: Timestamp, at: Place, attempt: u32) -> Applied {
        let step = self.step_mut(at)?;
        let was_ready = step.status == Status::Ready;
        step.status = Status::Running;
        step.attempt = attempt;
        step.started.get_or_insert(now);
        let due = step.due.take();
        self.drop_alarm(due, Alarm::Due(at));
        if was_ready {
            self.unready(at);
        }
        self.state.running += 1;
        Ok(())
    }

    pub(super) fn aborting(&mut self, at: Place) -> Applied {
        let step = self.step_mut(at)?;
        match (&mut step.block, step.status) {
            (Some(block), _) => {
                block.timed_out = true;
                let deadline = block.deadline.take();
                self.drop_alarm(deadline, Alarm::Deadline(at));
            }
            (None, Status::Running) => step.status = Status::Aborting,
            (None, _) => return misfit("a step that does not run was asked to stop"),
        }
        Ok(())
    }

    pub(super) fn retrying(&mut self, at: Place, error: &StepError, due: Timestamp, lost: bool) -> Applied {
        let step = self.step_mut(at)?;
        if !matches!(step.status, Status::Running | Status::Aborting) {
            return misfit("a step that does not run is to be tried again");
        }
        step.status = Status::Retrying;
        step.error = Some(Box::new(error.clone()));
        step.due = Some(due);
        step.lost += u32::from(lost);
        self.state.running = self.state.running.saturating_sub(1);
        self.state.alarms.insert((due, Alarm::Due(at)));
        self.todo.push_back(Work::Dispatch);
        Ok(())
    }

    pub(super) fn resting(&mut self, at: Place, due: Timestamp) -> Applied {
        self.step_mut(at)?.due = Some(due);
        self.state.alarms.insert((due, Alarm::Due(at)));
        Ok(())
    }

    /// The step has ended: its alarms go, the steps that need it are told, its frame counts it.
    pub(super) fn ended(&mut self, now: Timestamp, at: Place, status: Status) -> Applied {
        let step = self.step_mut(at)?;
        let was = std::mem::replace(&mut step.status, status);
        step.ended = Some(now);
        if status == Status::Succeeded {
            step.error = None;
        }
        let (due, block, error) = (step.due.take(), step.block.take(), step.error.clone());
        self.drop_alarm(due, Alarm::Due(at));
        if let Some(block) = block {
            self.drop_alarm(block.deadline, Alarm::Deadline(at));
            self.stop_waiting(at, &block.what);
        }
        match was {
            Status::Running | Status::Aborting => {
                self.state.running = self.state.running.saturating_sub(1);
                self.todo.push_back(Work::Dispatch);
            }
            Status::Ready => self.unready(at),
            _ => {}
        }
        match status {
            Status::Failed if !self.blueprint.step(at.step).continue_on_failure => self.blame(at, error),
            Status::Succeeded => self.remember_undo(at),
            _ => {}
        }
        self.tell_next(at, status);
        let Some(frame) = self.state.frames.get_mut(at.frame) else { return Ok(()) };
        frame.open = frame.open.saturating_sub(1);
        if frame.open == 0 {
            self.todo.push_back(Work::Close(at.frame));
        }
        Ok(())
    }

    /// The frame fails with the first error in it that nothing handles, and names the step it came from.
    fn blame(&mut self, at: Place, error: Option<Box<StepError>>) {
        let Some(mut error) = error else { return };
        if error.step.is_none() {
            error.step = Some(self.path(at.frame, at.step));
        }
        if let Some(frame) = self.state.frames.get_mut(at.frame) {
            frame.failure.get_or_insert(error);
        }
    }

    fn tell_next(&mut self, at: Place, status: Status) {
        let blueprint = &*self.blueprint;
        let done = blueprint.step(at.step);
        for next in blueprint.next(at.step) {
            let local = self.local(*next);
            let Some(step) = self.state.frames.get_mut(at.frame).and_then(|it| it.steps.get_mut(local)) else {
                continue;
            };
            let tally = &mut step.tally;
            match status {
                Status::Succeeded => tally.succeeded += 1,
                Status::Failed if done.continue_on_failure => tally.succeeded += 1,
                Status::Skipped => tally.skipped += 1,
                Status::UpstreamFailed => tally.upstream_failed += 1,
                _ => tally.failed += 1,
            }
            // A fused step is taken up by the decision that is being made.
            let fused = done.fused_next == Some(*next) && status == Status::Succeeded;
            let it = blueprint.step(*next);
            let decided = rule::verdict(it.rule, it.needs, step.tally) != rule::Verdict::Open;
            if !fused && decided && step.status == Status::Pending {
                self.todo.push_back(Work::Judge(Place { frame: at.frame, step: *next }));
            }
        }
    }

    /// A success that can be undone is noted, and the values that its undoing may need are kept.
    fn remember_undo(&mut self, at: Place) {
        if self.undo_scope(at.step).is_none() {
            return;
        }
        self.state.undo.push(at);
        let ancestry: Vec<_> = self.state.frames.ancestry(at.frame).collect();
        for frame in ancestry {
            if let Some(frame) = self.state.frames.get_mut(frame) {
                frame.pins += 1;
            }
        }
    }

    pub(super) fn unpin(&mut self, at: Place) {
        let ancestry: Vec<_> = self.state.frames.ancestry(at.frame).collect();
        for slot in ancestry {
            if let Some(frame) = self.state.frames.get_mut(slot) {
                frame.pins = frame.pins.saturating_sub(1);
                if frame.left && frame.pins == 0 {
                    self.state.frames.leave(slot);
                }
            }
        }
    }

    pub(super) fn drop_alarm(&mut self, at: Option<Timestamp>, alarm: Alarm) {
        if let Some(at) = at {
            self.state.alarms.remove(&(at, alarm));
        }
    }

    fn unready(&mut self, at: Place) {
        if self.state.ready.front() == Some(&at) {
            self.state.ready.pop_front();
        } else {
            self.state.ready.retain(|it| *it != at);
        }
    }

    /// The compensation of a step, where it has one.
    pub(crate) fn undo_scope(&self, step: StepIx) -> Option<ScopeIx> {
        match &self.blueprint.steps.get(step.ix())?.op {
            Op::Task(task) => task.compensate,
            _ => None,
        }
    }
}
