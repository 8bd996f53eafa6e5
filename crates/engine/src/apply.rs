//! The bookkeeping of facts: the only place where the state of a run changes.
//!
//! **Invariant:** nothing here evaluates an expression, a rule or a limit, reads a clock or decides anything.
//! A fact that does not fit the state is an error and never a panic, whatever a journal holds.

mod blocks;
mod steps;

use drawloom_blueprint::{Blueprint, Fact, FrameRef, Move, RunStatus, ScopeIx, StepIx, Timestamp};

use crate::{
    Run,
    effect::Place,
    frame::Status,
    run::{Alarm, Ending, Work},
};

/// Why a fact could not be applied: the journal is damaged, or belongs to another flow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal does not fit the run: {0}")]
pub struct ApplyError(pub(crate) String);

pub(crate) type Applied = Result<(), ApplyError>;

pub(crate) fn misfit<T>(why: impl Into<String>) -> Result<T, ApplyError> {
    Err(ApplyError(why.into()))
}

impl Run {
    /// Applies a fact from the journal. Give all facts of a run in order, then call
    /// [`Run::effects_after_recovery`].
    ///
    /// # Errors
    /// Where the fact does not fit what came before it.
    pub fn apply(&mut self, at: Timestamp, fact: &Fact) -> Result<(), ApplyError> {
        for it in &fact.moves {
            self.make(at, it)?;
        }
        self.todo.clear();
        Ok(())
    }

    /// Makes one move.
    pub(crate) fn make(&mut self, now: Timestamp, it: &Move) -> Applied {
        match it {
            Move::Started(started) => return self.started_with(now, started),
            Move::Admitted => self.admitted(now),
            Move::Ended(end) => {
                self.state.status = end.status;
                self.state.end = Some(end.clone());
                self.state.ended_at = Some(now);
                self.state.alarms.clear();
                self.state.ready.clear();
                self.state.waiting.clear();
                self.todo.clear();
            }
            Move::Ending(status, error, grace) => {
                self.state.ending = Some(Ending { status: *status, error: error.clone() });
                self.state.alarms.retain(|(_, alarm)| !matches!(alarm, Alarm::Run | Alarm::Grace));
                self.state.alarms.insert((*grace, Alarm::Grace));
            }
            Move::Paused => self.state.paused = true,
            Move::Resumed => {
                self.state.paused = false;
                self.todo.push_back(Work::Dispatch);
            }
            Move::SignalKept(name, payload) => self.state.kept.push((name.clone(), payload.clone())),
            Move::SignalTaken(name) => {
                let at = self.state.kept.iter().position(|(it, _)| it == name);
                let at = at.ok_or_else(|| ApplyError(format!("no signal `{name}` was kept")))?;
                self.state.kept.remove(at);
            }
            other => return self.make_in_frame(now, other),
        }
        Ok(())
    }

    fn make_in_frame(&mut self, now: Timestamp, it: &Move) -> Applied {
        let place = |frame: &FrameRef, step: &StepIx| Place { frame: *frame, step: *step };
        match it {
            Move::Entered { frame, step, scope, index, slot } => {
                self.entered(place(frame, step), *scope, *index, *slot)
            }
            Move::Compensating { frame, step, slot } => self.compensating(place(frame, step), *slot),
            Move::Left(frame) => self.left(*frame),
            Move::Stopping(frame, reason) => {
                let Some(frame) = self.state.frames.get_mut(*frame) else { return misfit("no such frame to stop") };
                frame.stopping = Some(*reason);
                Ok(())
            }
            Move::Opened(frame, step, opened) => self.opened(now, place(frame, step), opened),
            Move::Closed(frame, step) => self.closed(now, place(frame, step)),
            Move::Ready(frame, step) => self.ready(now, place(frame, step)),
            Move::Dispatched(frame, step, attempt) => self.dispatched(now, place(frame, step), *attempt),
            Move::Aborting(frame, step) => self.aborting(place(frame, step)),
            Move::Retrying { frame, step, error, due, lost } => self.retrying(place(frame, step), error, *due, *lost),
            Move::Resting(frame, step, due) => self.resting(place(frame, step), *due),
            Move::Succeeded(frame, step, output) => {
                let at = place(frame, step);
                self.step_mut(at)?.output = Some(output.clone());
                self.ended(now, at, Status::Succeeded)
            }
            Move::Adopted(frame, step, output) => {
                let at = place(frame, step);
                self.step_mut(at)?.output = Some(output.clone());
                self.ended(now, at, Status::Succeeded)?;
                // No decision is on its way from this step to the one fused with it.
                let next = self.blueprint.step(at.step).fused_next;
                self.todo.extend(next.map(|step| Work::Judge(Place { frame: at.frame, step })));
                Ok(())
            }
            Move::Failed(frame, step, error) => {
                let at = place(frame, step);
                self.step_mut(at)?.error = Some(error.clone());
                self.ended(now, at, Status::Failed)
            }
            Move::Skipped(frame, step, _) => self.ended(now, place(frame, step), Status::Skipped),
            Move::UpstreamFailed(frame, step) => self.ended(now, place(frame, step), Status::UpstreamFailed),
            Move::Cancelled(frame, step) => self.ended(now, place(frame, step), Status::Cancelled),
            _ => misfit("a fact about the run was taken for one about a frame"),
        }
    }

    fn started_with(&mut self, now: Timestamp, started: &drawloom_blueprint::Started) -> Applied {
        if self.state.started.is_some() {
            return misfit("it started twice");
        }
        self.state.started = Some(Box::new(started.clone()));
        self.state.started_at = now;
        self.state.status = RunStatus::Queued;
        let shape = self.blueprint.scope(Blueprint::ROOT);
        let slot = self.state.frames.enter(Blueprint::ROOT, shape, None, 0);
        self.look_at_all(slot, Blueprint::ROOT);
        Ok(())
    }

    fn admitted(&mut self, now: Timestamp) {
        self.state.status = RunStatus::Running;
        if let Some(limit) = self.blueprint.limits.timeout {
            self.state.alarms.insert((now.after(limit), Alarm::Run));
        }
    }

    /// Notes the steps of a new frame that need nothing.
    pub(crate) fn look_at_all(&mut self, frame: FrameRef, scope: ScopeIx) {
        let shape = self.blueprint.scope(scope);
        if shape.len == 0 {
            self.todo.push_back(Work::Close(frame));
        }
        for step in self.blueprint.steps_of(scope) {
            let it = self.blueprint.step(step);
            if it.needs == 0 || it.rule == drawloom_blueprint::TriggerRule::Always {
                self.todo.push_back(Work::Judge(Place { frame, step }));
            }
        }
    }
}
