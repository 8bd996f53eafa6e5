//! What is given to the run: what it waits for, and what it does not expect.

use drawloom_blueprint::{ErrorClass, Outcome, StepError, Value};
use drawloom_engine::{AttemptId, Input};

use super::Core;
use crate::{generate::SIGNALS, ledger::Checked};

impl Core {
    /// Does one thing that is under way; false where nothing is.
    pub(super) fn step(&mut self) -> Result<bool, String> {
        if std::mem::take(&mut self.more) {
            self.give(Input::Continue)?;
            return Ok(true);
        }
        if !self.tasks.is_empty() {
            // Results come in any order.
            let at = self.rng.usize(0..self.tasks.len());
            if let Some(task) = self.tasks.remove(at) {
                self.end(task)?;
            }
            return Ok(true);
        }
        if let Some(end) = self.ends.pop_front() {
            self.give(end.clone())?;
            if self.rng.bool() && self.give(end)? {
                return Err("the end of a sub-flow was counted twice".to_owned());
            }
            return Ok(true);
        }
        match self.run.next_due() {
            Some(due) => {
                self.now = self.now.max(due);
                self.give(Input::Tick)?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn end(&mut self, task: AttemptId) -> Checked {
        if self.rng.u8(0..12) == 0 {
            self.give(Input::Lost(task))?;
        }
        let outcome = match self.rng.u8(0..5) {
            0 => Outcome::Failure(StepError::new(ErrorClass::Failed, "no")),
            _ => Outcome::Success(Value::object([("by", Value::Int(self.rng.i64(..)))])),
        };
        self.give(Input::Result { attempt: task, outcome: outcome.clone() })?;
        if self.rng.bool() && self.give(Input::Result { attempt: task, outcome: outcome.clone() })? {
            return Err(format!("the result of {task:?} was accepted twice"));
        }
        self.given.push((task, outcome));
        Ok(())
    }

    /// Something that nobody waits for, or that comes again.
    pub(super) fn disturb(&mut self) -> Checked {
        let payload = Value::object([("sig", Value::Int(1))]);
        let signal = Input::Signal { name: SIGNALS[self.rng.usize(0..SIGNALS.len())].to_owned(), payload };
        match self.rng.u8(0..24) {
            0..=5 => self.give(signal)?,
            6..=11 => {
                let Some((attempt, outcome)) = self.rng.choice(&self.given).cloned() else { return Ok(()) };
                if self.give(Input::Result { attempt, outcome })? {
                    return Err(format!("a late result of {attempt:?} was accepted"));
                }
                false
            }
            12 => self.give(Input::Cancel)?,
            13 => self.give(Input::Pause)?,
            14 => self.give(Input::Admit)?,
            15 => self.give(Input::Continue)?,
            16 => self.give(Input::Resume)?,
            17 if self.rng.u8(0..6) == 0 => self.give(Input::Kill)?,
            18 => self.give(Input::Token { token: "none".to_owned(), payload: Value::Null })?,
            _ => self.give(Input::Tick)?,
        };
        Ok(())
    }

    /// Gives what the run says that it waits for.
    pub(super) fn answer(&mut self) -> Checked {
        let waits = self.run.waits();
        self.give(Input::Resume)?;
        if waits.is_empty() && self.tasks.is_empty() && self.run.next_due().is_none() && !self.more {
            return Err("the run waits for nothing, and does not end".to_owned());
        }
        let payload = Value::object([("approved", Value::Bool(self.rng.bool())), ("sig", Value::Int(2))]);
        for it in waits {
            let input = match it.kind {
                "signal" => Input::Signal { name: it.name, payload: payload.clone() },
                "webhook" | "approval" => Input::Token { token: it.name, payload: payload.clone() },
                _ => continue,
            };
            self.give(input)?;
        }
        Ok(())
    }
}
