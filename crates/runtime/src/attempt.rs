//! The life of one attempt in this process: secrets, parameters, cache, executor, outcome.
//!
//! **Invariant:** whatever happens, its end is reported once, unless the loom is dead; an opened secret is hidden
//! from whatever it returns.

use std::{
    any::Any,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};

use drawloom_blueprint::{DEPTH_MAX, ErrorClass, Outcome, StepError, Timestamp, Value};
use drawloom_engine::Resolved;
use drawloom_queue::{Context, Executor, Redactor, Task, TaskId};
use futures_util::FutureExt;
use tokio::{sync::oneshot, task::AbortHandle};
use tokio_util::sync::CancellationToken;

use crate::{blobs, cache, core::Core, dispatch::Report, inbox::Message, output::Output, secrets};

/// What is known of the parameters of an attempt.
pub(crate) enum Parameters {
    /// All.
    Resolved(Resolved),
    /// They use these secrets.
    Secret(Vec<String>),
}

/// What an attempt is executed with.
pub(crate) struct Means {
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) parameters: Parameters,
}

/// An attempt that is about to begin.
pub(crate) struct Beginning {
    pub(crate) task: TaskId,
    pub(crate) executor: Arc<dyn Executor>,
    /// Asks it to stop.
    pub(crate) stop: CancellationToken,
    /// When it was given its slot, by the loop's clock.
    pub(crate) at: Timestamp,
}

/// What became of an attempt when it was begun.
pub(crate) enum Begun {
    /// It has ended already, in place.
    Ended(Outcome),
    /// It is executed beside the loop and will report its end.
    Working(AbortHandle),
}

/// The work of an executor.
type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Begins an attempt: in place as far as it comes where its executor is brief, else beside the loop.
pub(crate) fn begin(core: &Arc<Core>, report: &Report, it: Beginning, parameters: Parameters) -> Begun {
    match parameters {
        Parameters::Resolved(resolved) if it.executor.is_brief() && resolved.cache.is_none() => {
            begin_here(core, report, it, resolved)
        }
        parameters => Begun::Working(spawn(core, report, it.task, life(Arc::clone(core), it, parameters))),
    }
}

fn begin_here(core: &Arc<Core>, report: &Report, it: Beginning, resolved: Resolved) -> Begun {
    let (task, timeout) = (it.task, resolved.timeout);
    let first = catch_unwind(AssertUnwindSafe(|| {
        let mut work = work(core, it, resolved, Redactor::default());
        let polled = work.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop()));
        (work, polled)
    }));
    match first {
        Ok((_, Poll::Ready(outcome))) => Begun::Ended(check(outcome, core.settings.output_max)),
        // It is polled again where it goes on, so nobody misses that nothing can wake it yet.
        Ok((work, Poll::Pending)) => {
            let shared = Arc::clone(core);
            Begun::Working(spawn(core, report, task, async move { see_through(&shared, work, timeout).await }))
        }
        Err(panic) => Begun::Ended(Outcome::Failure(panicked(&*panic))),
    }
}

/// Executes an attempt beside the loop and reports its end.
fn spawn(
    core: &Core,
    report: &Report,
    task: TaskId,
    life: impl Future<Output = Outcome> + Send + 'static,
) -> AbortHandle {
    let (dead, report) = (core.dead.clone(), report.clone());
    let work = async move {
        let outcome = tokio::select! {
            biased;
            // The next loom hands the attempt out again, so this one must not go on beside it.
            () = dead.cancelled() => return,
            it = life => it,
        };
        // A loop that is gone hands the attempt out again when it is back.
        let _ = report.send((task, outcome));
    };
    tokio::spawn(work).abort_handle()
}

async fn life(core: Arc<Core>, it: Beginning, parameters: Parameters) -> Outcome {
    let work = AssertUnwindSafe(attempt(&core, it, parameters)).catch_unwind();
    work.await.unwrap_or_else(|panic| Outcome::Failure(panicked(&*panic)))
}

/// What an attempt fails with that was stopped.
pub(crate) fn cancelled() -> StepError {
    StepError::new(ErrorClass::Cancelled, "it was stopped")
}

async fn attempt(core: &Arc<Core>, it: Beginning, parameters: Parameters) -> Outcome {
    match parameters {
        Parameters::Resolved(resolved) => perform(core, it, resolved, Redactor::default()).await,
        Parameters::Secret(names) => match with_secrets(core, it, &names).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failure(error),
        },
    }
}

