//! What the committed facts of one run say, kept in a way of its own and checked move by move.
//!
//! **Invariant:** nothing here comes from the engine's bookkeeping. A move that is not allowed where it stands is
//! an error that says which rule it breaks.

use std::collections::BTreeSet;

use drawloom_blueprint::{
    FrameRef, Move, Op, OpenedAs, RunEnd, RunStatus, ScopeIx, StepIx, StopReason, Timestamp, WaitFor,
};

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

    /// A step that begins has the needs that its rule asks for, in a frame that goes on.
    fn first(&mut self, shape: &Shape, (frame, step): (FrameRef, StepIx), to: At) -> Checked {
        if self.step_mut(shape, frame, step)?.at != At::Pending {
            return Ok(());
        }
        if !self.admitted {
            return Err("a step begins before its run was admitted".to_owned());
        }
        let needs = self.needs(shape, frame, step);
        let rule = shape.blueprint.step(step).rule;
        if !may_run(rule, &needs) {
            return Err(format!("`{}` begins, but its needs are {needs:?} and its rule is {rule:?}", shape.name(step)));
        }
        let stopping = self.frame_mut(frame)?.stopping;
        if stopping.is_some() && !matches!(to, At::Ended(_)) {
            return Err(format!("`{}` begins in a frame that stops: {stopping:?}", shape.name(step)));
        }
        Ok(())
    }

    fn needs(&self, shape: &Shape, frame: FrameRef, step: StepIx) -> Vec<Option<End>> {
        let Some(Some(frame)) = self.frames.get(frame as usize) else { return Vec::new() };
        let end = |need: &StepIx| match frame.steps.get(shape.local(*need)).map(|it| it.at) {
            Some(At::Ended(End::Failed)) if shape.blueprint.step(*need).continue_on_failure => Some(End::Succeeded),
            Some(At::Ended(end)) => Some(end),
            _ => None,
        };
        shape.needs(step).iter().map(end).collect()
    }

    fn passed_over(&mut self, shape: &Shape, (frame, step): (FrameRef, StepIx), end: End) -> Checked {
        if self.step_mut(shape, frame, step)?.at != At::Pending {
            return Err("a step is passed over that has begun".to_owned());
        }
        let needs = self.needs(shape, frame, step);
        if end == End::UpstreamFailed && may_run(shape.blueprint.step(step).rule, &needs) {
            return Err(format!("a step is held back whose needs let it run: {needs:?}"));
        }
        self.ended(shape, (frame, step), end)
    }

    fn dispatched(&mut self, shape: &Shape, (frame, step): (FrameRef, StepIx), attempt: u32) -> Checked {
        self.first(shape, (frame, step), At::Running)?;
        let (now, paused, running) = (self.now, self.paused, self.running);
        let state = self.step_mut(shape, frame, step)?;
        match state.at {
            At::Pending | At::Ready => {}
            At::Retrying(due) if due <= now => {}
            other => return Err(format!("an attempt is handed out at {now} of a step that is {other:?}")),
        }
        if attempt != state.attempt + 1 {
            return Err(format!("attempt {attempt} follows attempt {}", state.attempt));
        }
        (state.attempt, state.at) = (attempt, At::Running);
        if paused {
            return Err("an attempt is handed out in a run that is paused".to_owned());
        }
        let most = shape.blueprint.limits.parallel_steps.unwrap_or(u32::MAX);
        self.running = running + 1;
        if self.running > most {
            return Err(format!("{} attempts are under way, and `parallel_steps` is {most}", self.running));
        }
        Ok(())
    }

    fn retrying(&mut self, shape: &Shape, (frame, step): (FrameRef, StepIx), due: Timestamp, lost: bool) -> Checked {
        let Op::Task(task) = shape.op(step) else { return Err("something is tried again that is no task".to_owned()) };
        let seq = self.seq;
        let state = self.step_mut(shape, frame, step)?;
        if state.at != At::Running {
            return Err(format!("a step is to be tried again that is {:?}", state.at));
        }
        state.at = At::Retrying(due);
        state.since = seq;
        state.lost += u32::from(lost);
        let tried = state.attempt - state.lost;
        self.running -= 1;
        if !lost && tried >= task.retry.attempts {
            return Err(format!("it was tried {tried} times and may be {} times", task.retry.attempts));
        }
        Ok(())
    }

    fn ended(&mut self, shape: &Shape, (frame, step): (FrameRef, StepIx), end: End) -> Checked {
        let seq = self.seq;
        let killed = self.frame_mut(frame)?.stopping == Some(StopReason::Kill);
        let serial = self.frame_mut(frame)?.serial;
        let state = self.step_mut(shape, frame, step)?;
        if let At::Ended(before) = state.at {
            return Err(format!("the step ends a second time; it was {before:?}"));
        }
        let was = std::mem::replace(&mut state.at, At::Ended(end));
        state.since = seq;
        if state.open > 0 {
            return Err("a block ends before what is inside it".to_owned());
        }
        if was == At::Waiting && shape.finally(step).is_some() && !state.finally && !killed {
            return Err("a `finally` was left out".to_owned());
        }
        if was == At::Running {
            self.running -= 1;
        }
        if end == End::Succeeded {
            self.done.insert((serial, step));
            if shape.undo(step).is_some() {
                self.undo.push((frame, serial, step));
            }
        }
        Ok(())
    }

    fn entered(
        &mut self,
        shape: &Shape,
        (frame, step): (FrameRef, StepIx),
        (scope, index, slot): (ScopeIx, u64, FrameRef),
    ) -> Checked {
        let finally = shape.finally(step) == Some(scope);
        if self.frame_mut(frame)?.stopping.is_some() && !finally {
            return Err("a frame is entered in one that stops".to_owned());
        }
        let state = self.step_mut(shape, frame, step)?;
        if state.at != At::Waiting || state.timed_out && !finally {
            return Err(format!("a frame is entered in a step that is {:?}", state.at));
        }
        if index < state.entered {
            return Err(format!("frame {index} of the block is entered after frame {}", state.entered));
        }
        state.entered = index + 1;
        state.open += 1;
        state.finally |= finally;
        if state.width.is_some_and(|it| state.open > it) {
            return Err(format!("{} items are under way, and `concurrency` is {:?}", state.open, state.width));
        }
        let alone = matches!(shape.op(step), Op::Loop(_) | Op::Switch(_) | Op::Try(_));
        if alone && state.open > 1 {
            return Err("two frames are open in a block that has one at a time".to_owned());
        }
        self.enter(shape, slot, scope, Some((frame, step)))
    }

    fn compensating(&mut self, shape: &Shape, (frame, step): (FrameRef, StepIx), slot: FrameRef) -> Checked {
        let scope = shape.undo(step).ok_or("a step is undone that cannot be")?;
        let serial = self.frames.get(frame as usize).and_then(Option::as_ref).map_or(0, |it| it.serial);
        let at = self.undo.iter().rposition(|it| *it == (frame, serial, step));
        let at = at.ok_or("a step is undone that did not succeed, or was undone before")?;
        if self.undo[at + 1..].iter().any(|it| it.1 == serial) {
            return Err("a step is undone before one that succeeded after it".to_owned());
        }
        self.undo.remove(at);
        self.enter(shape, slot, scope, Some((frame, step)))?;
        self.frame_mut(slot)?.undoes = true;
        Ok(())
    }

    fn enter(&mut self, shape: &Shape, slot: FrameRef, scope: ScopeIx, owner: Option<(FrameRef, StepIx)>) -> Checked {
        let at = slot as usize;
        if self.frames.len() <= at {
            self.frames.resize(at + 1, None);
        }
        if self.frames[at].as_ref().is_some_and(|it| !it.left) {
            return Err(format!("a frame is entered at {slot}, where one is"));
        }
        self.serial += 1;
        let step = Step {
            at: At::Pending,
            attempt: 0,
            lost: 0,
            since: self.seq,
            open: 0,
            entered: 0,
            finally: false,
            width: None,
            timed_out: false,
            wait: None,
            child: None,
        };
        let steps = vec![step; shape.blueprint.scope(scope).len as usize];
        let serial = self.serial;
        self.frames[at] = Some(Frame { serial, scope, owner, undoes: false, steps, stopping: None, left: false });
        Ok(())
    }

    fn leave(&mut self, shape: &Shape, slot: FrameRef) -> Checked {
        let frame = self.frame_mut(slot)?;
        if frame.steps.iter().any(|it| !matches!(it.at, At::Ended(_))) {
            return Err("a frame is left in which steps have not ended".to_owned());
        }
        frame.left = true;
        let (owner, undoes) = (frame.owner, frame.undoes);
        let Some((frame, step)) = owner.filter(|_| !undoes) else { return Ok(()) };
        let state = self.step_mut(shape, frame, step)?;
        state.open -= 1;
        Ok(())
    }

    fn end(&mut self, end: &RunEnd) -> Checked {
        for frame in self.frames.iter().flatten().filter(|it| !it.left) {
            if frame.steps.iter().any(|it| !matches!(it.at, At::Ended(_))) {
                return Err("a run ends in which steps have not ended".to_owned());
            }
        }
        if self.running > 0 {
            return Err(format!("a run ends in which {} attempts are under way", self.running));
        }
        let killed = self.frame_mut(0)?.stopping == Some(StopReason::Kill);
        let badly = matches!(end.status, RunStatus::Failed | RunStatus::Cancelled);
        if badly && !killed && !self.undo.is_empty() {
            return Err(format!("a run ends badly and {} successes were not undone", self.undo.len()));
        }
        self.ended = Some((end.clone(), self.seq));
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
