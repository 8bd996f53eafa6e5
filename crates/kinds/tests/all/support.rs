//! Runs one task and keeps what came of it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{ErrorClass, FrameRef, Outcome, RunId, StepError, StepIx, Timestamp, Value};
use drawloom_kinds::{Settings, executors};
use drawloom_queue::{
    BlobRef, BlobSink, BlobSource, Blobs, Context, Executor, Line, OutputSink, Redactor, Stream, Task, TaskId,
};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The instant at which all attempts of tests start.
pub(crate) const STARTED: Timestamp = Timestamp(1_700_000_000_123_456);

/// A JSON value as ours.
pub(crate) fn value(json: serde_json::Value) -> Value {
    Value::from(json)
}

/// A value as JSON, to compare.
pub(crate) fn json_of(value: &Value) -> serde_json::Value {
    value.into()
}

/// Settings as tests need them: this machine may be reached.
pub(crate) fn settings() -> Settings {
    Settings {
        http_allow: vec!["127.0.0.1".to_owned(), "::1".to_owned()],
        child: vec![env!("CARGO_BIN_EXE_drawloom-kinds-child").into()],
    }
}

/// Output as it came.
#[derive(Default)]
pub(crate) struct Kept {
    lines: Mutex<Vec<Line>>,
    came: Notify,
    pub(crate) shelf: Arc<Shelf>,
}

impl OutputSink for Kept {
    fn line(&self, line: Line) {
        self.lines.lock().expect("no test panics with it").push(line);
        self.came.notify_waiters();
    }
}

impl Kept {
    /// All lines so far.
    pub(crate) fn lines(&self) -> Vec<(Stream, String)> {
        self.lines.lock().expect("no test panics with it").iter().map(|it| (it.stream, it.text.clone())).collect()
    }

    /// Waits for a line that satisfies `wanted`.
    pub(crate) async fn wait_for(&self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let came = self.came.notified();
            let found = self.lines().into_iter().map(|(_, text)| text).find(|it| wanted(it));
            match found {
                Some(it) => return it,
                None => came.await,
            }
        }
    }
}

/// Blobs in memory, which know how large the pieces were in which they came.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) kept: Mutex<Vec<(BlobRef, Vec<u8>)>>,
    pub(crate) largest: AtomicUsize,
}

impl Shelf {
    /// Puts bytes on it.
    pub(crate) fn put(&self, bytes: Vec<u8>) -> BlobRef {
        let blob = BlobRef { hash: hex::encode(Sha256::digest(&bytes)), size: bytes.len() as u64 };
        self.kept.lock().expect("no test panics with it").push((blob.clone(), bytes));
        blob
    }

    /// All that was kept, as it came.
    pub(crate) fn all(&self) -> Vec<Vec<u8>> {
        self.kept.lock().expect("no test panics with it").iter().map(|(_, bytes)| bytes.clone()).collect()
    }
}

struct OnShelf(Arc<Shelf>, Vec<u8>);
struct FromShelf(Vec<u8>);

#[async_trait]
impl Blobs for Kept {
    async fn create(&self) -> Result<Box<dyn BlobSink>, StepError> {
        Ok(Box::new(OnShelf(Arc::clone(&self.shelf), Vec::new())))
    }

    async fn open(&self, blob: &BlobRef) -> Result<Box<dyn BlobSource>, StepError> {
        let kept = self.shelf.kept.lock().expect("no test panics with it");
        let found = kept.iter().find(|(it, _)| it == blob);
        let (_, bytes) = found.ok_or_else(|| StepError::invalid("no such blob").with_code("no_blob"))?;
        Ok(Box::new(FromShelf(bytes.clone())))
    }
}

#[async_trait]
impl BlobSink for OnShelf {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StepError> {
        self.0.largest.fetch_max(bytes.len(), Ordering::SeqCst);
        self.1.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<BlobRef, StepError> {
        Ok(self.0.put(self.1))
    }
}

#[async_trait]
impl BlobSource for FromShelf {
    async fn next(&mut self) -> Result<Option<Bytes>, StepError> {
        if self.0.starts_with(b"damaged") {
            return Err(StepError::new(ErrorClass::Failed, "other bytes").with_code("blobs"));
        }
        let rest = self.0.split_off(self.0.len().min(100_000));
        let part = std::mem::replace(&mut self.0, rest);
        Ok((!part.is_empty()).then(|| part.into()))
    }
}

/// One task on its way.
pub(crate) struct Job {
    executor: Arc<dyn Executor>,
    pub(crate) task: Task,
    pub(crate) stop: CancellationToken,
    pub(crate) kept: Arc<Kept>,
}

impl Job {
    /// A task of `kind`.
    pub(crate) fn new(kind: &str, with: serde_json::Value) -> Self {
        Self::under(&settings(), kind, with)
    }

    /// A task of `kind` for an installation with these settings.
    pub(crate) fn under(settings: &Settings, kind: &str, with: serde_json::Value) -> Self {
        Self::of(&executors(settings).expect("settings"), kind, with)
    }

    /// A task for one of these executors. Connections and children belong to the test's own runtime.
    pub(crate) fn of(executors: &[Arc<dyn Executor>], kind: &str, with: serde_json::Value) -> Self {
        let executor = executors.iter().find(|it| it.info().name == kind).expect("an executor of that kind");
        let task = Task {
            id: TaskId { run: RunId(7), frame: 0 as FrameRef, serial: 1, step: StepIx(3), attempt: 2 },
            kind: executor.info().name,
            with: value(with),
            timeout: None,
            path: "outer[1].inner".into(),
            redactor: Redactor::default(),
            seed: 42,
        };
        Self { executor: Arc::clone(executor), task, stop: CancellationToken::new(), kept: Arc::default() }
    }

    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.task.timeout = Some(timeout);
        self
    }

    pub(crate) fn secrets(mut self, secrets: &[&str]) -> Self {
        self.task.redactor = Redactor::new(secrets.iter().map(|it| (*it).to_owned()));
        self
    }

    pub(crate) async fn run(&self) -> Result<serde_json::Value, StepError> {
        let (output, blobs) = (self.kept.clone(), self.kept.clone());
        let context = Context { stop: self.stop.clone(), output, blobs, started: STARTED };
        match Arc::clone(&self.executor).execute(self.task.clone(), context).await {
            Outcome::Success(it) => Ok(json_of(&it)),
            Outcome::Failure(it) => Err(it),
        }
    }
}

/// Runs a task to its end.
pub(crate) async fn run(kind: &str, with: serde_json::Value) -> Result<serde_json::Value, StepError> {
    Job::new(kind, with).run().await
}

/// Runs a task that must fail, and checks class and code.
pub(crate) async fn fails(kind: &str, with: serde_json::Value, class: ErrorClass, code: &str) -> String {
    let error = run(kind, with.clone()).await.expect_err(&format!("must fail: {with}"));
    assert_eq!((error.class, error.code.as_deref()), (class, Some(code)), "{with}: {}", error.message);
    error.message
}

/// Checks that an inline kind makes `expected` of `with`.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "tests write values in place")]
pub(crate) fn inlines(kind: &str, with: serde_json::Value, expected: serde_json::Value) {
    let made = drawloom_kinds::inline(kind, &value(with.clone())).unwrap_or_else(|it| panic!("{with}: {it}"));
    assert_eq!(json_of(&made), expected, "{with}");
}
