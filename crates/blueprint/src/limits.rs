//! Policies a flow states about its runs and attempts.

use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::{ErrorClass, ExprIx};

/// How an attempt that failed is tried again.
///
/// The delay before attempt `n + 1` is `min(max_delay, delay * backoff^(n-1))`, then moved by up to
/// `jitter` of itself either way.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Retry {
    /// Tries in all, the first included; 1 means no second try.
    #[n(0)]
    pub attempts: u32,
    /// The wait before the second try.
    #[n(1)]
    pub delay: Duration,
    /// By what each further wait is longer.
    #[n(2)]
    pub backoff: f64,
    /// The longest wait.
    #[n(3)]
    pub max_delay: Duration,
    /// The part of a wait that chance may add or take, from 0 to 1.
    #[n(4)]
    pub jitter: f64,
    /// The classes that are tried again; empty means every class but `invalid` and `cancelled`.
    #[n(5)]
    pub on: Vec<ErrorClass>,
}

impl Default for Retry {
    /// One try. Where a flow asks for more and says no more, waits of 1 s, doubling, to at most 60 s.
    fn default() -> Self {
        Self {
            attempts: 1,
            delay: Duration::from_secs(1),
            backoff: 2.0,
            max_delay: Duration::from_secs(60),
            jitter: 0.1,
            on: Vec::new(),
        }
    }
}

/// How long the result of a task may serve later tasks with the same kind and resolved `with`.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Cache {
    /// From the success on.
    #[n(0)]
    pub ttl: Duration,
    /// The key, where the flow gives one instead of the resolved `with`.
    #[n(1)]
    pub key: Option<ExprIx>,
}

/// What becomes of a run for which there is no slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum OnFull {
    /// It waits for one.
    #[default]
    #[n(0)]
    Queue,
    /// It ends at once as cancelled, with the reason.
    #[n(1)]
    Skip,
    /// It is refused: the start is an error.
    #[n(2)]
    Reject,
    /// The oldest run that holds a slot is cancelled for it.
    #[n(3)]
    CancelRunning,
}

/// How many runs of a flow may be under way at once.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Concurrency {
    /// Slots per key.
    #[n(0)]
    pub max: u32,
    /// Runs with the same value of this share slots; without it all runs of the flow do.
    #[n(1)]
    pub key: Option<ExprIx>,
    /// What happens when all slots are held.
    #[n(2)]
    pub when_full: OnFull,
}

/// The limits of each run of a flow.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Limits {
    /// Task attempts under way at once in one run; none: as many as there are executors.
    #[n(0)]
    pub parallel_steps: Option<u32>,
    /// The longest a run may take from when it has a slot of its flow; then it is cancelled and has failed with `timeout`.
    #[n(1)]
    pub timeout: Option<Duration>,
    /// Runs at once.
    #[n(2)]
    pub concurrency: Option<Concurrency>,
    /// Whether an unhandled failure cancels the branches that do not depend on it (`on_failure: stop`).
    #[n(3)]
    pub stop_on_failure: bool,
}
