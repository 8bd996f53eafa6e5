//! A task: an attempt on its way to an executor.

use std::{sync::Arc, time::Duration};

use drawloom_blueprint::{FrameRef, RunId, StepIx, Value};

use crate::Redactor;

/// The identity of an attempt. A result is accepted once per identity; late and repeated ones are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    /// The run.
    pub run: RunId,
    /// The place of the frame.
    pub frame: FrameRef,
    /// The serial number of the frame, as places are used again.
    pub serial: u64,
    /// The step.
    pub step: StepIx,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

/// All that an executor needs to know.
#[derive(Clone, Debug)]
pub struct Task {
    /// Which attempt this is.
    pub id: TaskId,
    /// The kind that executes it.
    pub kind: &'static str,
    /// The parameters, resolved, secrets included: never log them.
    pub with: Value,
    /// The longest it may take from when it starts.
    pub timeout: Option<Duration>,
    /// The step's place in the run for people: `enrich[17].score`.
    pub path: Arc<str>,
    /// Hides the secrets that `with` holds.
    pub redactor: Redactor,
    /// A number that is the same for every execution of this attempt: the source of its chance and clock.
    pub seed: u64,
}

impl Task {
    /// The same for every attempt of the step in this run, so that a receiver can tell repetitions.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        format!("{}:{}", self.id.run, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_of_a_step_have_one_key_and_other_steps_have_others() {
        let key = |run, path: &str, attempt| {
            let id = TaskId { run: RunId(run), frame: 0, serial: 0, step: StepIx(0), attempt };
            let (with, redactor) = (Value::Null, Redactor::default());
            Task { id, kind: "probe", with, timeout: None, path: path.into(), redactor, seed: u64::from(attempt) }
                .idempotency_key()
        };
        assert_eq!(key(1, "a", 1), key(1, "a", 2));
        assert_ne!(key(1, "a", 1), key(1, "b", 1));
        assert_ne!(key(1, "a", 1), key(2, "a", 1));
    }
}
