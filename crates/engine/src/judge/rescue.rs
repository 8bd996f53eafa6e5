//! `try`, `catch`, `finally`.

use drawloom_blueprint::{OpenedAs, StopReason, Try};

use super::{Judge, blocks::timeout};
use crate::{
    block::{FrameEnd, Inside, Phase},
    effect::Place,
};

impl Judge<'_> {
    pub(super) fn begin_try(&mut self, at: Place, it: &Try) {
        self.open(at, OpenedAs::Try);
        self.enter(at, it.body, 0);
    }

    /// The frame inside has ended: the next part, or the end.
    pub(super) fn advance_try(&mut self, at: Place, it: &Try) {
        let Some(block) = self.run.step(at).and_then(|it| it.block.as_ref()) else { return };
        let Inside::Try(rescue) = &block.what else { return };
        let (phase, timed_out) = (rescue.phase, block.timed_out);
        // No end yet: the body is about to be entered.
        let Some(end) = rescue.end.clone() else { return };
        let stopping = self.run.frame(at.frame).and_then(|it| it.stopping);
        let killed = stopping == Some(StopReason::Kill);
        if phase == Phase::Body
            && let (FrameEnd::Failed(_), Some(catch)) = (&end, it.catch)
            && stopping.is_none()
            && !timed_out
        {
            self.enter(at, catch, 1);
            return;
        }
        if phase != Phase::Finally
            && let Some(finally) = it.finally
            && !killed
        {
            self.enter(at, finally, 2);
            return;
        }
        match end {
            _ if timed_out => self.fail(at, timeout("the step")),
            _ if stopping.is_some() => self.cancelled(at),
            end => self.conclude(at, end),
        }
    }
}
