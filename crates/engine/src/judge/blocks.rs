//! Branches, switches and sub-flows; and what all blocks share.

use drawloom_blueprint::{
    Arm, Branches, ErrorClass, FlowRef, FrameRef, JoinPolicy, Move, Op, Opened, OpenedAs, Parent, RunEnd, RunId,
    RunStatus, StepError, StepIx, StopReason, Value,
};

use super::Judge;
use crate::{
    ChildStart, Effect,
    block::{FrameEnd, Inside},
    chance::{Draw, Purpose},
    effect::Place,
    frame::Status,
};

/// Flows may start flows so many levels deep.
pub(crate) const DEPTH_MAX: u32 = 32;

impl Judge<'_> {
    pub(super) fn open(&mut self, at: Place, what: OpenedAs) {
        let deadline = self.blueprint.step(at.step).timeout.map(|it| self.now.after(it));
        self.tell(Move::Opened(at.frame, at.step, Opened { what, deadline }));
    }

    pub(super) fn begin_parallel(&mut self, at: Place, it: &Branches) {
        self.open(at, OpenedAs::Parallel);
        for ((_, scope), index) in it.branches.iter().zip(0..) {
            self.enter(at, *scope, index);
        }
        if it.branches.is_empty() {
            self.advance(at);
        }
    }

    pub(super) fn begin_switch(&mut self, at: Place, arms: &[Arm]) {
        for (arm, index) in arms.iter().zip(0_u32..) {
            let holds = match arm.when.map(|ix| self.eval(at.frame, ix)) {
                None => true,
                Some(Ok(it)) => it.is_true(),
                Some(Err(error)) => return self.fail(at, error),
            };
            if holds {
                self.open(at, OpenedAs::Arm(index));
                self.enter(at, arm.scope, u64::from(index));
                return;
            }
        }
        self.succeed(at, Value::Null);
    }

    pub(super) fn begin_flow(&mut self, at: Place, it: &FlowRef) {
        let inputs = match self.eval(at.frame, it.with) {
            Ok(it) => it,
            Err(error) => return self.fail(at, error),
        };
        let depth = self.started().map_or(0, |it| it.depth);
        if depth >= DEPTH_MAX {
            let message = format!("flows start flows more than {DEPTH_MAX} levels deep");
            return self.fail(at, StepError::invalid(message).with_code("depth"));
        }
        let path = self.run.path(at.frame, at.step);
        let serial = self.run.frame(at.frame).map_or(0, |it| it.serial);
        let run = self.run.id().child(&path, u32::try_from(serial).unwrap_or(u32::MAX));
        self.open(at, OpenedAs::Flow { run, inputs });
        if let Some(start) = self.run.child_start(at) {
            self.effect(Effect::StartChild(Box::new(start)));
        }
    }

    pub(super) fn child_ended(&mut self, frame: FrameRef, serial: u64, step: StepIx, end: RunEnd) -> bool {
        let at = Place { frame, step };
        let known = self.run.frame(frame).is_some_and(|it| it.serial == serial);
        let Some(block) = self.run.step(at).filter(|_| known).and_then(|it| it.block.as_ref()) else { return false };
        if !matches!(block.what, Inside::Flow { .. }) {
            return false;
        }
        let timed_out = block.timed_out;
        let stopping = self.run.frame(frame).is_some_and(|it| it.stopping.is_some());
        match end.status {
            RunStatus::Succeeded => self.succeed(at, end.outputs),
            _ if timed_out => self.fail(at, timeout("the sub-flow")),
            _ if stopping => self.cancelled(at),
            RunStatus::Cancelled => self.fail(at, StepError::new(ErrorClass::Cancelled, "the sub-flow was cancelled")),
            _ => {
                let error = end.error.unwrap_or_else(|| StepError::new(ErrorClass::Failed, "the sub-flow failed"));
                // The place inside the child says nothing here; its run does.
                self.fail(at, StepError { step: None, ..error });
            }
        }
        true
    }

    /// A frame inside a block was left, or the block can enter another.
    pub(super) fn advance(&mut self, at: Place) {
        let Some(state) = self.run.step(at).filter(|it| it.status == Status::Waiting) else { return };
        let Some(block) = &state.block else { return };
        let (open, timed_out) = (block.open, block.timed_out);
        let stopping = self.run.frame(at.frame).and_then(|it| it.stopping);
        let op = &self.blueprint.step(at.step).op;
        if let Op::Try(it) = op {
            if open == 0 {
                self.advance_try(at, it);
            }
            return;
        }
        if timed_out || stopping.is_some() {
            match (open, timed_out) {
                (0, true) => self.fail(at, timeout("the step")),
                (0, false) if !matches!(op, Op::Flow(_)) => self.cancelled(at),
                _ => {}
            }
            return;
        }
        match op {
            Op::Parallel(it) => self.advance_parallel(at, it),
            Op::Switch(_) if open == 0 => self.advance_switch(at),
            Op::ForEach(it) => self.advance_for_each(at, it),
            Op::Loop(it) if open == 0 => self.advance_loop(at, it),
            _ => {}
        }
    }

    fn advance_switch(&mut self, at: Place) {
        let Some(Inside::Arm { end }) = self.run.step(at).and_then(|it| it.block.as_ref()).map(|it| &it.what) else {
            return;
        };
        match end.clone() {
            Some(end) => self.conclude(at, end),
            None => self.cancelled(at),
        }
    }

    /// The block ends as the frame inside it did.
    pub(super) fn conclude(&mut self, at: Place, end: FrameEnd) {
        match end {
            FrameEnd::Succeeded(_) => self.tell(Move::Closed(at.frame, at.step)),
            FrameEnd::Failed(error) => self.fail(at, error),
            FrameEnd::Stopped => self.cancelled(at),
        }
    }

    fn advance_parallel(&mut self, at: Place, it: &Branches) {
        let Some(block) = self.run.step(at).and_then(|it| it.block.as_ref()) else { return };
        let Inside::Parallel { ends } = &block.what else { return };
        let open = block.open;
        let total = u32::try_from(ends.len()).unwrap_or(u32::MAX);
        let count = |wanted: fn(&FrameEnd) -> bool| ends.iter().flatten().filter(|end| wanted(end)).count();
        let succeeded = u32::try_from(count(|it| matches!(it, FrameEnd::Succeeded(_)))).unwrap_or(u32::MAX);
        let error = ends.iter().flatten().find_map(|it| match it {
            FrameEnd::Failed(error) => Some(error.clone()),
            _ => None,
        });
        let wanted = match it.join {
            JoinPolicy::All => total,
            JoinPolicy::Any => total.min(1),
            JoinPolicy::Count(it) => it.min(total),
        };
        let decided = succeeded >= wanted || succeeded + open < wanted;
        match (open, decided) {
            (0, _) if succeeded >= wanted => self.tell(Move::Closed(at.frame, at.step)),
            (0, _) => {
                let few = || StepError::new(ErrorClass::Failed, format!("{succeeded} of {wanted} branches succeeded"));
                self.fail(at, error.unwrap_or_else(few));
            }
            // All branches end by themselves; those of the other joins are not wanted once it is decided.
            (_, true) if it.join != JoinPolicy::All => self.stop_inside(at, StopReason::Joined),
            _ => {}
        }
    }

    /// Stops the frames inside a block, but for its `finally`.
    pub(super) fn stop_inside(&mut self, at: Place, reason: StopReason) {
        let inside: Vec<FrameRef> = self
            .run
            .state
            .frames
            .iter()
            .filter(|(_, it)| it.owner == Some(at) && !it.left && it.stopping.is_none() && !it.shielded)
            .map(|(slot, _)| slot)
            .collect();
        for slot in inside {
            self.stop_frame(slot, reason);
        }
    }
}

pub(super) fn timeout(what: &str) -> StepError {
    StepError::new(ErrorClass::Timeout, format!("{what} took longer than its timeout"))
}

impl crate::Run {
    /// The start of the sub-flow that a step waits for.
    pub(crate) fn child_start(&self, at: Place) -> Option<ChildStart> {
        let Op::Flow(it) = &self.blueprint.step(at.step).op else { return None };
        let Inside::Flow { run, inputs } = &self.step(at)?.block.as_ref()?.what else { return None };
        let started = self.started()?;
        let (run, inputs): (RunId, Value) = (*run, inputs.clone());
        let serial = self.frame(at.frame)?.serial;
        Some(ChildStart {
            run,
            flow: it.name.clone(),
            version: it.version,
            hash: it.hash,
            inputs,
            parent: Parent { run: self.id(), frame: at.frame, serial, step: at.step, detached: it.detach },
            depth: started.depth + 1,
            seed: Draw { seed: started.seed, serial, step: &self.blueprint.step(at.step).id, salt: 0 }
                .number(Purpose::Child),
        })
    }
}
