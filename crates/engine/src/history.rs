//! A run as its journal tells it: every step that ever was, with its times, also in frames that are gone.
//!
//! **Invariant:** a reading of the facts and nothing else.

use std::{collections::BTreeMap, sync::Arc};

use drawloom_blueprint::{Blueprint, Fact, FrameRef, Move, RunEnd, RunId, StepError, StepIx, Timestamp, Value};
use serde::Serialize;

use crate::{ApplyError, Run, Status, effect::Place, frame::StepState, run::InlineKinds};

/// So many items of each map are listed; the others are counted by state.
pub const ITEMS_LISTED_MAX: u64 = 1_000;

/// A run that is read fact by fact.
pub struct History {
    run: Run,
    steps: Vec<StepView>,
    /// Where the steps of each open frame stand in the list; none for frames that are only counted.
    frames: BTreeMap<FrameRef, Option<usize>>,
    counted: BTreeMap<String, BTreeMap<&'static str, u64>>,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepView {
    /// Its id in the flow.
    pub id: String,
    /// Its place in the run: `enrich[17].score`.
    pub path: String,
    /// What it does: a kind, or the form of a block.
    pub does: String,
    /// Its state.
    pub status: &'static str,
    /// Attempts so far; 0 for steps that are not tasks.
    pub attempts: u32,
    /// When it first began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it did not succeed.
    pub error: Option<StepError>,
    /// What it returned.
    #[serde(skip)]
    pub output: Option<Value>,
}

impl History {
    /// The history of a run of `blueprint` to which nothing has happened yet.
    #[must_use]
    pub fn new(blueprint: Arc<Blueprint>, inline: InlineKinds) -> Self {
        let run = Run::new(blueprint, inline);
        Self { run, steps: Vec::new(), frames: BTreeMap::new(), counted: BTreeMap::new() }
    }

    /// Reads the next fact.
    ///
    /// # Errors
    /// Where the fact does not fit what came before it.
    pub fn apply(&mut self, at: Timestamp, fact: &Fact) -> Result<(), ApplyError> {
        for it in &fact.moves {
            if let Move::Left(frame) = it {
                self.forget(*frame);
            }
            self.run.make(at, it)?;
            self.note(it);
        }
        self.run.todo.clear();
        Ok(())
    }

    /// The run as it is after the facts so far.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Its steps, in the order in which their frames were entered, each frame's in order of writing.
    #[must_use]
    pub fn steps(&self) -> &[StepView] {
        &self.steps
    }

    /// How many steps of unlisted items there are, by the step's id and state.
    #[must_use]
    pub fn counted(&self) -> &BTreeMap<String, BTreeMap<&'static str, u64>> {
        &self.counted
    }

    /// The run's id, and how it ended if it has.
    #[must_use]
    pub fn end(&self) -> (RunId, Option<&RunEnd>) {
        (self.run.id(), self.run.end())
    }

    fn note(&mut self, it: &Move) {
        match it {
            Move::Started(_) => self.list(0),
            Move::Entered { slot, index, .. } if *index >= ITEMS_LISTED_MAX => {
                self.frames.insert(*slot, None);
            }
            Move::Entered { slot, frame, .. } if self.frames.get(frame) == Some(&None) => {
                self.frames.insert(*slot, None);
            }
            Move::Entered { slot, .. } | Move::Compensating { slot, .. } => self.list(*slot),
            Move::Ready(frame, step)
            | Move::Dispatched(frame, step, _)
            | Move::Opened(frame, step, _)
            | Move::Succeeded(frame, step, _)
            | Move::Closed(frame, step)
            | Move::Adopted(frame, step, _)
            | Move::Failed(frame, step, _)
            | Move::Skipped(frame, step, _)
            | Move::UpstreamFailed(frame, step)
            | Move::Cancelled(frame, step)
            | Move::Retrying { frame, step, .. }
            | Move::Aborting(frame, step) => self.update(*frame, *step),
            _ => {}
        }
    }

    fn list(&mut self, frame: FrameRef) {
        let Some(scope) = self.run.frame(frame).map(|it| it.scope) else { return };
        self.frames.insert(frame, Some(self.steps.len()));
        for step in self.run.blueprint.steps_of(scope) {
            let it = self.run.blueprint.step(step);
            self.steps.push(StepView {
                id: it.id.clone(),
                path: self.run.path(frame, step),
                does: it.op.name().to_owned(),
                status: Status::Pending.name(),
                attempts: 0,
                started_at: None,
                ended_at: None,
                error: None,
                output: None,
            });
        }
    }

    fn update(&mut self, frame: FrameRef, step: StepIx) {
        let Some(state) = self.run.step(Place { frame, step }) else { return };
        match self.frames.get(&frame) {
            Some(Some(first)) => {
                let at = first + self.run.local(step);
                if let Some(view) = self.steps.get_mut(at) {
                    fill(view, state);
                }
            }
            Some(None) if state.status.is_end() => {
                let id = self.run.blueprint.step(step).id.clone();
                *self.counted.entry(id).or_default().entry(state.status.name()).or_default() += 1;
            }
            _ => {}
        }
    }

    fn forget(&mut self, frame: FrameRef) {
        self.frames.remove(&frame);
    }
}

fn fill(view: &mut StepView, state: &StepState) {
    view.status = state.status.name();
    view.attempts = state.attempt;
    view.started_at = state.started.or(state.ended);
    view.ended_at = state.ended;
    view.error = state.error.as_deref().cloned();
    view.output.clone_from(&state.output);
}
