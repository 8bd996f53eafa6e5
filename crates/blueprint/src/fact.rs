//! Facts: what happened in a run, in the order in which it happened.
//!
//! **Invariant:** a fact states a result and everything that was decided by chance, clock or expression on the
//! way to it. Whoever applies facts decides nothing. Variants and fields are numbered and never renumbered.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::{FlowHash, RunId, ScopeIx, StepError, StepIx, Timestamp, Value};

/// One journal record of a run: transitions that became true together.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Fact {
    /// The transitions, in order.
    #[n(0)]
    pub moves: Vec<Move>,
}

/// A place in the slab of frames of a run. Places are used again; a frame's `serial` is not.
pub type FrameRef = u32;

/// One transition.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Move {
    /// The run exists.
    #[n(0)]
    Started(#[n(0)] Box<Started>),
    /// It got its slot and may go.
    #[n(1)]
    Admitted,
    /// A scope was entered: the frame `slot` holds it.
    #[n(2)]
    Entered {
        /// The frame of the block.
        #[n(0)]
        frame: FrameRef,
        /// The block.
        #[n(1)]
        step: StepIx,
        /// The scope.
        #[n(2)]
        scope: ScopeIx,
        /// The number of the item, iteration or branch.
        #[n(3)]
        index: u64,
        /// The place of the new frame.
        #[n(4)]
        slot: FrameRef,
    },
    /// The needs of a task step let it run, and it waits for room.
    #[n(3)]
    Ready(#[n(0)] FrameRef, #[n(1)] StepIx),
    /// An attempt was handed out.
    #[n(4)]
    Dispatched(#[n(0)] FrameRef, #[n(1)] StepIx, #[n(2)] u32),
    /// A block began, with what it will do.
    #[n(5)]
    Opened(#[n(0)] FrameRef, #[n(1)] StepIx, #[n(2)] Opened),
    /// The step succeeded.
    #[n(6)]
    Succeeded(#[n(0)] FrameRef, #[n(1)] StepIx, #[n(2)] Value),
    /// The step failed for good.
    #[n(7)]
    Failed(#[n(0)] FrameRef, #[n(1)] StepIx, #[n(2)] Box<StepError>),
    /// The step was not wanted.
    #[n(8)]
    Skipped(#[n(0)] FrameRef, #[n(1)] StepIx, #[n(2)] SkipReason),
    /// A need of the step failed.
    #[n(9)]
    UpstreamFailed(#[n(0)] FrameRef, #[n(1)] StepIx),
    /// The step was stopped, or never started because of a cancel.
    #[n(10)]
    Cancelled(#[n(0)] FrameRef, #[n(1)] StepIx),
    /// The attempt failed; the next one is due then.
    #[n(11)]
    Retrying {
        /// The frame.
        #[n(0)]
        frame: FrameRef,
        /// The step.
        #[n(1)]
        step: StepIx,
        /// Why the attempt failed.
        #[n(2)]
        error: Box<StepError>,
        /// When the next attempt may start.
        #[n(3)]
        due: Timestamp,
        /// Whether the worker vanished, which does not use up the user's attempts.
        #[n(4)]
        lost: bool,
    },
    /// A loop rests until then.
    #[n(12)]
    Resting(#[n(0)] FrameRef, #[n(1)] StepIx, #[n(2)] Timestamp),
    /// A frame ended and its place is free.
    #[n(13)]
    Left(#[n(0)] FrameRef),
    /// A running attempt, or a block whose time is up, was asked to stop.
    #[n(14)]
    Aborting(#[n(0)] FrameRef, #[n(1)] StepIx),
    /// A frame and all inside it is being stopped, for this reason.
    #[n(15)]
    Stopping(#[n(0)] FrameRef, #[n(1)] StopReason),
    /// A signal came before anything waited for it.
    #[n(16)]
    SignalKept(#[n(0)] String, #[n(1)] Value),
    /// A kept signal was taken by a step.
    #[n(17)]
    SignalTaken(#[n(0)] String),
    /// No new work until further notice.
    #[n(18)]
    Paused,
    /// Work goes on.
    #[n(19)]
    Resumed,
    /// The frame of a compensation was entered for the last registered one.
    #[n(20)]
    Compensating {
        /// The frame of the step that is undone.
        #[n(0)]
        frame: FrameRef,
        /// The step that is undone.
        #[n(1)]
        step: StepIx,
        /// The place of the new frame.
        #[n(2)]
        slot: FrameRef,
    },
    /// The run was asked to end, and how it will end once everything has stopped.
    #[n(21)]
    Ending(#[n(0)] RunStatus, #[n(1)] Option<Box<StepError>>, #[n(2)] Timestamp),
    /// The run ended.
    #[n(22)]
    Ended(#[n(0)] Box<RunEnd>),
    /// The success of a step was taken over from another run.
    #[n(23)]
    Adopted(#[n(0)] FrameRef, #[n(1)] StepIx, #[n(2)] Value),
    /// A block succeeded; its output is what its frames left behind.
    #[n(24)]
    Closed(#[n(0)] FrameRef, #[n(1)] StepIx),
}

/// Why a step was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum SkipReason {
    /// Its `when` did not hold.
    #[n(0)]
    When,
    /// The way its needs ended did not satisfy `run_if`.
    #[n(1)]
    RunIf,
    /// The flow said `stop`.
    #[n(2)]
    Stop,
}

/// Why a frame is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum StopReason {
    /// Somebody cancelled the run.
    #[n(0)]
    Cancel,
    /// Somebody cancelled it again: nothing more is waited for.
    #[n(1)]
    Kill,
    /// A time limit passed.
    #[n(2)]
    Timeout,
    /// Enough branches are done.
    #[n(3)]
    Joined,
    /// A step beside it failed and the rest is not wanted.
    #[n(4)]
    Failure,
    /// The flow said `stop` or `fail`.
    #[n(5)]
    Flow,
}

/// How a run began.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Started {
    /// The run.
    #[n(0)]
    pub run: RunId,
    /// The flow's name.
    #[n(1)]
    pub flow: String,
    /// The version it runs, for good.
    #[n(2)]
    pub version: FlowHash,
    /// The version's number, where it was published.
    #[n(3)]
    pub number: Option<u32>,
    /// The inputs, checked, with defaults filled in.
    #[n(4)]
    pub inputs: Value,
    /// Who or what started it (`manual`, `cron`, `flow`, …) and details.
    #[n(5)]
    pub trigger: Value,
    /// The seed of all chance in the run.
    #[n(6)]
    pub seed: u64,
    /// The step that started it, where it is a sub-flow.
    #[n(7)]
    pub parent: Option<Parent>,
    /// Labels, evaluated.
    #[n(8)]
    pub labels: BTreeMap<String, String>,
    /// The key of the flow's `concurrency`, evaluated.
    #[n(9)]
    pub concurrency_key: Option<String>,
    /// The run it was forked from.
    #[n(10)]
    pub forked_from: Option<RunId>,
    /// How many flows are above it.
    #[n(11)]
    pub depth: u32,
}

/// The step that waits for a sub-flow.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Parent {
    /// Its run.
    #[n(0)]
    pub run: RunId,
    /// Its frame.
    #[n(1)]
    pub frame: FrameRef,
    /// The frame's serial number.
    #[n(2)]
    pub serial: u64,
    /// The step.
    #[n(3)]
    pub step: StepIx,
    /// Whether nobody waits for the end.
    #[n(4)]
    pub detached: bool,
}

/// What a block settled on when it began.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Opened {
    /// The particulars.
    #[n(0)]
    pub what: OpenedAs,
    /// When the block's time is up.
    #[n(1)]
    pub deadline: Option<Timestamp>,
}

/// The particulars of a block that began.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum OpenedAs {
    /// Branches, all entered at once.
    #[n(0)]
    Parallel,
    /// An arm of a switch.
    #[n(1)]
    Arm(#[n(0)] u32),
    /// A map over these items.
    #[n(2)]
    ForEach {
        /// The items (batches, where asked for), evaluated.
        #[n(0)]
        items: Value,
        /// Items under way at once.
        #[n(1)]
        concurrency: Option<u32>,
    },
    /// A loop of at most so many iterations.
    #[n(3)]
    Loop(#[n(0)] u64),
    /// A sub-flow's run.
    #[n(4)]
    Flow {
        /// The run that was started.
        #[n(0)]
        run: RunId,
        /// Its inputs, evaluated.
        #[n(1)]
        inputs: Value,
    },
    /// A wait.
    #[n(5)]
    Wait(#[n(0)] WaitFor),
    /// The body of a try.
    #[n(6)]
    Try,
}

/// What a step waits for, evaluated.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum WaitFor {
    /// An instant.
    #[n(0)]
    Until(#[n(0)] Timestamp),
    /// A signal.
    #[n(1)]
    Signal(#[n(0)] String),
    /// A call to the address with this token.
    #[n(2)]
    Webhook(#[n(0)] String),
    /// A person's decision, under this token, asked with this message.
    #[n(3)]
    Approval(#[n(0)] String, #[n(1)] String),
}

/// The state of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum RunStatus {
    /// It waits for a slot of its flow.
    #[default]
    #[n(0)]
    Queued,
    /// It works, or waits for something named.
    #[n(1)]
    Running,
    /// It starts nothing new.
    #[n(2)]
    Paused,
    /// It ended well.
    #[n(3)]
    Succeeded,
    /// It ended with a failure that nothing handled.
    #[n(4)]
    Failed,
    /// It was stopped.
    #[n(5)]
    Cancelled,
}

impl RunStatus {
    /// Whether the run has ended.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The name in JSON and listings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Paused, Self::Succeeded, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|it| it.name() == name)
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct RunEnd {
    /// Its final state.
    #[n(0)]
    pub status: RunStatus,
    /// Its outputs; null unless it succeeded.
    #[n(1)]
    pub outputs: Value,
    /// Why it did not succeed, or the message of `stop`.
    #[n(2)]
    pub error: Option<StepError>,
}

/// How an attempt ended, as its executor reports it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With this output.
    Success(Value),
    /// With this error.
    Failure(StepError),
}
