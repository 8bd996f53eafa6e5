//! What the committed facts of one run say, kept in a way of its own and checked move by move.
//!
//! **Invariant:** nothing here comes from the engine's bookkeeping. A move that is not allowed where it stands is
//! an error that says which rule it breaks.

mod frames;
mod steps;

use std::collections::BTreeSet;

use drawloom_blueprint::{FrameRef, Move, OpenedAs, RunEnd, ScopeIx, StepIx, StopReason, Timestamp, WaitFor};

use super::{
    rules::{End, may_run},
    shape::Shape,
};

pub(crate) type Checked = Result<(), String>;

/// Where a step of a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Pending,
    Ready,
    Running,
    Retrying(Timestamp),
    Waiting,
    Ended(End),
}

/// A step in a frame.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) at: At,
    pub(crate) attempt: u32,
    lost: u32,
    /// The number of the fact that ended it or its last attempt.
    pub(crate) since: u64,
    /// Frames inside it.
    open: u32,
    /// One above the last frame's number.
    entered: u64,
    finally: bool,
    width: Option<u32>,
    pub(crate) timed_out: bool,
    pub(crate) wait: Option<WaitFor>,
    pub(crate) child: Option<drawloom_blueprint::RunId>,
}

/// A frame.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) serial: u64,
    pub(crate) scope: ScopeIx,
    owner: Option<(FrameRef, StepIx)>,
    undoes: bool,
    pub(crate) steps: Vec<Step>,
    pub(crate) stopping: Option<StopReason>,
    left: bool,
}

/// The books of a run.
#[derive(Clone, Default)]
pub(crate) struct Book {
    pub(crate) frames: Vec<Option<Frame>>,
    pub(crate) serial: u64,
    pub(crate) seq: u64,
    /// When the last fact was decided.
    pub(crate) now: Timestamp,
    pub(crate) begun: bool,
    pub(crate) admitted: bool,
    pub(crate) paused: bool,
    pub(crate) ending: Option<u64>,
    pub(crate) ended: Option<(RunEnd, u64)>,
    running: u32,
    pub(crate) kept: Vec<String>,
    /// Successes that can be undone, by frame, serial number and step.
    undo: Vec<(FrameRef, u64, StepIx)>,
    /// Steps that succeeded, by the serial number of their frame.
    pub(crate) done: BTreeSet<(u64, StepIx)>,
}

impl Book {
    /// Takes a fact, move by move.
    pub(crate) fn take(&mut self, shape: &Shape, seq: u64, now: Timestamp, moves: &[Move]) -> Checked {
        if seq != self.seq + 1 {
            return Err(format!("fact {seq} follows fact {}", self.seq));
        }
        self.seq = seq;
        self.now = now;
        for it in moves {
            self.make(shape, it).map_err(|why| format!("fact {seq}: {it:?}: {why}"))?;
        }
        Ok(())
    }

    fn make(&mut self, shape: &Shape, it: &Move) -> Checked {
        if self.ended.is_some() {
            return Err("something happens in a run that has ended".to_owned());
        }
        if self.begun == matches!(it, Move::Started(_)) {
            return Err("a run begins once, and before all else".to_owned());
        }
        match it {
            Move::Started(_) => {
                self.begun = true;
                self.enter(shape, 0, drawloom_blueprint::Blueprint::ROOT, None)?;
            }
            Move::Admitted if self.admitted => return Err("a run is admitted once".to_owned()),
            Move::Admitted => self.admitted = true,
            Move::Paused => self.paused = true,
            Move::Resumed => self.paused = false,
            Move::Ending(..) if self.ending.is_some() => return Err("an end is decided once".to_owned()),
            Move::Ending(..) => self.ending = Some(self.seq),
            Move::Ended(end) => self.end(end)?,
            Move::SignalKept(name, _) => self.kept.push(name.clone()),
            Move::SignalTaken(name) => {
                let at = self.kept.iter().position(|it| it == name).ok_or("a signal is taken that was not kept")?;
                self.kept.remove(at);
            }
            Move::Stopping(slot, reason) => self.frame_mut(*slot)?.stopping = Some(*reason),
            Move::Left(slot) => self.leave(shape, *slot)?,
            Move::Entered { frame, step, scope, index, slot } => {
                self.entered(shape, (*frame, *step), (*scope, *index, *slot))?;
            }
            Move::Compensating { frame, step, slot } => self.compensating(shape, (*frame, *step), *slot)?,
            other => self.step_moves(shape, other)?,
        }
        Ok(())
    }

