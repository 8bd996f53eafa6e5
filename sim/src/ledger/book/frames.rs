//! What may happen to a frame, and to the run as a whole.

use drawloom_blueprint::{FrameRef, Op, RunEnd, RunStatus, ScopeIx, StepIx, StopReason};

use super::{At, Book, Checked, Frame, Shape, Step};

impl Book {
    pub(super) fn entered(
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

    pub(super) fn compensating(&mut self, shape: &Shape, (frame, step): (FrameRef, StepIx), slot: FrameRef) -> Checked {
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

    pub(super) fn enter(
        &mut self,
        shape: &Shape,
        slot: FrameRef,
        scope: ScopeIx,
        owner: Option<(FrameRef, StepIx)>,
    ) -> Checked {
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

    pub(super) fn leave(&mut self, shape: &Shape, slot: FrameRef) -> Checked {
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

    pub(super) fn end(&mut self, end: &RunEnd) -> Checked {
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
}
