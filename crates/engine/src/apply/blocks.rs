//! What facts do to blocks and frames.

use std::sync::Arc;

use drawloom_blueprint::{FrameRef, Op, Opened, OpenedAs, ScopeIx, Timestamp, Value, WaitFor};

use super::{Applied, ApplyError, misfit};
use crate::{
    Run,
    block::{Block, FrameEnd, Inside, Items, Phase, Rescue},
    effect::Place,
    frame::Status,
    names::error_value,
    run::{Alarm, Work},
};

impl Run {
    pub(super) fn opened(&mut self, now: Timestamp, at: Place, opened: &Opened) -> Applied {
        let what = self.inside(at, &opened.what)?;
        let mut due = None;
        if let Inside::Wait(wait) = &what {
            if let WaitFor::Until(at) = wait {
                due = Some(*at);
            }
            if let Some(key) = waiting_key(wait) {
                self.state.waiting.entry(key).or_default().push_back(at);
            }
        }
        let step = self.step_mut(at)?;
        step.status = Status::Waiting;
        step.started.get_or_insert(now);
        step.due = due;
        step.block = Some(Box::new(Block { what, deadline: opened.deadline, timed_out: false, open: 0 }));
        if let Some(due) = due {
            self.state.alarms.insert((due, Alarm::Due(at)));
        }
        if let Some(deadline) = opened.deadline {
            self.state.alarms.insert((deadline, Alarm::Deadline(at)));
        }
        Ok(())
    }

    fn inside(&self, at: Place, opened: &OpenedAs) -> Result<Inside, ApplyError> {
        let op = self.blueprint.steps.get(at.step.ix()).map(|it| &it.op);
        Ok(match (opened, op) {
            (OpenedAs::Parallel, Some(Op::Parallel(it))) => Inside::Parallel { ends: vec![None; it.branches.len()] },
            (OpenedAs::Arm(_), Some(Op::Switch(_))) => Inside::Arm { end: None },
            (OpenedAs::ForEach { items, concurrency }, Some(Op::ForEach(_))) => {
                let Value::List(items) = items else { return misfit("a map over something that is no list") };
                Inside::ForEach(Items {
                    items: Arc::clone(items),
                    next: 0,
                    concurrency: *concurrency,
                    outputs: Vec::new(),
                    failed: 0,
                    errors: Vec::new(),
                    stopped: false,
                })
            }
            (OpenedAs::Loop(max), Some(Op::Loop(_))) => {
                Inside::Loop { max: *max, iterations: 0, last: None, end: None }
            }
            (OpenedAs::Flow { run, inputs }, Some(Op::Flow(_))) => Inside::Flow { run: *run, inputs: inputs.clone() },
            (OpenedAs::Wait(it), Some(Op::Wait(_))) => Inside::Wait(it.clone()),
            (OpenedAs::Try, Some(Op::Try(_))) => Inside::Try(Rescue { phase: Phase::Body, end: None, error: None }),
            _ => return misfit(format!("step {} opened as something that it is not", at.step.0)),
        })
    }

    pub(super) fn stop_waiting(&mut self, at: Place, what: &Inside) {
        let Inside::Wait(wait) = what else { return };
        let Some(key) = waiting_key(wait) else { return };
        if let Some(places) = self.state.waiting.get_mut(&key) {
            places.retain(|it| *it != at);
            if places.is_empty() {
                self.state.waiting.remove(&key);
            }
        }
    }

    pub(super) fn entered(&mut self, at: Place, scope: ScopeIx, index: u64, slot: FrameRef) -> Applied {
        if self.blueprint.scopes.get(scope.ix()).and_then(|it| it.owner) != Some(at.step) {
            return misfit(format!("scope {} is not of step {}", scope.0, at.step.0));
        }
        let (phase, shielded) = match &self.blueprint.step(at.step).op {
            Op::Try(it) if scope == it.body => (Phase::Body, false),
            Op::Try(it) if Some(scope) == it.catch => (Phase::Catch, false),
            Op::Try(_) => (Phase::Finally, true),
            _ => (Phase::Body, false),
        };
        let step = self.step_mut(at)?;
        let due = step.due.take();
        let Some(block) = &mut step.block else { return misfit("a frame was entered in a block that is not open") };
        block.open += 1;
        match &mut block.what {
            Inside::ForEach(items) => items.next = index + 1,
            Inside::Loop { iterations, end, .. } => {
                *iterations = index + 1;
                *end = None;
            }
            Inside::Try(rescue) => rescue.phase = phase,
            _ => {}
        }
        self.drop_alarm(due, Alarm::Due(at));
        self.enter(at, scope, index, slot)?;
        if let Some(frame) = self.state.frames.get_mut(slot) {
            frame.shielded = shielded;
        }
        Ok(())
    }

    fn enter(&mut self, at: Place, scope: ScopeIx, index: u64, slot: FrameRef) -> Applied {
        if self.state.frames.next_slot() != slot {
            return misfit(format!("a frame was entered at {slot}, which is not the next free place"));
        }
        self.state.frames.enter(scope, self.blueprint.scope(scope), Some(at), index);
        self.look_at_all(slot, scope);
        Ok(())
    }

