//! What a run asks the world to do, once the facts behind it are durable.

use drawloom_blueprint::{Fact, FlowHash, FrameRef, Parent, RunEnd, RunId, StepIx, Value};

use crate::AttemptId;

/// What follows from an input.
#[derive(Debug, Default)]
pub struct Decision {
    /// What happened, if anything did, to be appended to the journal. The run has applied it already.
    pub fact: Option<Fact>,
    /// What to do once it is durable.
    pub effects: Vec<Effect>,
    /// Whether the input was late or repeated and changed nothing.
    pub dropped: bool,
}

/// Something the world is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Hand out an attempt. [`Run::resolve`](crate::Run::resolve) gives its parameters.
    Dispatch(Dispatch),
    /// Ask a running attempt to stop; its result is still awaited.
    Abort(AttemptId),
    /// Stop waiting for a running attempt; kill it.
    Kill(AttemptId),
    /// Start the run of a sub-flow, unless it exists.
    StartChild(Box<ChildStart>),
    /// Cancel the run of a sub-flow.
    CancelChild(RunId),
    /// The run ended: tell its parent and whoever waits for it, and free its slot.
    Ended(Box<RunEnd>),
    /// There is more to do at once: send [`Input::Continue`](crate::Input::Continue) when others had their turn.
    Continue,
}

/// An attempt to hand out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// Which one.
    pub attempt: AttemptId,
    /// The queue whose workers take it.
    pub queue: Option<String>,
    /// Higher goes first within the flow.
    pub priority: i32,
}

/// The start of a sub-flow's run.
#[derive(Clone, Debug, PartialEq)]
pub struct ChildStart {
    /// The id it must have, so that a repeated start finds it.
    pub run: RunId,
    /// The flow's name.
    pub flow: String,
    /// The published number; none: the newest.
    pub version: Option<u32>,
    /// The version itself, where it is known.
    pub hash: Option<FlowHash>,
    /// Its inputs, not yet checked.
    pub inputs: Value,
    /// Who waits for it.
    pub parent: Parent,
    /// How many flows are above it.
    pub depth: u32,
    /// The seed of its chance.
    pub seed: u64,
}

/// Which step of which frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) frame: FrameRef,
    pub(crate) step: StepIx,
}