    fn step_moves(&mut self, shape: &Shape, it: &Move) -> Checked {
        match it {
            Move::Ready(frame, step) => {
                self.first(shape, (*frame, *step), At::Ready)?;
                self.step_mut(shape, *frame, *step)?.at = At::Ready;
            }
            Move::Dispatched(frame, step, attempt) => self.dispatched(shape, (*frame, *step), *attempt)?,
            Move::Opened(frame, step, it) => {
                self.first(shape, (*frame, *step), At::Waiting)?;
                let state = self.step_mut(shape, *frame, *step)?;
                if state.at != At::Pending {
                    return Err(format!("the step begins a second time, being {:?}", state.at));
                }
                state.at = At::Waiting;
                match &it.what {
                    OpenedAs::ForEach { concurrency, .. } => state.width = *concurrency,
                    OpenedAs::Wait(it) => state.wait = Some(it.clone()),
                    OpenedAs::Flow { run, .. } => state.child = Some(*run),
                    _ => {}
                }
            }
            Move::Aborting(frame, step) => {
                let state = self.step_mut(shape, *frame, *step)?;
                match state.at {
                    At::Running => {}
                    At::Waiting => state.timed_out = true,
                    other => return Err(format!("a step is asked to stop that is {other:?}")),
                }
            }
            Move::Retrying { frame, step, due, lost, .. } => self.retrying(shape, (*frame, *step), *due, *lost)?,
            Move::Resting(frame, step, _) => match self.step_mut(shape, *frame, *step)?.at {
                At::Waiting => {}
                other => return Err(format!("a loop rests that is {other:?}")),
            },
            Move::Succeeded(frame, step, _) | Move::Closed(frame, step) => {
                self.first(shape, (*frame, *step), At::Ended(End::Succeeded))?;
                self.ended(shape, (*frame, *step), End::Succeeded)?;
            }
            Move::Adopted(frame, step, _) => self.ended(shape, (*frame, *step), End::Succeeded)?,
            Move::Failed(frame, step, _) => {
                self.first(shape, (*frame, *step), At::Ended(End::Failed))?;
                self.ended(shape, (*frame, *step), End::Failed)?;
            }
            Move::Skipped(frame, step, _) => self.passed_over(shape, (*frame, *step), End::Skipped)?,
            Move::UpstreamFailed(frame, step) => self.passed_over(shape, (*frame, *step), End::UpstreamFailed)?,
            Move::Cancelled(frame, step) => self.ended(shape, (*frame, *step), End::Cancelled)?,
            _ => return Err("the simulator does not know this move".to_owned()),
        }
        Ok(())
    }

    pub(crate) fn frame_mut(&mut self, slot: FrameRef) -> Result<&mut Frame, String> {
        let frame = self.frames.get_mut(slot as usize).and_then(Option::as_mut).filter(|it| !it.left);
        frame.ok_or_else(|| format!("frame {slot} is not open"))
    }

    fn step_mut(&mut self, shape: &Shape, slot: FrameRef, step: StepIx) -> Result<&mut Step, String> {
        let scope = shape.blueprint.step(step).scope;
        let frame = self.frame_mut(slot)?;
        if frame.scope != scope {
            return Err(format!("frame {slot} holds another scope"));
        }
        frame.steps.get_mut(shape.local(step)).ok_or_else(|| "there is no such step".to_owned())
    }
}
