//! Loops: `while` before an iteration, `until` after it, `every` between, `max` in any case.

use drawloom_blueprint::{FrameRef, Loop, Move, OpenedAs, StepError};

use super::Judge;
use crate::{
    block::{FrameEnd, Inside},
    effect::Place,
    names::Here,
};

impl Judge<'_> {
    pub(super) fn begin_loop(&mut self, at: Place, it: &Loop) {
        match self.count(at, it.max, "max") {
            Ok(max) => {
                self.open(at, OpenedAs::Loop(u64::from(max)));
                self.iterate(at, it);
            }
            Err(error) => self.fail(at, error),
        }
    }

    /// The body's frame has ended: `until` is evaluated in it, then it is left.
    pub(super) fn close_iteration(&mut self, slot: FrameRef, at: Place, it: &Loop) {
        let went_well = matches!(self.run.frame_end(slot), FrameEnd::Succeeded(_));
        let stopping = self.run.frame(slot).is_some_and(|it| it.stopping.is_some());
        let until = it.until.filter(|_| went_well && !stopping).map(|ix| self.eval(slot, ix));
        self.tell(Move::Left(slot));
        match until {
            Some(Ok(done)) if done.is_true() => self.tell(Move::Closed(at.frame, at.step)),
            Some(Err(error)) => self.fail(at, error),
            _ => {}
        }
    }

    /// No frame is open: the loop ended badly, rests, or goes on.
    pub(super) fn advance_loop(&mut self, at: Place, it: &Loop) {
        let Some(state) = self.run.step(at) else { return };
        let Some(Inside::Loop { end, .. }) = state.block.as_ref().map(|it| &it.what) else { return };
        if state.due.is_some() {
            return;
        }
        match end.clone() {
            Some(FrameEnd::Failed(error)) => self.fail(at, error),
            Some(FrameEnd::Stopped) => self.cancelled(at),
            Some(FrameEnd::Succeeded(_)) => match it.every {
                Some(pause) if it.while_.is_some() || !self.is_exhausted(at) => {
                    self.tell(Move::Resting(at.frame, at.step, self.now.after(pause)));
                }
                _ => self.iterate(at, it),
            },
            None => self.iterate(at, it),
        }
    }

    fn is_exhausted(&self, at: Place) -> bool {
        match self.run.step(at).and_then(|it| it.block.as_ref()).map(|it| &it.what) {
            Some(Inside::Loop { max, iterations, .. }) => iterations >= max,
            _ => false,
        }
    }

    /// Enters the next iteration, if it is wanted and allowed.
    pub(super) fn iterate(&mut self, at: Place, it: &Loop) {
        if let Some(ix) = it.while_ {
            let here = Here { run: self.run, frame: at.frame, now: self.now, secrets: None, looping: Some(at) };
            match self.eval_at(&here, ix) {
                Ok(it) if it.is_true() => {}
                Ok(_) => return self.tell(Move::Closed(at.frame, at.step)),
                Err(error) => return self.fail(at, error),
            }
        }
        let Some(Inside::Loop { max, iterations, .. }) =
            self.run.step(at).and_then(|it| it.block.as_ref()).map(|it| &it.what)
        else {
            return;
        };
        let (max, iterations) = (*max, *iterations);
        if iterations >= max {
            let message =
                format!("the loop did not end within its {max} iterations (raise `max`, or mend its condition)");
            let error = StepError::new(drawloom_blueprint::ErrorClass::Failed, message).with_code("loop_max");
            return self.fail(at, error);
        }
        self.enter(at, it.body, iterations);
    }
}