async fn with_secrets(core: &Arc<Core>, it: Beginning, names: &[String]) -> Result<Outcome, StepError> {
    let opened = match &core.settings.secrets {
        Some(book) => book.open(names).await?,
        None => return Err(secrets::unset(&names.join(", "))),
    };
    let redactor = Redactor::new(opened.values().cloned());
    let outcome = match resolve(core, it.task, opened).await {
        Ok(resolved) => perform(core, it, resolved, redactor.clone()).await,
        Err(error) => Outcome::Failure(error),
    };
    // Executors hide what they were given; this is for those that forget, and for errors of expressions.
    Ok(match outcome {
        Outcome::Success(output) => Outcome::Success(redactor.value(&output)),
        Outcome::Failure(error) => {
            Outcome::Failure(StepError { message: redactor.text(&error.message).into_owned(), ..error })
        }
    })
}

async fn resolve(core: &Core, task: TaskId, secrets: BTreeMap<String, String>) -> Result<Resolved, StepError> {
    let (reply, answer) = oneshot::channel();
    let sent = core.send(Message::Resolve { task, secrets, reply }).await;
    sent.map_err(|_| cancelled())?;
    answer.await.map_err(|_| cancelled())?
}

async fn perform(core: &Arc<Core>, it: Beginning, mut resolved: Resolved, redactor: Redactor) -> Outcome {
    if it.stop.is_cancelled() {
        return Outcome::Failure(cancelled());
    }
    let timeout = resolved.timeout;
    let Some((ttl, key)) = resolved.cache.take() else {
        return see_through(core, work(core, it, resolved, redactor), timeout).await;
    };
    let key = cache::key(it.executor.info(), key.as_ref().unwrap_or(&resolved.with));
    if let Some(found) = cache::find(core, &key).await {
        output(core, it.task, &resolved, redactor).say("the result was in the cache");
        return Outcome::Success(found);
    }
    let outcome = see_through(core, work(core, it, resolved, redactor), timeout).await;
    if let Outcome::Success(value) = &outcome {
        cache::keep(core, &key, value, ttl).await;
    }
    outcome
}

fn output(core: &Arc<Core>, task: TaskId, resolved: &Resolved, redactor: Redactor) -> Output {
    Output::new(Arc::clone(core), (task.run, Arc::clone(&resolved.path), task.attempt), redactor)
}

/// What the executor does, which begins when it is polled.
fn work(core: &Arc<Core>, it: Beginning, resolved: Resolved, redactor: Redactor) -> Work {
    let output = Arc::new(output(core, it.task, &resolved, redactor.clone()));
    let context = Context { stop: it.stop, output, blobs: Arc::clone(&core.data), started: it.at };
    let Resolved { with, timeout, path, seed, .. } = resolved;
    let kind = it.executor.info().name;
    it.executor.execute(Task { id: it.task, kind, with, timeout, path, redactor, seed }, context)
}

/// Waits for the end of the work, within its time.
async fn see_through(core: &Core, work: Work, timeout: Option<Duration>) -> Outcome {
    let work = AssertUnwindSafe(work).catch_unwind();
    let ended = match timeout {
        None => work.await,
        // Executors keep the time limit themselves; one that does not is dropped after the grace period.
        Some(timeout) => match tokio::time::timeout(timeout + core.settings.grace, work).await {
            Ok(ended) => ended,
            Err(_) => return Outcome::Failure(late()),
        },
    };
    let outcome = ended.unwrap_or_else(|panic| Outcome::Failure(panicked(&*panic)));
    check(outcome, core.settings.output_max)
}

fn late() -> StepError {
    StepError::new(ErrorClass::Timeout, "it took longer than its timeout, and did not stop")
}

fn panicked(panic: &(dyn Any + Send)) -> StepError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    StepError::new(ErrorClass::Failed, format!("the executor has a defect: {text}")).with_code("panic")
}

/// Refuses what the journal should not or could not hold.
fn check(outcome: Outcome, max: usize) -> Outcome {
    let Outcome::Success(output) = &outcome else { return outcome };
    if is_deeper(output, DEPTH_MAX) {
        let message = format!("the output is nested deeper than {DEPTH_MAX} levels");
        return Outcome::Failure(StepError::invalid(message).with_code("output_too_deep"));
    }
    if !blobs::exceeds(output, max) {
        return outcome;
    }
    let message =
        format!("the output has more than {max} bytes: write large data to a file or object and return its name");
    Outcome::Failure(StepError::invalid(message).with_code("output_too_large"))
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return true };
    match value {
        Value::List(it) => it.iter().any(|item| is_deeper(item, levels)),
        Value::Object(it) => it.iter().any(|(_, member)| is_deeper(member, levels)),
        _ => false,
    }
}
