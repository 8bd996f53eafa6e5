//! The life of one attempt in this process: secrets, parameters, cache, executor, outcome.
//!
//! **Invariant:** whatever happens, its end is reported once, unless the loom is dead; an opened secret is hidden
//! from whatever it returns.

use std::{any::Any, collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use drawloom_blueprint::{DEPTH_MAX, ErrorClass, Outcome, StepError, Value};
use drawloom_engine::Resolved;
use drawloom_queue::{Context, Executor, Redactor, Task, TaskId};
use drawloom_store::LogSource;
use futures_util::FutureExt;
use tokio::sync::oneshot;

use crate::{blobs, cache, clock, core::Core, dispatch::Brakes, inbox::Message, output::Output, secrets};

/// What is known of the parameters of an attempt.
pub(crate) enum Parameters {
    /// All.
    Resolved(Box<Resolved>),
    /// They use these secrets.
    Secret(Vec<String>),
}

/// Executes an attempt beside the loop and reports its end.
pub(crate) fn spawn(core: &Arc<Core>, task: TaskId, parameters: Parameters, brakes: Brakes) {
    let shared = Arc::clone(core);
    core.spawn(async move {
        let grace = shared.settings.grace;
        let killed = async {
            brakes.kill.cancelled().await;
            tokio::time::sleep(grace).await;
        };
        let outcome = tokio::select! {
            it = attempt(&shared, task, parameters, &brakes) => it,
            () = killed => Outcome::Failure(cancelled()),
        };
        // A loop that is gone hands the attempt out again when it is back.
        let _ = shared.send(Message::AttemptEnded { task, outcome }).await;
    });
}

/// What an attempt fails with that was stopped.
pub(crate) fn cancelled() -> StepError {
    StepError::new(ErrorClass::Cancelled, "it was stopped")
}

async fn attempt(core: &Arc<Core>, task: TaskId, parameters: Parameters, brakes: &Brakes) -> Outcome {
    let result = match parameters {
        Parameters::Resolved(it) => perform(core, task, *it, (Redactor::default(), brakes)).await,
        Parameters::Secret(names) => with_secrets(core, task, &names, brakes).await,
    };
    match result {
        Ok(output) => Outcome::Success(output),
        Err(error) => Outcome::Failure(error),
    }
}

async fn with_secrets(core: &Arc<Core>, task: TaskId, names: &[String], brakes: &Brakes) -> Result<Value, StepError> {
    let opened = match &core.settings.secrets {
        Some(book) => book.open(names).await?,
        None => return Err(secrets::unset(&names.join(", "))),
    };
    let redactor = Redactor::new(opened.values().cloned());
    let result = match resolve(core, task, opened).await {
        Ok(resolved) => perform(core, task, resolved, (redactor.clone(), brakes)).await,
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
    (redactor, brakes): (Redactor, &Brakes),
) -> Result<Value, StepError> {
    if brakes.stop.is_cancelled() {
        return Err(cancelled());
    }
    let executor = core.settings.executors.iter().find(|it| it.info().name == resolved.kind).ok_or_else(|| {
        let message = format!("this drawloom has no executor for the kind `{}`", resolved.kind);
        StepError::invalid(message).with_code("kind")
    })?;
    let source = LogSource { run: task.run, path: resolved.path.clone(), attempt: task.attempt };
    let output = Arc::new(Output::new(Arc::clone(core), source, redactor.clone()));
    let cached = resolved
        .cache
        .as_ref()
        .map(|(ttl, key)| (*ttl, cache::key(&resolved.kind, key.as_ref().unwrap_or(&resolved.with))));
    if let Some((_, key)) = &cached
        && let Some(found) = cache::find(core, key).await
    {
        output.say("the result was in the cache");
        return Ok(found);
    }
    let context = Context { stop: brakes.stop.clone(), output, started: clock::now() };
    let patience = resolved.timeout.map(|it| it + core.settings.grace);
    let work = execute(&**executor, to_task(task, resolved, redactor), context);
    let value = check(in_time(work, patience).await?, core.settings.output_max)?;
    if let Some((ttl, key)) = &cached {
        cache::keep(core, key, &value, *ttl).await;
    }
    Ok(value)
}

fn to_task(id: TaskId, it: Resolved, redactor: Redactor) -> Task {
    Task {
        id,
        kind: it.kind,
        with: it.with,
        timeout: it.timeout,
        path: it.path,
        idempotency_key: it.idempotency_key,
        redactor,
        seed: it.seed,
    }
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
