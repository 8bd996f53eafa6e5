//! When an attempt has to end: at its deadline, or when somebody stops it.
//!
//! **Invariant:** the deadline counts from when the executor took the task, on a clock that only goes forward.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use drawloom_blueprint::{ErrorClass, StepError, format_duration};
use drawloom_queue::Stopped;
use tokio_util::sync::CancellationToken;

/// The end that is set for one attempt.
#[derive(Clone)]
pub(crate) struct Halt {
    stop: CancellationToken,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
}

impl Halt {
    /// Starts the clock.
    pub(crate) fn new(timeout: Option<Duration>, stop: CancellationToken) -> Self {
        // A deadline too far to be written never comes.
        let deadline = timeout.and_then(|it| Instant::now().checked_add(it));
        Self { stop, timeout, deadline }
    }

    /// Waits until the attempt has to end.
    pub(crate) async fn wait(&self) -> Stopped {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Stopped::Cancelled,
            () = sleep_until(self.deadline) => Stopped::Deadline,
        }
    }

    /// Why the attempt has to end now, if it has.
    pub(crate) fn now(&self) -> Option<Stopped> {
        if self.stop.is_cancelled() {
            return Some(Stopped::Cancelled);
        }
        self.deadline.filter(|it| Instant::now() >= *it).map(|_| Stopped::Deadline)
    }

    /// Does `work` unless the end comes first; it is then dropped.
    pub(crate) async fn race<T>(&self, work: impl Future<Output = T>) -> Result<T, StepError> {
        tokio::select! {
            biased;
            why = self.wait() => Err(self.error(why)),
            it = work => Ok(it),
        }
    }

    /// The error of an attempt that was ended.
    pub(crate) fn error(&self, why: Stopped) -> StepError {
        match why {
            Stopped::Cancelled => StepError::new(ErrorClass::Cancelled, "cancelled"),
            Stopped::Deadline => {
                let limit = format_duration(self.timeout.unwrap_or_default());
                StepError::new(ErrorClass::Timeout, format!("took longer than {limit}"))
            }
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(it) => tokio::time::sleep_until(it.into()).await,
        None => std::future::pending().await,
    }
}
