//! Why a command ended without doing what it was asked, and the exit code that says so.
//!
//! **Invariant:** 1: the run failed, or a check found something; 2: bad input or usage, nothing was started; 3: the
//! store cannot be reached or used; 130: interrupted, the run stays resumable. Nothing else.

use console::style;
use drawloom_runtime::Error;
use drawloom_store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::output;

/// The run failed or was cancelled, or a check found something.
pub(crate) const FAILED: u8 = 1;
/// The input or the way of asking is wrong.
pub(crate) const USAGE: u8 = 2;
/// The store cannot be reached or used.
pub(crate) const STORE: u8 = 3;
/// Somebody interrupted the command.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    code: u8,
    what: What,
}

#[derive(Debug, Serialize, Deserialize)]
enum What {
    /// Something to say, under a stable name where it has one, and what to do about it.
    Message { name: Option<String>, message: String, help: Option<String> },
    /// Problems of documents, for people and for machines.
    Diagnostics { text: String, json: Json },
}

impl Failure {
    fn new(code: u8, message: String) -> Self {
        Self { code, what: What::Message { name: None, message, help: None } }
    }

    /// Bad input or usage.
    #[expect(clippy::needless_pass_by_value, reason = "errors are handed over by `map_err`")]
    pub(crate) fn usage(message: impl ToString) -> Self {
        Self::new(USAGE, message.to_string())
    }

    /// The program is wrong.
    pub(crate) fn bug(what: &str) -> Self {
        Self::new(STORE, format!("drawloom has a bug: {what}"))
    }

    /// Somebody interrupted the command twice, and the store did not say how the runs stand.
    pub(crate) fn interrupted() -> Self {
        Self::new(INTERRUPTED, "interrupted, and the store does not answer".to_owned())
            .help("`drawloom resume` goes on where the runs were")
    }

    /// A check found something.
    pub(crate) fn found(message: String) -> Self {
        Self::new(FAILED, message)
    }

    /// The store cannot be reached or used.
    #[expect(clippy::needless_pass_by_value, reason = "errors are handed over by `map_err`")]
    pub(crate) fn store(message: impl ToString) -> Self {
        Self::new(STORE, message.to_string())
    }

    /// Problems of documents.
    pub(crate) fn diagnostics(text: String, json: Json) -> Self {
        Self { code: USAGE, what: What::Diagnostics { text, json } }
    }

    /// The failure with advice.
    #[must_use]
    pub(crate) fn help(mut self, advice: impl Into<String>) -> Self {
        if let What::Message { help, .. } = &mut self.what {
            *help = Some(advice.into());
        }
        self
    }

    /// The failure, in other words.
    #[must_use]
    pub(crate) fn reworded(mut self, words: String) -> Self {
        if let What::Message { message, .. } = &mut self.what {
            *message = words;
        }
        self
    }

    /// The failure under a stable name.
    #[must_use]
    pub(crate) fn named(mut self, known: &'static str) -> Self {
        if let What::Message { name, .. } = &mut self.what {
            *name = Some(known.to_owned());
        }
        self
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// The stable name, where it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.what {
            What::Message { name, .. } => name.as_deref(),
            What::Diagnostics { .. } => None,
        }
    }

    /// What happened, in words.
    pub(crate) fn message(&self) -> &str {
        match &self.what {
            What::Message { message, .. } => message,
            What::Diagnostics { text, .. } => text.trim_end(),
        }
    }

    /// What to tell machines.
    pub(crate) fn json(&self) -> Json {
        match &self.what {
            What::Message { name, message, help } => {
                json!({ "error": { "code": name, "message": message, "help": help } })
            }
            What::Diagnostics { json, .. } => json.clone(),
        }
    }

    /// Tells people.
    pub(crate) fn say(&self) {
        match &self.what {
            What::Message { name, message, help } => {
                let name = name.as_deref().map(|it| format!("[{it}]")).unwrap_or_default();
                let title = style(format!("error{name}")).red().bold().for_stderr();
                output::note(&format!("{title}: {message}"));
                if let Some(help) = help {
                    output::note(&format!("  {}: {help}", style("help").cyan().for_stderr()));
                }
            }
            What::Diagnostics { text, .. } => output::note(text.trim_end()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Missing(_) | StoreError::Unended { .. } | StoreError::KeyTaken { .. } => USAGE,
            _ => STORE,
        };
        Self::new(code, error.to_string()).named(error.code()).help(error.remedy())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Store(error) => return error.into(),
            Error::Stopped(_)
            | Error::Closed
            | Error::Damaged { .. }
            | Error::Key(_)
            | Error::Vault { .. }
            | Error::NoChance(_) => STORE,
            _ => USAGE,
        };
        Self::new(code, error.to_string()).named(error.code()).help(error.remedy())
    }
}
