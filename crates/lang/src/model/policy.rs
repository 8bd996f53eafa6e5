//! Policies of task steps: how often, how long, how urgent.

use std::time::Duration;

use drawloom_blueprint::ErrorClass;

use crate::{Node, Span, Spanned};

/// Policies of every task step that does not state its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// The longest that one attempt may take.
    pub timeout: Option<Spanned<Duration>>,
    /// How failed attempts are tried again.
    pub retry: Option<Retry>,
    /// Whether and how long results serve others.
    pub cache: Option<Cache>,
    /// The queue whose workers take the tasks.
    pub queue: Option<Spanned<String>>,
    /// Higher goes first.
    pub priority: Option<Spanned<i32>>,
}

/// How failed attempts are tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Where it stands.
    pub span: Span,
    /// Tries in all; three where a `retry` does not say.
    pub attempts: Option<Spanned<u32>>,
    /// The wait before the second try.
    pub delay: Option<Spanned<Duration>>,
    /// By what each further wait is longer.
    pub backoff: Option<Spanned<f64>>,
    /// The longest wait.
    pub max_delay: Option<Spanned<Duration>>,
    /// The part of a wait that chance may add or take.
    pub jitter: Option<Spanned<f64>>,
    /// The classes that are tried again.
    pub on: Option<Vec<Spanned<ErrorClass>>>,
}

/// How many tries a `retry` means that does not say.
const ATTEMPTS: u32 = 3;

impl Retry {
    /// The policy, with the values that it does not state filled in.
    #[must_use]
    pub fn policy(&self) -> drawloom_blueprint::Retry {
        let plain = drawloom_blueprint::Retry::default();
        drawloom_blueprint::Retry {
            attempts: self.attempts.map_or(ATTEMPTS, |it| it.value),
            delay: self.delay.map_or(plain.delay, |it| it.value),
            backoff: self.backoff.map_or(plain.backoff, |it| it.value),
            max_delay: self.max_delay.map_or(plain.max_delay, |it| it.value),
            jitter: self.jitter.map_or(plain.jitter, |it| it.value),
            on: self.on.iter().flatten().map(|it| it.value).collect(),
        }
    }
}

/// Whether and how long a result serves others.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache {
    /// Where it stands.
    pub span: Span,
    /// How long, from the success on.
    pub ttl: Spanned<Duration>,
    /// The key, instead of the resolved `with`.
    pub key: Option<Node>,
}
