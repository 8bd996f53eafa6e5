//! What a conversion has to say about itself.

use std::fmt;

use serde::Serialize;

use crate::Code;

/// How much of the meaning a conversion kept at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// All of it, but it looks different: a new name, another place.
    Info,
    /// Most of it: it may behave differently in corner cases that the message names.
    Approximated,
    /// Nothing: this has to be written anew.
    Lost,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Approximated => "approximated",
            Self::Lost => "lost",
        })
    }
}

/// One remark about one place of the document that was converted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The place: `nodes[2].params.url`.
    pub path: String,
    /// What became of it.
    pub message: String,
    /// How much was kept.
    pub severity: Severity,
    /// Which problem that is.
    pub code: Code,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}: {}", self.severity, self.code, self.path, self.message)
    }
}

/// The remarks so far; the same remark about the same place is kept once.
#[derive(Debug, Default)]
pub(super) struct Report {
    notes: Vec<Note>,
}

impl Report {
    pub(super) fn info(&mut self, path: &str, message: impl Into<String>) {
        self.add(Code::ForeignRenamed, path, message.into(), Severity::Info);
    }

    pub(super) fn approximated(&mut self, path: &str, message: impl Into<String>) {
        self.changed(Code::ForeignApproximated, path, message);
    }

    pub(super) fn lost(&mut self, path: &str, message: impl Into<String>) {
        self.fault(Code::ForeignNotMapped, path, message);
    }

    /// The same, because of a fault of the document that has a code of its own.
    pub(super) fn changed(&mut self, code: Code, path: &str, message: impl Into<String>) {
        self.add(code, path, message.into(), Severity::Approximated);
    }

    /// Something is lost because of a fault of the document that has a code of its own.
    pub(super) fn fault(&mut self, code: Code, path: &str, message: impl Into<String>) {
        self.add(code, path, message.into(), Severity::Lost);
    }

    fn add(&mut self, code: Code, path: &str, message: String, severity: Severity) {
        let note = Note { path: path.to_owned(), message, severity, code };
        if self.notes.last() != Some(&note) {
            self.notes.push(note);
        }
    }

    pub(super) fn into_notes(self) -> Vec<Note> {
        self.notes
    }
}
