//! What all kinds share around their work.
//!
//! **Invariant:** whatever a kind returns, streams or fails with passes the redactor here, a message is cut only when its
//! secrets are hidden, and a panic in it ends its attempt and nothing else.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;
use drawloom_blueprint::{ErrorClass, Outcome, StepError, Timestamp, Value};
use drawloom_queue::{Blobs, Context, Executor, KindInfo, Redactor, Task};
use futures_util::FutureExt;

use crate::{halt::Halt, lines::Lines};

/// The longest message of an error, in bytes.
const MESSAGE_MAX: usize = 4096;

/// One attempt as a kind sees it.
pub(crate) struct Attempt {
    pub(crate) task: Task,
    pub(crate) halt: Halt,
    pub(crate) lines: Lines,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) started: Timestamp,
}

/// The work of a kind.
#[async_trait]
pub(crate) trait Work: Send + Sync {
    /// Does it. It ends soon after `attempt.halt` says so, with nothing left running.
    async fn work(&self, attempt: Attempt) -> Result<Value, StepError>;
}

/// A kind's work as an executor.
pub(crate) struct Performer<W> {
    info: KindInfo,
    work: W,
}

impl<W> Performer<W> {
    pub(crate) fn new(info: KindInfo, work: W) -> Self {
        Self { info, work }
    }
}

#[async_trait]
impl<W: Work> Executor for Performer<W> {
    fn info(&self) -> &KindInfo {
        &self.info
    }

    async fn execute(self: Arc<Self>, task: Task, context: Context) -> Outcome {
        let redactor = task.redactor.clone();
        let halt = Halt::new(task.timeout, context.stop);
        let lines = Lines::new(redactor.clone(), context.output);
        let attempt = Attempt { task, halt, lines, blobs: context.blobs, started: context.started };
        let result = match AssertUnwindSafe(self.work.work(attempt)).catch_unwind().await {
            Ok(it) => it,
            Err(panic) => Err(panicked(&*panic)),
        };
        match result {
            Ok(value) => Outcome::Success(redactor.value(&value)),
            Err(error) => Outcome::Failure(redact(error, &redactor)),
        }
    }
}

fn redact(mut error: StepError, redactor: &Redactor) -> StepError {
    error.message = shortened(redactor, &error.message, MESSAGE_MAX);
    error
}

/// The beginning of a text, without secrets.
pub(crate) fn shortened(redactor: &Redactor, text: &str, max: usize) -> String {
    let text = redactor.text(text);
    if text.len() <= max { text.into_owned() } else { format!("{}...", &text[..text.floor_char_boundary(max)]) }
}

/// The error for a panic: a defect of ours or of a library, worth a report.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> StepError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    StepError::new(ErrorClass::Failed, format!("the executor has a defect, please report it: {text}"))
        .with_code("panic")
}
