//! Executors: what does the work of task steps.
//!
//! **Invariant:** when [`Executor::execute`] returns, nothing of the task runs any more.

use std::sync::Arc;

use async_trait::async_trait;
use drawloom_blueprint::{Outcome, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::{Blobs, KindInfo, Task};

/// Does the tasks of one kind.
#[async_trait]
pub trait Executor: Send + Sync {
    /// What the kind says of itself.
    fn info(&self) -> &KindInfo;

    /// Does the task and says how it ended.
    ///
    /// It keeps the deadline of the task itself, stops for real when `context.stop` is triggered, streams
    /// output as it comes, and hides secrets in all that it returns or streams. It never panics on an input.
    async fn execute(self: Arc<Self>, task: Task, context: Context) -> Outcome;

    /// Whether beginning a task takes only microseconds: the first poll of [`execute`](Self::execute) is then done in
    /// place, which spares the task the way to another thread. One that computes, starts a process or may block
    /// says no, as everything else would stand still meanwhile. A task that ends in that poll leaves its
    /// `context.stop` to another one, so nothing that outlives it may listen to that.
    fn is_brief(&self) -> bool {
        false
    }
}

/// What an executor has besides the task.
#[derive(Clone)]
pub struct Context {
    /// Triggered when the attempt is to stop.
    pub stop: CancellationToken,
    /// Where output goes as it comes.
    pub output: Arc<dyn OutputSink>,
    /// Where data goes that is too large for a value, and comes from.
    pub blobs: Arc<dyn Blobs>,
    /// When the attempt started.
    pub started: Timestamp,
}

/// Why an attempt was stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Its deadline passed.
    Deadline,
    /// It was cancelled.
    Cancelled,
}

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// The engine or executor itself.
    System,
}

/// A line of output of an attempt, secrets hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it came from.
    pub stream: Stream,
    /// The text, without its line break.
    pub text: String,
}

/// Takes output of attempts.
pub trait OutputSink: Send + Sync {
    /// Takes a line. It never blocks: what cannot be kept is dropped and counted.
    fn line(&self, line: Line);
}

/// Drops all output.
impl OutputSink for () {
    fn line(&self, _: Line) {}
}
