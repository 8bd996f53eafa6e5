//! The life of one attempt in this process: secrets, parameters, cache, executor, outcome.
//!
//! **Invariant:** whatever happens, its end is reported once, unless the loom is dead; an opened secret is hidden
//! from whatever it returns.

use std::{
    any::Any,
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};

use drawloom_blueprint::{DEPTH_MAX, ErrorClass, Outcome, StepError, Value};
use drawloom_engine::Resolved;
use drawloom_queue::{Context, Executor, Redactor, Task, TaskId};
use futures_util::FutureExt;
use tokio::{sync::oneshot, task::AbortHandle};
use tokio_util::sync::CancellationToken;

use crate::{blobs, cache, core::Core, dispatch::Report, inbox::Message, output::Output, secrets};

/// What is known of the parameters of an attempt.
pub(crate) enum Parameters {
    /// All.
    Resolved(Box<Resolved>),
    /// They use these secrets.
    Secret(Vec<String>),
}

/// What became of an attempt when it was begun.
pub(crate) enum Begun {
    /// It has ended already, in place.
    Ended(Outcome),
    /// It is executed beside the loop and will report its end.
    Working(AbortHandle),
}

/// Begins an attempt: in place as far as it comes where its executor is brief, else beside the loop.
pub(crate) fn begin(
    core: &Arc<Core>,
    report: &Report,
    task: TaskId,
    (parameters, stop): (Parameters, CancellationToken),
) -> Begun {
    let brief =
        matches!(&parameters, Parameters::Resolved(it) if core.executor(&it.kind).is_ok_and(Executor::is_brief));
    let life = life(Arc::clone(core), task, parameters, stop);
    if !brief {
        return Begun::Working(spawn(core, report, task, life));
    }
    let mut life = Box::pin(life);
    match life.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Begun::Ended(outcome),
        // It is polled again where it goes on, so nobody misses that nothing can wake it yet.
        Poll::Pending => Begun::Working(spawn(core, report, task, life)),
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

async fn life(core: Arc<Core>, task: TaskId, parameters: Parameters, stop: CancellationToken) -> Outcome {
    let work = AssertUnwindSafe(attempt(&core, task, parameters, &stop)).catch_unwind();
    work.await.unwrap_or_else(|panic| Outcome::Failure(panicked(&*panic)))
}

/// What an attempt fails with that was stopped.
pub(crate) fn cancelled() -> StepError {
    StepError::new(ErrorClass::Cancelled, "it was stopped")
}

async fn attempt(core: &Arc<Core>, task: TaskId, parameters: Parameters, stop: &CancellationToken) -> Outcome {
    let result = match parameters {
        Parameters::Resolved(it) => perform(core, task, *it, (Redactor::default(), stop)).await,
        // Boxed, so that attempts without secrets need not have room for it.
        Parameters::Secret(names) => Box::pin(with_secrets(core, task, &names, stop)).await,
    };
    match result {
        Ok(output) => Outcome::Success(output),
        Err(error) => Outcome::Failure(error),
    }
}

async fn with_secrets(
    core: &Arc<Core>,
    task: TaskId,
    names: &[String],
    stop: &CancellationToken,
) -> Result<Value, StepError> {
    let opened = match &core.settings.secrets {
        Some(book) => book.open(names).await?,
        None => return Err(secrets::unset(&names.join(", "))),
    };
    let redactor = Redactor::new(opened.values().cloned());
    let result = match resolve(core, task, opened).await {
        Ok(resolved) => perform(core, task, resolved, (redactor.clone(), stop)).await,
        Err(error) => Err(error),
    };
    // Executors hide what they were given; this is for those that forget, and for errors of expressions.
    match result {
        Ok(output) => Ok(redactor.value(&output)),
        Err(error) => Err(StepError { message: redactor.text(&error.message).into_owned(), ..error }),
    }
}

async fn resolve(core: &Core, task: TaskId, secrets: BTreeMap<String, String>) -> Result<Resolved, StepError> {
    let (reply, answer) = oneshot::channel();
    let sent = core.send(Message::Resolve { task, secrets, reply }).await;
    sent.map_err(|_| cancelled())?;
    answer.await.map_err(|_| cancelled())?
}

async fn perform(
    core: &Arc<Core>,
    task: TaskId,
    resolved: Resolved,
    (redactor, stop): (Redactor, &CancellationToken),
) -> Result<Value, StepError> {
    if stop.is_cancelled() {
        return Err(cancelled());
    }
    let Resolved { kind, with, timeout, path, seed, cache } = resolved;
    let executor = core.executor(&kind)?;
    let output = Arc::new(Output::new(Arc::clone(core), (task.run, path.clone(), task.attempt), redactor.clone()));
    let cached = cache.map(|(ttl, key)| (ttl, cache::key(executor.info(), key.as_ref().unwrap_or(&with))));
    if let Some((_, key)) = &cached
        && let Some(found) = Box::pin(cache::find(core, key)).await
    {
        output.say("the result was in the cache");
        return Ok(found);
    }
    let blobs = Arc::clone(&core.data);
    let context = Context { stop: stop.clone(), output, blobs, started: core.now() };
    let patience = timeout.map(|it| it + core.settings.grace);
    let work = execute(executor, Task { id: task, kind, with, timeout, path, redactor, seed }, context);
    let value = check(in_time(work, patience).await?, core.settings.output_max)?;
    if let Some((ttl, key)) = &cached {
        Box::pin(cache::keep(core, key, &value, *ttl)).await;
    }
    Ok(value)
}

async fn execute(executor: &dyn Executor, task: Task, context: Context) -> Result<Value, StepError> {
    match AssertUnwindSafe(executor.execute(task, context)).catch_unwind().await {
        Ok(Outcome::Success(output)) => Ok(output),
        Ok(Outcome::Failure(error)) => Err(error),
        Err(panic) => Err(panicked(&*panic)),
    }
}

/// Executors keep the time limit themselves; one that does not is dropped after the grace period.
async fn in_time(
    work: impl Future<Output = Result<Value, StepError>>,
    patience: Option<Duration>,
) -> Result<Value, StepError> {
    let Some(patience) = patience else { return work.await };
    let late = |_| Err(StepError::new(ErrorClass::Timeout, "it took longer than its timeout, and did not stop"));
    tokio::time::timeout(patience, work).await.unwrap_or_else(late)
}

fn panicked(panic: &(dyn Any + Send)) -> StepError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    StepError::new(ErrorClass::Failed, format!("the executor has a defect: {text}")).with_code("panic")
}

/// Refuses what the journal should not or could not hold.
fn check(output: Value, max: usize) -> Result<Value, StepError> {
    if is_deeper(&output, DEPTH_MAX) {
        let message = format!("the output is nested deeper than {DEPTH_MAX} levels");
        return Err(StepError::invalid(message).with_code("output_too_deep"));
    }
    if !blobs::exceeds(&output, max) {
        return Ok(output);
    }
    let message =
        format!("the output has more than {max} bytes: write large data to a file or object and return its name");
    Err(StepError::invalid(message).with_code("output_too_large"))
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return true };
    match value {
        Value::List(it) => it.iter().any(|item| is_deeper(item, levels)),
        Value::Object(it) => it.iter().any(|(_, member)| is_deeper(member, levels)),
        _ => false,
    }
}
