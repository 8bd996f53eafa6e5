//! An executor whose work tests can watch, hold and fail.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use drawloom_blueprint::{ErrorClass, Outcome, StepError, Value};
use drawloom_queue::{BlobRef, Context, Executor, KindInfo, Line, Placement, Stream, Task};
use tokio::sync::Notify;

/// One execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) path: String,
    pub(crate) attempt: u32,
    pub(crate) key: String,
    pub(crate) succeeded: bool,
}

#[derive(Default)]
struct Seen {
    begun: Vec<String>,
    /// Beginnings, by path, and ends, by path and `done`, as they came.
    order: Vec<String>,
    done: Vec<Done>,
    open: HashSet<String>,
    fails: BTreeMap<String, i64>,
    stopped: u32,
    together: usize,
    most_together: usize,
    withs: Vec<Value>,
    printed: Vec<String>,
    /// What of the async runtime executed them, by path.
    places: Vec<(String, tokio::task::Id)>,
    dropped: usize,
}

/// The kind `probe`: returns `value`; fails the first `fails` times; waits for the gate `hold`; prints `print`;
/// so many `times`; warns `warn`; prints `last` when it was let through the gate; takes so many `millis`; fails saying
/// `fail`; returns a text of `bytes` bytes; keeps the text `keep` beside the run and returns the reference; returns how
/// long what `fetch` refers to is; panics, where it is a text saying `panic`; returns a list of `levels` levels, or
/// objects of so many `members`; does not stop where it is `stuck`; succeeds when it is stopped where it is `late`.
pub(crate) struct Probe {
    info: KindInfo,
    brief: bool,
    seen: Mutex<Seen>,
    changed: Notify,
}

impl Probe {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::made())
    }

    /// One whose tasks begin in place.
    pub(crate) fn brief() -> Arc<Self> {
        Arc::new(Self { brief: true, ..Self::made() })
    }

    fn made() -> Self {
        let any = Value::object([("type", Value::from("object"))]);
        let info = KindInfo {
            name: "probe",
            version: 1,
            summary: "For tests.",
            placement: Placement::Worker,
            with: any.clone(),
            returns: any,
            docs: "",
        };
        Self { info, brief: false, seen: Mutex::default(), changed: Notify::new() }
    }

    pub(crate) fn open(&self, gate: &str) {
        self.seen.lock().unwrap().open.insert(gate.to_owned());
        self.changed.notify_waiters();
    }

    pub(crate) fn done(&self) -> Vec<Done> {
        self.seen.lock().unwrap().done.clone()
    }

    pub(crate) fn successes(&self, path: &str) -> usize {
        self.done().iter().filter(|it| it.path == path && it.succeeded).count()
    }

    pub(crate) fn order(&self) -> Vec<String> {
        self.seen.lock().unwrap().order.clone()
    }

    pub(crate) fn begun(&self, path: &str) -> usize {
        self.seen.lock().unwrap().begun.iter().filter(|it| *it == path).count()
    }

    pub(crate) fn stopped(&self) -> u32 {
        self.seen.lock().unwrap().stopped
    }

    pub(crate) fn most_together(&self) -> usize {
        self.seen.lock().unwrap().most_together
    }

    /// How many executions ended in the middle, as nobody waited for them any longer.
    pub(crate) fn dropped(&self) -> usize {
        self.seen.lock().unwrap().dropped
    }

    pub(crate) fn withs(&self) -> Vec<Value> {
        self.seen.lock().unwrap().withs.clone()
    }

    /// Whether the lines of a task were all printed.
    pub(crate) fn has_printed(&self, path: &str) -> bool {
        self.seen.lock().unwrap().printed.iter().any(|it| it == path)
    }

    /// Which tasks of the async runtime executed what lies at a path.
    pub(crate) fn places(&self, path: &str) -> HashSet<tokio::task::Id> {
        let seen = self.seen.lock().unwrap();
        seen.places.iter().filter(|(it, _)| it == path).map(|(_, place)| *place).collect()
    }

    /// Waits until something holds of what was seen.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if holds(self) {
                    return;
                }
                tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.expect("it happens in time");
    }

    fn begin(&self, task: &Task) {
        let mut seen = self.seen.lock().unwrap();
        seen.begun.push(task.path.to_string());
        seen.order.push(task.path.to_string());
        seen.withs.push(task.with.clone());
        seen.places.push((task.path.to_string(), tokio::task::id()));
        seen.together += 1;
        seen.most_together = seen.most_together.max(seen.together);
        drop(seen);
        self.changed.notify_waiters();
    }

    async fn gate(&self, name: &str, context: &Context) -> Result<(), StepError> {
        // A loom that dies just as this begins ends it here, and not behind a gate that is opened for the next life.
        tokio::task::yield_now().await;
        loop {
            let changed = self.changed.notified();
            if self.seen.lock().unwrap().open.contains(name) {
                return Ok(());
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
                () = context.stop.cancelled() => {
                    self.seen.lock().unwrap().stopped += 1;
                    return Err(StepError::new(ErrorClass::Cancelled, "stopped"));
                }
            }
        }
    }

    async fn work(&self, task: &Task, context: &Context) -> Result<Value, StepError> {
        let with = &task.with;
        if let Some(text) = with.get("print").and_then(Value::as_str) {
            let times = if let Some(Value::Int(it)) = with.get("times") { *it } else { 1 };
            for line in (0..times).flat_map(|_| text.lines()) {
                context.output.line(Line { stream: Stream::Out, text: line.to_owned() });
            }
            self.seen.lock().unwrap().printed.push(task.path.to_string());
        }
        let mut kept = None;
        if let Some(text) = with.get("keep").and_then(Value::as_str) {
            let mut sink = context.blobs.create().await?;
            sink.write(text.to_owned().into()).await?;
            kept = Some(sink.finish().await?.into_value(Some("text/plain")));
        }
        if let Some(text) = with.get("warn").and_then(Value::as_str) {
            context.output.line(Line { stream: Stream::Err, text: text.to_owned() });
        }
        if let Some(gate) = with.get("hold").and_then(Value::as_str) {
            let stopped = self.gate(gate, context).await;
            if !with.get("late").is_some_and(Value::is_true) {
                stopped?;
            }
        }
        for line in with.get("last").and_then(Value::as_str).unwrap_or_default().lines() {
            context.output.line(Line { stream: Stream::Out, text: line.to_owned() });
        }
        if let Some(Value::Int(millis)) = with.get("millis") {
            tokio::time::sleep(std::time::Duration::from_millis(millis.unsigned_abs())).await;
        }
        if let Some(text) = with.get("fail").and_then(Value::as_str) {
            return Err(StepError::new(ErrorClass::Failed, text));
        }
        if let Some(text) = with.get("panic").and_then(Value::as_str) {
            panic!("{text}");
        }
        if with.get("panic").is_some_and(Value::is_true) {
            panic!("on purpose");
        }
        if let Some(Value::Int(fails)) = with.get("fails") {
            let mut seen = self.seen.lock().unwrap();
            let so_far = seen.fails.entry(task.idempotency_key()).or_default();
            *so_far += 1;
            if *so_far <= *fails {
                return Err(StepError::new(ErrorClass::Failed, format!("failure {so_far}")));
            }
        }
        if let Some(made) = made(with, context) {
            return Ok(made);
        }
        if with.get("stuck").is_some_and(Value::is_true) {
            std::future::pending::<()>().await;
        }
        if let Some(blob) = with.get("fetch").and_then(BlobRef::read) {
            let mut source = context.blobs.open(&blob).await?;
            let mut bytes = 0;
            while let Some(part) = source.next().await? {
                bytes += part.len();
            }
            return Ok((bytes as u64).into());
        }
        Ok(kept.or_else(|| with.get("value").cloned()).unwrap_or_default())
    }
}

