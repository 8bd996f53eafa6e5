//! Policies and limits.

use schemars::JsonSchema;

use super::value::{Any, Duration, ErrorClass};

/// How failed attempts are tried again: the settings, or the number of tries alone.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Retry {
    /// Tries in all, the first included.
    Attempts(#[schemars(range(min = 1, max = 1000))] u32),
    /// How often, and after which waits.
    Settings(RetrySettings),
}

/// How often, and after which waits.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetrySettings {
    /// Tries in all, the first included; 3 where a `retry` does not say.
    #[schemars(range(min = 1, max = 1000))]
    attempts: Option<u32>,
    /// The wait before the second try; 1s where it is not said.
    delay: Option<Duration>,
    /// By what each further wait is longer; 2 where it is not said.
    #[schemars(range(min = 1.0, max = 100.0))]
    backoff: Option<f64>,
    /// The longest wait; 1m where it is not said.
    max_delay: Option<Duration>,
    /// The part of a wait that chance may add or take; 0.1 where it is not said.
    #[schemars(range(min = 0.0, max = 1.0))]
    jitter: Option<f64>,
    /// The classes of errors that are tried again; all but `invalid` and `cancelled` where it is not said.
    on: Option<Classes>,
}

/// Classes of errors: a list of them, or one alone.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Classes {
    /// One class.
    One(ErrorClass),
    /// Several.
    Many(Vec<ErrorClass>),
}

/// For how long a result serves later steps of the same kind and parameters: the settings, or the time alone.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Cache {
    /// From the success on.
    Ttl(Duration),
    /// The time and the key.
    Settings(CacheSettings),
}

/// For how long a result serves, and which steps it serves.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheSettings {
    /// From the success on.
    ttl: Duration,
    /// Steps with the same value of this share results; without it, those with the same parameters.
    key: Option<Any>,
}

/// Policies of every task step that does not state its own.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Defaults {
    /// The longest that one attempt may take.
    timeout: Option<Duration>,
    /// How failed attempts are tried again.
    retry: Option<Retry>,
    /// For how long results serve later steps.
    cache: Option<Cache>,
    /// The queue whose workers take the tasks.
    queue: Option<String>,
    /// Higher goes first.
    #[schemars(range(min = -1000, max = 1000))]
    priority: Option<i32>,
}

/// Limits of each run.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    /// Attempts under way at once in one run.
    #[schemars(range(min = 1))]
    parallel_steps: Option<u32>,
    /// The longest a run may take; then it is cancelled.
    timeout: Option<Duration>,
    /// How many runs of the flow may be under way at once.
    concurrency: Option<Concurrency>,
    /// Whether a failure that nothing handles stops the branches that do not depend on it.
    on_failure: Option<OnUnhandled>,
}

/// What an unhandled failure does to branches that do not depend on it.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnUnhandled {
    /// They go on.
    Continue,
    /// They are cancelled.
    Stop,
}

/// How many runs may be under way at once: the settings, or the number alone.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Concurrency {
    /// Slots.
    Max(#[schemars(range(min = 1))] u32),
    /// Slots, and who shares them.
    Settings(ConcurrencySettings),
}

/// Slots for runs, and who shares them.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConcurrencySettings {
    /// Slots per key.
    #[schemars(range(min = 1))]
    max: u32,
    /// Runs with the same value of this share slots; without it all runs of the flow do.
    key: Option<Any>,
    /// What becomes of a run for which there is no slot.
    when_full: Option<WhenFull>,
}

/// What becomes of a run for which there is no slot.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WhenFull {
    /// It waits for one.
    Queue,
    /// It ends at once as cancelled.
    Skip,
    /// Its start is an error.
    Reject,
    /// The oldest run with a slot is cancelled for it.
    CancelRunning,
}
