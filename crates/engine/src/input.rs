//! What can happen to a run.

use drawloom_blueprint::{FrameRef, Outcome, RunEnd, Started, StepError, StepIx, Value};

/// The identity of an attempt within its run. Frames' places are used again, their serial numbers are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId {
    /// The place of the frame.
    pub frame: FrameRef,
    /// The serial number of the frame.
    pub serial: u64,
    /// The step.
    pub step: StepIx,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

/// An input of [`Run::handle`](crate::Run::handle). Inputs that come late or twice are dropped and counted.
#[derive(Clone, Debug)]
pub enum Input {
    /// The run begins; `admitted` unless it must wait for a slot of its flow.
    Start {
        /// All that is known of it.
        started: Box<Started>,
        /// Whether it has its slot already.
        admitted: bool,
        /// Successes taken over from another run, by step id of the root scope.
        adopt: Vec<(StepIx, Value)>,
    },
    /// It got its slot.
    Admit,
    /// There is no slot for it and it is not to wait: it ends as cancelled, for this reason.
    Refuse(StepError),
    /// An attempt ended.
    Result {
        /// Which one.
        attempt: AttemptId,
        /// How.
        outcome: Outcome,
    },
    /// The worker of an attempt vanished; the attempt is handed out again, within bounds.
    Lost(AttemptId),
    /// Time passed: what is due by now happens.
    Tick,
    /// A signal for whoever waits for that name, now or later.
    Signal {
        /// Its name.
        name: String,
        /// What it carries.
        payload: Value,
    },
    /// A call to the address of a `webhook` or `approval` wait.
    Token {
        /// The token in the address.
        token: String,
        /// What it carries.
        payload: Value,
    },
    /// A sub-flow's run ended (or could not start); of a detached one: its start is durable.
    ChildEnded {
        /// The frame of the step that waits for it.
        frame: FrameRef,
        /// The frame's serial number.
        serial: u64,
        /// The step.
        step: StepIx,
        /// How it ended.
        end: Box<RunEnd>,
    },
    /// Stop all work, run `finally` and `compensate`, end.
    Cancel,
    /// Stop at once.
    Kill,
    /// Start nothing new.
    Pause,
    /// Go on.
    Resume,
    /// Go on with work that an earlier call left for later.
    Continue,
}
