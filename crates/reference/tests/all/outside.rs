//! What happens outside a run, decided by a seed and by names alone.

use std::hash::{DefaultHasher, Hash, Hasher};

use drawloom_blueprint::{ErrorClass, Outcome, StepError, Timestamp, Value};
use drawloom_reference::{generate::EPOCH, interpret::Outside};

/// When runs start.
pub(crate) const START: Timestamp = Timestamp(EPOCH * 1_000_000);

#[derive(Clone, Copy)]
pub(crate) struct Seeded {
    pub(crate) seed: u64,
    pub(crate) cancels: bool,
}

impl Seeded {
    fn draw(&self, what: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, what).hash(&mut hasher);
        hasher.finish()
    }

    fn micros(&self, what: impl Hash, below: u64) -> i64 {
        i64::try_from(1 + self.draw((what, "time")) % below).expect("small")
    }
}

fn failure(class: ErrorClass) -> Outcome {
    Outcome::Failure(StepError::new(class, "no").with_code("scripted"))
}

impl Outside for Seeded {
    fn attempt(&self, path: &str, attempt: u32, with: &Value) -> (i64, Outcome) {
        let outcome = match self.draw((path, attempt)) % 12 {
            0 | 1 => failure(ErrorClass::Failed),
            2 => failure(ErrorClass::Unavailable),
            3 => failure(ErrorClass::Timeout),
            4 => failure(ErrorClass::Invalid),
            5 => Outcome::Success(Value::Null),
            6 => Outcome::Success(Value::from(vec![Value::from(true), with.clone()])),
            _ => Outcome::Success(with.clone()),
        };
        (self.micros((path, attempt), 3_000_000), outcome)
    }

    fn inline(&self, with: &Value) -> Outcome {
        inline(with)
    }

    fn signal(&self, name: &str) -> (Timestamp, Value) {
        let after = self.micros(name, 20_000_000) - 2_000_000;
        (Timestamp(START.0 + after), Value::object([("from", Value::from(name))]))
    }

    fn answer(&self, path: &str) -> (i64, Value) {
        let approved = !self.draw((path, "answer")).is_multiple_of(4);
        (self.micros(path, 12_000_000), Value::object([("approved", Value::from(approved))]))
    }

    fn child(&self, path: &str, with: &Value) -> (i64, Outcome) {
        let outcome = match self.draw((path, "child")) % 6 {
            0 => failure(ErrorClass::Failed),
            1 => Outcome::Failure(StepError::new(ErrorClass::Cancelled, "cancelled")),
            _ => Outcome::Success(with.clone()),
        };
        (self.micros((path, "child"), 6_000_000), outcome)
    }

    fn cancel(&self) -> Option<Timestamp> {
        let wanted = self.cancels && self.draw("cancel").is_multiple_of(6);
        wanted.then(|| Timestamp(START.0 + self.micros("cancel", 10_000_000)))
    }
}

/// A kind that the engine does itself: it gives back what it is given, or fails on null.
pub(crate) fn inline(with: &Value) -> Outcome {
    if with.get("v") == Some(&Value::Null) {
        return Outcome::Failure(StepError::invalid("null"));
    }
    Outcome::Success(with.clone())
}
