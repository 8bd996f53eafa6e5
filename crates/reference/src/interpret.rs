//! The interpreter: how a run of a flow ends, by recursion over the document.
//!
//! It lives in a time of its own. A list is evaluated step by step, each from the instant at which its needs let it
//! go to the instant at which it ends, blocks by recursion. Nothing is ever interrupted: where something stops a part
//! of the run (a join that has enough, a timeout, `fail`), the part is evaluated to its end first, thrown away, and
//! evaluated once more with a [`Cut`] at the instant at which it is stopped.
//!
//! **Invariant:** what the interpreter says follows from the document and the [`Outside`] alone. Where two things that
//! race happen in the same microsecond, the language does not say which comes first, and neither does it: the
//! answer is [`Unsaid`]. So it is where the limit `parallel_steps` would move things that race.

mod blocks;
mod cut;
mod eval;
mod list;
mod log;
mod many;
mod run;
mod steps;
mod waits;

use std::collections::BTreeMap;

use drawloom_blueprint::{Outcome, RunStatus, StepError, Timestamp, Value};

pub use run::interpret;

/// What happens outside a run: how tasks, answers and sub-flows turn out, and when.
pub trait Outside {
    /// How an attempt ends when nobody stops it, and after how many microseconds.
    fn attempt(&self, path: &str, attempt: u32, with: &Value) -> (i64, Outcome);

    /// The output of a step that the engine does itself.
    fn inline(&self, with: &Value) -> Outcome;

    /// When a signal of that name is sent, once, and what it carries.
    fn signal(&self, name: &str) -> (Timestamp, Value);

    /// How many microseconds after a `webhook` or `approval` began it is answered, and how.
    fn answer(&self, path: &str) -> (i64, Value);

    /// How a sub-flow ends when nobody stops it, and after how many microseconds. A failure of the class `cancelled`
    /// is a cancelled run.
    fn child(&self, path: &str, with: &Value) -> (i64, Outcome);

    /// When the run is cancelled.
    fn cancel(&self) -> Option<Timestamp>;
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It has an output.
    Succeeded,
    /// It has an error.
    Failed,
    /// It was not wanted.
    Skipped,
    /// A step that it needs failed.
    UpstreamFailed,
    /// It was stopped.
    Cancelled,
}

impl State {
    /// The name in listings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::UpstreamFailed => "upstream_failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Its status.
    pub status: RunStatus,
    /// Its outputs; null unless it succeeded.
    pub outputs: Value,
    /// Why it did not succeed.
    pub error: Option<StepError>,
    /// Each step that there was, by its path, with its output where it succeeded.
    pub steps: BTreeMap<String, (State, Option<Value>)>,
}

/// Why the language does not say how a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsaid(pub String);

type Said<T> = Result<T, Unsaid>;

/// Microseconds since 1970.
type At = i64;
