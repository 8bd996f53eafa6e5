//! Attempts: handing out, ending, trying again.

use std::time::Duration;

use drawloom_blueprint::{ErrorClass, Move, Op, Outcome, Retry, StepError};

use super::Judge;
use crate::{Dispatch, Effect, chance::Purpose, effect::Place, frame::Status};

/// So many times may the worker of one step vanish before the step fails.
const LOST_MAX: u32 = 3;

impl Judge<'_> {
    pub(super) fn begin_attempt(&mut self, at: Place) {
        if self.has_room() { self.dispatch(at) } else { self.tell(Move::Ready(at.frame, at.step)) }
    }

    fn has_room(&self) -> bool {
        let limit = self.blueprint.limits.parallel_steps.unwrap_or(u32::MAX);
        !self.run.state.paused && self.run.state.running < limit
    }

    fn dispatch(&mut self, at: Place) {
        let attempt = self.run.step(at).map_or(0, |it| it.attempt) + 1;
        self.tell(Move::Dispatched(at.frame, at.step, attempt));
        if let Some(dispatch) = self.run.dispatch_of(at) {
            self.effect(Effect::Dispatch(dispatch));
        }
    }

    pub(super) fn dispatch_ready(&mut self) {
        while self.has_room() && self.room_for_moves() {
            let Some(at) = self.run.state.ready.front().copied() else { return };
            self.dispatch(at);
        }
        if self.has_room() && !self.run.state.ready.is_empty() {
            self.run.todo.push_back(crate::run::Work::Dispatch);
        }
    }

    pub(super) fn attempt_ended(&mut self, at: Place, outcome: Outcome) {
        let aborting = self.run.status_of(at) == Some(Status::Aborting);
        match outcome {
            Outcome::Success(output) => self.succeed(at, output),
            Outcome::Failure(_) if aborting => self.cancelled(at),
            Outcome::Failure(error) => self.attempt_failed(at, error),
        }
    }

    fn attempt_failed(&mut self, at: Place, error: StepError) {
        let (Some(retry), Some(state)) = (self.retry(at), self.run.step(at)) else { return };
        let tried = state.attempt.saturating_sub(state.lost);
        if tried >= retry.attempts || !is_retried(&retry, error.class) {
            return self.fail(at, error);
        }
        let wait = self.delay(at, &retry, tried);
        let wait = wait.max(Duration::from_millis(error.retry_after_ms.unwrap_or(0)).min(retry.max_delay.max(wait)));
        let due = self.now.after(wait);
        self.tell(Move::Retrying { frame: at.frame, step: at.step, error: Box::new(error), due, lost: false });
    }

    pub(super) fn attempt_lost(&mut self, at: Place) {
        let lost = self.run.step(at).map_or(0, |it| it.lost);
        if self.run.status_of(at) == Some(Status::Aborting) {
            return self.cancelled(at);
        }
        let message = format!("the worker vanished ({} times)", lost + 1);
        let error = StepError::new(ErrorClass::Lost, message);
        if lost >= LOST_MAX {
            return self.fail(at, error);
        }
        self.tell(Move::Retrying { frame: at.frame, step: at.step, error: Box::new(error), due: self.now, lost: true });
        self.begin_attempt(at);
    }

    fn retry(&self, at: Place) -> Option<Retry> {
        match &self.blueprint.step(at.step).op {
            Op::Task(task) => Some(task.retry.clone()),
            _ => None,
        }
    }

    /// The wait after try number `tried`, moved by chance.
    fn delay(&self, at: Place, retry: &Retry, tried: u32) -> Duration {
        let exponent = i32::try_from(tried.saturating_sub(1)).unwrap_or(i32::MAX);
        let plain = retry.delay.as_secs_f64() * retry.backoff.powi(exponent);
        let longest = retry.max_delay.as_secs_f64();
        let plain = if plain.is_finite() { plain.min(longest) } else { longest };
        let spread = 1.0 + retry.jitter * (2.0 * self.draw(at, tried).fraction(Purpose::Jitter) - 1.0);
        Duration::try_from_secs_f64((plain * spread).max(0.0)).unwrap_or(retry.max_delay)
    }
}

fn is_retried(retry: &Retry, class: ErrorClass) -> bool {
    match class {
        ErrorClass::Invalid | ErrorClass::Cancelled => false,
        _ => retry.on.is_empty() || retry.on.contains(&class),
    }
}

impl crate::Run {
    /// The attempt under way at a place, as it is handed out.
    pub(crate) fn dispatch_of(&self, at: Place) -> Option<Dispatch> {
        let Op::Task(task) = &self.blueprint.step(at.step).op else { return None };
        Some(Dispatch { attempt: self.attempt_id(at), queue: task.queue.clone(), priority: task.priority })
    }
}