/// A value of some shape, where one is asked for.
fn made(with: &Value, context: &Context) -> Option<Value> {
    let wanted = |name| match with.get(name) {
        Some(Value::Int(it)) => Some(*it),
        _ => None,
    };
    if let Some(levels) = wanted("levels") {
        return Some((0..levels).fold(Value::Null, |it, _| Value::from(vec![it])));
    }
    if let Some(levels) = wanted("members") {
        return Some((0..levels).fold(Value::Null, |it, _| Value::object([("m", it)])));
    }
    if let Some(bytes) = wanted("bytes") {
        return Some(Value::from("x".repeat(usize::try_from(bytes).unwrap())));
    }
    with.get("began").is_some_and(Value::is_true).then(|| Value::from(context.started.0))
}

/// An execution that has not ended.
struct Going<'a>(&'a Probe, bool);

impl Drop for Going<'_> {
    fn drop(&mut self) {
        if self.1
            && let Ok(mut seen) = self.0.seen.lock()
        {
            seen.dropped += 1;
        }
    }
}

#[async_trait]
impl Executor for Probe {
    fn info(&self) -> &KindInfo {
        &self.info
    }

    fn is_brief(&self) -> bool {
        self.brief
    }

    async fn execute(self: Arc<Self>, task: Task, context: Context) -> Outcome {
        self.begin(&task);
        let mut going = Going(&self, true);
        let result = self.work(&task, &context).await;
        going.1 = false;
        let mut seen = self.seen.lock().unwrap();
        seen.together -= 1;
        seen.order.push(format!("{} done", task.path));
        seen.done.push(Done {
            path: task.path.to_string(),
            attempt: task.id.attempt,
            key: task.idempotency_key(),
            succeeded: result.is_ok(),
        });
        drop(seen);
        self.changed.notify_waiters();
        match result {
            Ok(it) => Outcome::Success(it),
            Err(it) => Outcome::Failure(it),
        }
    }
}
