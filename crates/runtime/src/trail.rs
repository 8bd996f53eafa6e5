//! Where frames stand in their run, so that facts can be told with the paths of their steps.
//!
//! **Invariant:** a trail is a reading of committed facts alone, in their order; it is not the run, which may be
//! some commits ahead.

use std::sync::Arc;

use drawloom_blueprint::{
    Blueprint, FrameRef, Move, Op, OpenedAs, RunStatus, ScopeIx, StepError, StepIx, Timestamp, WaitFor,
};
use drawloom_engine::Status;

use crate::What;

/// The frames of a run.
pub(crate) struct Trail {
    blueprint: Arc<Blueprint>,
    flow: Arc<str>,
    /// By place; a place that is used again is written again. The root has none.
    frames: Vec<Option<Entered>>,
}

#[derive(Clone, Copy)]
struct Entered {
    around: FrameRef,
    owner: StepIx,
    scope: ScopeIx,
    index: u64,
}

impl Trail {
    pub(crate) fn new(blueprint: Arc<Blueprint>) -> Self {
        let flow = blueprint.flow.as_str().into();
        Self { blueprint, flow, frames: Vec::new() }
    }

    /// Notes where a move leads.
    pub(crate) fn follow(&mut self, it: &Move) {
        match it {
            Move::Entered { frame, step, scope, index, slot } => {
                self.note(*slot, Entered { around: *frame, owner: *step, scope: *scope, index: *index });
            }
            Move::Compensating { frame, step, slot } => {
                let scope = match self.blueprint.steps.get(step.ix()).map(|it| &it.op) {
                    Some(Op::Task(task)) => task.compensate.unwrap_or(Blueprint::ROOT),
                    _ => Blueprint::ROOT,
                };
                self.note(*slot, Entered { around: *frame, owner: *step, scope, index: 0 });
            }
            _ => {}
        }
    }

    fn note(&mut self, slot: FrameRef, entered: Entered) {
        let at = slot as usize;
        if self.frames.len() <= at {
            self.frames.resize(at + 1, None);
        }
        self.frames[at] = Some(entered);
    }

    /// The place of a step for people, as the engine writes it.
    fn path(&self, frame: FrameRef, step: StepIx) -> String {
        let mut parts = vec![self.blueprint.step(step).id.clone()];
        let mut at = frame;
        while let Some(Some(it)) = self.frames.get(at as usize) {
            let owner = self.blueprint.step(it.owner);
            parts.push(match &owner.op {
                Op::ForEach(_) | Op::Loop(_) => format!("{}[{}]", owner.id, it.index),
                _ => format!("{}.{}", owner.id, self.blueprint.scope(it.scope).name),
            });
            at = it.around;
        }
        parts.reverse();
        parts.join(".")
    }

    /// What a move means to those who listen.
    pub(crate) fn tell(&self, it: &Move) -> Option<What> {
        Some(match it {
            Move::Started(it) => {
                let parent = it.parent.as_ref().map(|it| it.run);
                What::Run { flow: Arc::clone(&self.flow), status: RunStatus::Queued, error: None, parent }
            }
            Move::Admitted | Move::Resumed => self.run(RunStatus::Running, None),
            Move::Paused => self.run(RunStatus::Paused, None),
            Move::Ended(end) => self.run(end.status, end.error.clone()),
            Move::Ready(frame, step) => self.step(*frame, *step, Status::Ready),
            Move::Dispatched(frame, step, attempt) => self.dispatched(*frame, *step, *attempt),
            Move::Opened(frame, step, it) => {
                let due = match &it.what {
                    OpenedAs::Wait(WaitFor::Until(at)) => Some(*at),
                    _ => it.deadline,
                };
                let mut what = self.detailed((*frame, *step), Status::Waiting, due, None);
                if let (What::Step { child, .. }, OpenedAs::Flow { run, .. }) = (&mut what, &it.what) {
                    *child = Some(*run);
                }
                what
            }
            Move::Resting(frame, step, due) => self.detailed((*frame, *step), Status::Waiting, Some(*due), None),
            Move::Succeeded(frame, step, _) | Move::Adopted(frame, step, _) | Move::Closed(frame, step) => {
                self.step(*frame, *step, Status::Succeeded)
            }
            Move::Failed(frame, step, error) => {
                self.detailed((*frame, *step), Status::Failed, None, Some((**error).clone()))
            }
            Move::Retrying { frame, step, error, due, .. } => {
                self.detailed((*frame, *step), Status::Retrying, Some(*due), Some((**error).clone()))
            }
            Move::Skipped(frame, step, _) => self.step(*frame, *step, Status::Skipped),
            Move::UpstreamFailed(frame, step) => self.step(*frame, *step, Status::UpstreamFailed),
            Move::Cancelled(frame, step) => self.step(*frame, *step, Status::Cancelled),
            _ => return None,
        })
    }

    /// The message of a `log` step that a move tells of, with the place of the step.
    pub(crate) fn message<'a>(&self, it: &'a Move) -> Option<(String, &'a str)> {
        let Move::Succeeded(frame, step, output) = it else { return None };
        let is_log = matches!(&self.blueprint.step(*step).op, Op::Inline { kind, .. } if kind == "log");
        let text = output.as_str().filter(|_| is_log)?;
        Some((self.path(*frame, *step), text))
    }

    fn run(&self, status: RunStatus, error: Option<StepError>) -> What {
        What::Run { flow: Arc::clone(&self.flow), status, error, parent: None }
    }

    fn step(&self, frame: FrameRef, step: StepIx, status: Status) -> What {
        self.detailed((frame, step), status, None, None)
    }

    fn dispatched(&self, frame: FrameRef, step: StepIx, number: u32) -> What {
        let mut what = self.step(frame, step, Status::Running);
        if let What::Step { attempt, .. } = &mut what {
            *attempt = Some(number);
        }
        what
    }

    fn detailed(
        &self,
        (frame, step): (FrameRef, StepIx),
        status: Status,
        due: Option<Timestamp>,
        error: Option<StepError>,
    ) -> What {
        let id = self.blueprint.step(step).id.as_str().into();
        What::Step { id, path: self.path(frame, step).into(), status, attempt: None, due, error, child: None }
    }
}
