//! What happens when a time has come.

use drawloom_blueprint::{ErrorClass, Move, Op, RunStatus, StepError, StopReason, Value};

use super::{Judge, blocks::timeout};
use crate::{Effect, block::Inside, effect::Place, frame::Status, run::Alarm};

impl Judge<'_> {
    /// Everything that is due by now, in due order, each once.
    pub(super) fn tick(&mut self) {
        let due: Vec<_> = self.run.state.alarms.iter().take_while(|(at, _)| *at <= self.now).copied().collect();
        for alarm in due {
            if !self.run.state.alarms.contains(&alarm) {
                continue;
            }
            match alarm.1 {
                Alarm::Run => {
                    let message = "the run took longer than its `limits.timeout`";
                    let error = StepError::new(ErrorClass::Timeout, message).with_code("run_timeout");
                    self.end_run(RunStatus::Failed, Some(Box::new(error)), StopReason::Timeout);
                }
                Alarm::Grace => self.kill(),
                Alarm::Due(at) => self.due(at),
                Alarm::Deadline(at) => self.deadline(at),
            }
        }
    }

    fn due(&mut self, at: Place) {
        let Some(state) = self.run.step(at) else { return };
        let waits = matches!(state.block.as_ref().map(|it| &it.what), Some(Inside::Wait(_)));
        match (state.status, &self.blueprint.step(at.step).op) {
            (Status::Retrying, _) => self.begin_attempt(at),
            (Status::Waiting, _) if waits => self.succeed(at, Value::Null),
            (Status::Waiting, Op::Loop(it)) => self.iterate(at, it),
            _ => {}
        }
    }

    fn deadline(&mut self, at: Place) {
        let Some(block) = self.run.step(at).and_then(|it| it.block.as_ref()) else { return };
        match (&block.what, block.open) {
            (Inside::Wait(_), _) => self.fail(at, timeout("the wait")),
            (Inside::Flow { run, .. }, _) => {
                let run = *run;
                self.tell(Move::Aborting(at.frame, at.step));
                self.effect(Effect::CancelChild(run));
            }
            (_, 0) => self.fail(at, timeout("the step")),
            _ => {
                self.tell(Move::Aborting(at.frame, at.step));
                self.stop_inside(at, StopReason::Timeout);
            }
        }
    }
}
