//! What has happened so far: every step that was evaluated, in the order of evaluation.
//!
//! **Invariant:** the log is the only thing that evaluation changes, so that taking an evaluation back is cutting
//! off the log.

use drawloom_blueprint::{RunStatus, StepError, Value};
use drawloom_lang::model::Step;

use super::{At, State, eval::Scope};

/// A step that has ended.
#[derive(Clone)]
pub(super) struct Done<'a> {
    pub(super) path: String,
    /// When its needs let it go, or it was clear that they would not.
    pub(super) start: At,
    pub(super) end: At,
    pub(super) state: State,
    pub(super) output: Option<Value>,
    pub(super) error: Option<StepError>,
    /// Where in the log what it needs stands, the steps inside these included.
    pub(super) after: Vec<usize>,
    /// Where in the log the steps inside it begin.
    pub(super) inside: usize,
    /// How it ends the run, where it does.
    pub(super) ends: Option<(RunStatus, Option<StepError>)>,
    /// What undoes it, where that is evaluated, and whether failures are handled there.
    pub(super) undo: Option<(&'a [Step], Scope, bool)>,
    /// Whether it was undone.
    pub(super) undone: bool,
    /// The signal that it took.
    pub(super) took: Option<String>,
}

impl Done<'_> {
    /// Whether something happened to it at that instant.
    pub(super) fn touches(&self, at: At) -> bool {
        self.start == at || self.end == at
    }
}
