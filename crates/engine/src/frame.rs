//! Frames: the instances of scopes that a run has open, and the steps in them.
//!
//! **Invariant:** a frame lives from its entry until it is left, and longer only while a compensation may still
//! need its values; places in the slab are used again, serial numbers never.

use drawloom_blueprint::{FrameRef, Scope, ScopeIx, StepError, StopReason, Timestamp, Value};

use crate::{block::Block, effect::Place};

/// The state of a step in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Its needs have not let it go yet.
    #[default]
    Pending,
    /// It may go and waits for room.
    Ready,
    /// An attempt is under way.
    Running,
    /// The same, and it was asked to stop.
    Aborting,
    /// The next attempt waits for its time.
    Retrying,
    /// It waits for what is inside it, a time, a signal or a sub-flow.
    Waiting,
    /// It ended well.
    Succeeded,
    /// It failed for good.
    Failed,
    /// It was not wanted.
    Skipped,
    /// A need of it failed.
    UpstreamFailed,
    /// It was stopped.
    Cancelled,
}

impl Status {
    /// Whether the step has ended.
    #[must_use]
    pub fn is_end(self) -> bool {
        self >= Self::Succeeded
    }

    /// The name in JSON and listings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Running | Self::Aborting => "running",
            Self::Retrying => "retrying",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::UpstreamFailed => "upstream_failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How the needs of a step have ended so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) succeeded: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
    pub(crate) upstream_failed: u32,
}

/// A step in a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StepState {
    pub(crate) status: Status,
    pub(crate) attempt: u32,
    pub(crate) lost: u32,
    pub(crate) tally: Tally,
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    /// When the next attempt may start, or the wait or rest is over.
    pub(crate) due: Option<Timestamp>,
    pub(crate) output: Option<Value>,
    pub(crate) error: Option<Box<StepError>>,
    pub(crate) block: Option<Box<Block>>,
}

/// An instance of a scope.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) scope: ScopeIx,
    pub(crate) serial: u64,
    /// The block that it belongs to; none for the root.
    pub(crate) owner: Option<Place>,
    /// The number of the item, iteration or branch.
    pub(crate) index: u64,
    pub(crate) steps: Vec<StepState>,
    /// Steps that have not ended.
    pub(crate) open: u32,
    /// The first failure in it that nothing handled.
    pub(crate) failure: Option<Box<StepError>>,
    pub(crate) stopping: Option<StopReason>,
    /// Whether it, and what is inside it, runs although what is around it is being stopped: `finally` and
    /// `compensate` do. What stops a part of what is inside it stops that part all the same.
    pub(crate) shielded: bool,
    /// Compensations that may need its values.
    pub(crate) pins: u32,
    /// Whether it was left and stays for its values alone.
    pub(crate) left: bool,
    /// The value of the variable that its block gives it, where it was left and its block may have ended: the item,
    /// `last` or `error`.
    pub(crate) given: Option<Value>,
    /// The frame whose end waits for it, where it undoes a step.
    pub(crate) undoes_for: Option<FrameRef>,
}

/// A place for a frame.
#[derive(Clone, Debug, PartialEq)]
enum Slot {
    Taken(Frame),
    /// The empty list of steps of the frame that was there, so that the next one need not make another.
    Free(Vec<StepState>),
}

/// All frames of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Frames {
    slots: Vec<Slot>,
    free: Vec<FrameRef>,
    serial: u64,
}

impl Frames {
    pub(crate) fn get(&self, at: FrameRef) -> Option<&Frame> {
        match self.slots.get(at as usize)? {
            Slot::Taken(frame) => Some(frame),
            Slot::Free(_) => None,
        }
    }

    pub(crate) fn get_mut(&mut self, at: FrameRef) -> Option<&mut Frame> {
        match self.slots.get_mut(at as usize)? {
            Slot::Taken(frame) => Some(frame),
            Slot::Free(_) => None,
        }
    }

    /// The place that the next frame will have.
    pub(crate) fn next_slot(&self) -> FrameRef {
        self.free.last().copied().unwrap_or_else(|| FrameRef::try_from(self.slots.len()).unwrap_or(FrameRef::MAX))
    }

    pub(crate) fn enter(&mut self, scope: ScopeIx, shape: &Scope, owner: Option<Place>, index: u64) -> FrameRef {
        let slot = self.next_slot();
        self.serial += 1;
        let mut steps = match self.slots.get_mut(slot as usize) {
            Some(Slot::Free(steps)) => std::mem::take(steps),
            _ => Vec::new(),
        };
        steps.resize_with(shape.len as usize, StepState::default);
        let frame = Frame {
            scope,
            serial: self.serial,
            owner,
            index,
            steps,
            open: shape.len,
            failure: None,
            stopping: None,
            shielded: false,
            pins: 0,
            left: false,
            given: None,
            undoes_for: None,
        };
        if self.free.pop().is_some() {
            self.slots[slot as usize] = Slot::Taken(frame);
        } else {
            self.slots.push(Slot::Taken(frame));
        }
        slot
    }

    pub(crate) fn leave(&mut self, at: FrameRef) {
        if let Some(slot) = self.slots.get_mut(at as usize)
            && let Slot::Taken(frame) = slot
        {
            let mut steps = std::mem::take(&mut frame.steps);
            steps.clear();
            *slot = Slot::Free(steps);
            self.free.push(at);
        }
    }

    /// All frames with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (FrameRef, &Frame)> {
        self.slots.iter().zip(0..).filter_map(|(slot, at)| match slot {
            Slot::Taken(frame) => Some((at, frame)),
            Slot::Free(_) => None,
        })
    }

    /// Whether `at` is `root` or somewhere inside it.
    pub(crate) fn is_within(&self, at: FrameRef, root: FrameRef) -> bool {
        self.ancestry(at).any(|it| it == root)
    }

    /// Whether what stops `root` stops `at` too: it is inside, and nothing shields it on the way.
    pub(crate) fn is_exposed(&self, at: FrameRef, root: FrameRef) -> bool {
        let mut way = self.ancestry(at);
        way.find(|it| *it == root || self.get(*it).is_none_or(|it| it.shielded)) == Some(root)
    }

    /// `at` and the frames around it, innermost first.
    pub(crate) fn ancestry(&self, at: FrameRef) -> impl Iterator<Item = FrameRef> {
        std::iter::successors(Some(at), |at| self.get(*at)?.owner.map(|it| it.frame))
    }
}