    pub(super) fn compensating(&mut self, at: Place, slot: FrameRef) -> Applied {
        let Some(scope) = self.undo_scope(at.step) else { return misfit("a step is undone that cannot be") };
        let Some(last) = self.state.undo.iter().rposition(|it| *it == at) else {
            return misfit("a step is undone that did not succeed");
        };
        // The frame whose end waits for this is the innermost one that was not left.
        let waiting = self.state.frames.ancestry(at.frame).find(|it| self.frame(*it).is_some_and(|frame| !frame.left));
        self.state.undo.remove(last);
        self.state.undone.insert(self.root_step(at));
        self.enter(at, scope, 0, slot)?;
        if let Some(frame) = self.state.frames.get_mut(slot) {
            frame.shielded = true;
            frame.undoes_for = waiting;
        }
        self.state.undoing += 1;
        Ok(())
    }

    pub(super) fn left(&mut self, slot: FrameRef) -> Applied {
        let Some(frame) = self.state.frames.get(slot).filter(|it| it.open == 0 && !it.left) else {
            return misfit(format!("frame {slot} was left while it was open"));
        };
        let (owner, index, undoes_for, pins) = (frame.owner, frame.index, frame.undoes_for, frame.pins);
        let Some(owner) = owner else { return misfit("the root was left") };
        let end = self.frame_end(slot);
        let given = if pins > 0 { self.given(owner, index) } else { None };
        if let Some(frame) = self.state.frames.get_mut(slot).filter(|_| pins > 0) {
            frame.left = true;
            frame.given = given;
        } else {
            self.state.frames.leave(slot);
        }
        if let Some(waiting) = undoes_for {
            self.unpin(owner);
            self.state.undoing = self.state.undoing.saturating_sub(1);
            self.todo.push_back(Work::Close(waiting));
            return Ok(());
        }
        let step = self.step_mut(owner)?;
        let Some(block) = &mut step.block else { return misfit("a frame was left in a block that is not open") };
        block.frame_left(index, end);
        self.todo.push_back(Work::Advance(owner));
        Ok(())
    }

    /// The value of the variable that a block gives a frame inside it.
    fn given(&self, owner: Place, index: u64) -> Option<Value> {
        match &self.step(owner)?.block.as_ref()?.what {
            Inside::ForEach(it) => it.items.get(usize::try_from(index).ok()?).cloned(),
            Inside::Loop { last, .. } => last.clone(),
            Inside::Try(it) => it.error.as_ref().map(error_value),
            _ => None,
        }
    }

    /// How a frame ended whose steps all have.
    pub(crate) fn frame_end(&self, slot: FrameRef) -> FrameEnd {
        let Some(frame) = self.frame(slot) else { return FrameEnd::Stopped };
        if frame.stopping.is_some() && frame.steps.iter().any(|it| it.status == Status::Cancelled) {
            return FrameEnd::Stopped;
        }
        if let Some(error) = &frame.failure {
            return FrameEnd::Failed((**error).clone());
        }
        let last = self.blueprint.scope(frame.scope).last;
        let last = last.and_then(|step| frame.steps.get(self.local(step)));
        FrameEnd::Succeeded(last.and_then(|it| it.output.clone()).unwrap_or_default())
    }

    pub(super) fn closed(&mut self, now: Timestamp, at: Place) -> Applied {
        let blueprint = Arc::clone(&self.blueprint);
        let op = blueprint.steps.get(at.step.ix()).map(|it| &it.op);
        let step = self.step_mut(at)?;
        let Some(block) = step.block.as_deref_mut() else { return misfit("a block was closed that is not open") };
        let output = match (&mut block.what, op) {
            (Inside::Parallel { ends }, Some(Op::Parallel(it))) if it.named => {
                Value::object(it.branches.iter().zip(ends.iter()).map(|((name, _), end)| (name.as_str(), value(end))))
            }
            (Inside::Parallel { ends }, _) => ends.iter().map(value).collect(),
            (Inside::ForEach(items), _) => {
                let mut outputs = std::mem::take(&mut items.outputs);
                outputs.resize(items.items.len(), Value::Null);
                outputs.into()
            }
            (Inside::Arm { end }, _) => value(end),
            (Inside::Loop { last, .. }, _) => last.take().unwrap_or_default(),
            (Inside::Try(rescue), _) => value(&rescue.end),
            (Inside::Flow { .. } | Inside::Wait(_), _) => return misfit("a step without frames was closed"),
        };
        step.output = Some(output);
        self.ended(now, at, Status::Succeeded)
    }
}

fn value(end: &Option<FrameEnd>) -> Value {
    match end {
        Some(FrameEnd::Succeeded(it)) => it.clone(),
        _ => Value::Null,
    }
}

/// Under what a step that waits is found: signals by name, calls by token.
pub(crate) fn waiting_key(wait: &WaitFor) -> Option<String> {
    match wait {
        WaitFor::Until(_) => None,
        WaitFor::Signal(name) => Some(format!("s:{name}")),
        WaitFor::Webhook(token) | WaitFor::Approval(token, _) => Some(format!("t:{token}")),
    }
}
