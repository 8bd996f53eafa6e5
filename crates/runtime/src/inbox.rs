//! What reaches the shard loop: calls from outside, and news from the tasks that work for it.

use std::collections::BTreeMap;

use drawloom_blueprint::{Parent, RunEnd, RunId, StepError};
use drawloom_engine::{Input, Resolved};
use drawloom_queue::TaskId;
use drawloom_store::RunRow;
use tokio::sync::oneshot;

use crate::{Error, children::Fate, load::Fetched, start::NewRun};

/// So many messages may wait for the loop; whoever has more waits.
pub(crate) const INBOX_MAX: usize = 4_096;

/// Where an answer goes. One that is dropped says that the loop has ended.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// Whether an input changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It did.
    Yes,
    /// It came late or twice, or nothing waited for it.
    Dropped,
}

/// Somebody who waits for the end of a run.
pub(crate) struct Waiter {
    /// Where the end goes.
    pub(crate) ended: oneshot::Sender<RunEnd>,
    /// Told where the run is not in memory, so that its end may have come already: the index knows. One that is not told
    /// is kept, as dropping it would wake who waits.
    pub(crate) unknown: Option<oneshot::Sender<()>>,
}

/// An input for a run.
pub(crate) struct Given {
    pub(crate) input: Input,
    pub(crate) rule: GivenRule,
    pub(crate) reply: Option<Reply<Taken>>,
}

/// When an input is given to its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenRule {
    Always,
    /// Not where the run was asked to end before: a cancel repeated by a recovery must not kill.
    UnlessEnding,
    /// It tells of this sub-flow's run, which is then under way no more.
    Of(RunId),
}

impl Given {
    /// An input from within.
    pub(crate) fn quietly(input: Input) -> Self {
        Self { input, rule: GivenRule::Always, reply: None }
    }
}

/// A message to the shard loop.
pub(crate) enum Message {
    /// Begin a run.
    Begin(Box<NewRun>, Reply<()>),
    /// Give an input to a run.
    Give(RunId, Given),
    /// A sub-flow's run ended, or could not start, or (detached) has started.
    ChildDone { child: RunId, parent: Parent, end: Box<RunEnd> },
    /// Tell when the run has ended.
    Wait(RunId, Waiter),
    /// Have a run in memory, and with it what it has to do.
    Touch(RunId),
    /// A run was fetched from the journal.
    Fetched(RunId, Result<Fetched, Error>),
    /// What is known of a sub-flow's run that is to start.
    Child { child: RunId, parent: Parent, fate: Fate },
    /// Give the parameters of an attempt.
    Resolve { task: TaskId, secrets: BTreeMap<String, String>, reply: oneshot::Sender<Result<Resolved, StepError>> },
    /// From now on all runs of the store are looked after.
    ReachAll,
    /// Runs from the index, some of which have something to do.
    Index(Vec<RunRow>),
    /// End, gently.
    Close(oneshot::Sender<()>),
}
