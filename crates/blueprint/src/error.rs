//! Why a step or run did not succeed.

use std::fmt;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// The class of an error, which decides whether it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum ErrorClass {
    /// The task itself is wrong (a bad input, an undefined name); trying again cannot help.
    #[n(0)]
    Invalid,
    /// The work ran and failed.
    #[n(1)]
    Failed,
    /// The deadline passed.
    #[n(2)]
    Timeout,
    /// What the work needs cannot be reached just now.
    #[n(3)]
    Unavailable,
    /// Somebody stopped it.
    #[n(4)]
    Cancelled,
    /// The worker vanished.
    #[n(5)]
    Lost,
}

impl ErrorClass {
    /// Every class, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Invalid, Self::Failed, Self::Timeout, Self::Unavailable, Self::Cancelled, Self::Lost];

    /// The name in flows and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error as the journal keeps it and as `error` shows it in a `catch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[cbor(array)]
pub struct StepError {
    /// What kind of error it is.
    #[n(0)]
    pub class: ErrorClass,
    /// A short, stable name a kind may add, such as `http_status` or `exit_code`.
    #[n(1)]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// What happened, for people.
    #[n(2)]
    pub message: String,
    /// The step that failed first, where this error was passed on from inside a block.
    #[n(3)]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step: Option<String>,
    /// The earliest instant, in milliseconds from now, at which trying again makes sense (`Retry-After`).
    #[n(4)]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_ms: Option<u64>,
}

impl StepError {
    /// An error of `class` that says `message`.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, code: None, message: message.into(), step: None, retry_after_ms: None }
    }

    /// An error that trying again cannot mend.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Invalid, message)
    }

    /// The error with a stable code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.message)
    }
}
