//! What a block in progress knows of what is inside it.

use std::sync::Arc;

use drawloom_blueprint::{RunId, StepError, Timestamp, Value, WaitFor};

/// How many errors of the items of a map are kept with the step.
pub(crate) const ITEM_ERRORS_MAX: usize = 100;

/// A block in progress.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    pub(crate) what: Inside,
    /// When its time is up.
    pub(crate) deadline: Option<Timestamp>,
    /// Whether its time was up, so that it fails once what is inside has stopped.
    pub(crate) timed_out: bool,
    /// Frames inside it that have not been left.
    pub(crate) open: u32,
}

/// The particulars by form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Inside {
    Parallel { ends: Vec<Option<FrameEnd>> },
    Arm { end: Option<FrameEnd> },
    ForEach(Items),
    Loop { max: u64, iterations: u64, last: Option<Value>, end: Option<FrameEnd> },
    Flow { run: RunId, inputs: Value },
    Wait(WaitFor),
    Try(Rescue),
}

/// A map in progress.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Items {
    pub(crate) items: Arc<[Value]>,
    /// The first item that has not been entered.
    pub(crate) next: u64,
    pub(crate) concurrency: Option<u32>,
    /// In input order, null where there is none yet.
    pub(crate) outputs: Vec<Value>,
    pub(crate) failed: u64,
    pub(crate) errors: Vec<(u64, StepError)>,
    pub(crate) stopped: bool,
}

/// A try in progress.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rescue {
    pub(crate) phase: Phase,
    /// How the body ended, or the catch that stood in for it.
    pub(crate) end: Option<FrameEnd>,
    /// What `error` is in the catch.
    pub(crate) error: Option<StepError>,
}

/// Where a try is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Body,
    Catch,
    Finally,
}

/// How a frame ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FrameEnd {
    Succeeded(Value),
    Failed(StepError),
    Stopped,
}

impl Block {
    /// Records the end of a frame inside. It decides nothing.
    pub(crate) fn frame_left(&mut self, index: u64, end: FrameEnd) {
        self.open = self.open.saturating_sub(1);
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        match &mut self.what {
            Inside::Parallel { ends } => {
                if let Some(slot) = ends.get_mut(at) {
                    *slot = Some(end);
                }
            }
            Inside::Arm { end: slot } => *slot = Some(end),
            Inside::ForEach(it) => it.item_left(index, end),
            Inside::Loop { last, end: slot, .. } => {
                if let FrameEnd::Succeeded(value) = &end {
                    *last = Some(value.clone());
                }
                *slot = Some(end);
            }
            Inside::Try(it) => it.frame_left(end),
            Inside::Flow { .. } | Inside::Wait(_) => {}
        }
    }
}

impl Items {
    fn item_left(&mut self, index: u64, end: FrameEnd) {
        match end {
            FrameEnd::Succeeded(value) => {
                let at = usize::try_from(index).unwrap_or(usize::MAX);
                if self.outputs.len() <= at && at < self.items.len() {
                    self.outputs.resize(at + 1, Value::Null);
                }
                if let Some(slot) = self.outputs.get_mut(at) {
                    *slot = value;
                }
            }
            FrameEnd::Failed(error) => {
                self.failed += 1;
                if self.errors.len() < ITEM_ERRORS_MAX {
                    self.errors.push((index, error));
                }
            }
            FrameEnd::Stopped => self.stopped = true,
        }
    }
}

impl Rescue {
    fn frame_left(&mut self, end: FrameEnd) {
        match self.phase {
            Phase::Body => {
                if let FrameEnd::Failed(error) = &end {
                    self.error = Some(error.clone());
                }
                self.end = Some(end);
            }
            Phase::Catch => self.end = Some(end),
            // A `finally` that failed outweighs how the rest ended; one that went well changes nothing.
            Phase::Finally => {
                if !matches!(end, FrameEnd::Succeeded(_)) {
                    self.end = Some(end);
                }
            }
        }
    }
}
