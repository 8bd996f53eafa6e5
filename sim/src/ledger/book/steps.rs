//! What may happen to a step.

use drawloom_blueprint::{FrameRef, Op, StepIx, StopReason, Timestamp};

use super::{At, Book, Checked, End, Shape, may_run};

impl Book {
    /// A step that begins has the needs that its rule asks for, in a frame that goes on.
    pub(super) fn first(&mut self, shape: &Shape, (frame, step): (FrameRef, StepIx), to: At) -> Checked {
        if self.step_mut(shape, frame, step)?.at != At::Pending {
            return Ok(());
        }
        // A fork that waits for its slot may undo what it took over.
        if !self.admitted && self.ending.is_none() {
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

    pub(super) fn needs(&self, shape: &Shape, frame: FrameRef, step: StepIx) -> Vec<Option<End>> {
        let Some(Some(frame)) = self.frames.get(frame as usize) else { return Vec::new() };
        let end = |need: &StepIx| match frame.steps.get(shape.local(*need)).map(|it| it.at) {
            Some(At::Ended(End::Failed)) if shape.blueprint.step(*need).continue_on_failure => Some(End::Succeeded),
            Some(At::Ended(end)) => Some(end),
            _ => None,
        };
        shape.needs(step).iter().map(end).collect()
    }

    pub(super) fn passed_over(&mut self, shape: &Shape, (frame, step): (FrameRef, StepIx), end: End) -> Checked {
        if self.step_mut(shape, frame, step)?.at != At::Pending {
            return Err("a step is passed over that has begun".to_owned());
        }
        let needs = self.needs(shape, frame, step);
        if end == End::UpstreamFailed && may_run(shape.blueprint.step(step).rule, &needs) {
            return Err(format!("a step is held back whose needs let it run: {needs:?}"));
        }
        self.ended(shape, (frame, step), end)
    }

    pub(super) fn dispatched(&mut self, shape: &Shape, (frame, step): (FrameRef, StepIx), attempt: u32) -> Checked {
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

    pub(super) fn retrying(
        &mut self,
        shape: &Shape,
        (frame, step): (FrameRef, StepIx),
        due: Timestamp,
        lost: bool,
    ) -> Checked {
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

    pub(super) fn ended(&mut self, shape: &Shape, (frame, step): (FrameRef, StepIx), end: End) -> Checked {
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

    /// A step that has not begun, although how its needs have ended decides what becomes of it.
    pub(in crate::ledger) fn overlooked<'a>(&self, shape: &'a Shape) -> Option<&'a str> {
        if self.ended.is_some() || !self.admitted {
            return None;
        }
        for (frame, slot) in self.frames.iter().zip(0..) {
            let Some(frame) = frame.as_ref().filter(|it| !it.left) else { continue };
            for (state, step) in frame.steps.iter().zip(shape.blueprint.steps_of(frame.scope)) {
                if state.at != At::Pending {
                    continue;
                }
                let needs = self.needs(shape, slot, step);
                if needs.iter().all(Option::is_some) || may_run(shape.blueprint.step(step).rule, &needs) {
                    return Some(shape.name(step));
                }
            }
        }
        None
    }
}
