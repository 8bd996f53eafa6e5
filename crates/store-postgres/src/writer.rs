//! The writer: the one task that appends, and the queue before it.
//!
//! Appends that wait together share a commit, which is one statement. The next commit is sent before the outcome of
//! the last is known; the database does one after the other, and none behind one that failed.
//!
//! **Invariant:** appends are committed in the order in which they were handed over, each whole or not at all, and
//! only as long as the lease's epoch is that of their claim.

mod careful;
mod columns;
mod desk;
mod known;
mod plan;
mod recover;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use drawloom_store::{Append, Claim, StoreError, Written};
use tokio::{
    runtime,
    sync::{mpsc, oneshot},
};

use crate::{connect::Connector, writer::desk::Desk};

type Answer = oneshot::Sender<Result<(), StoreError>>;

/// What is handed to the writer.
enum Job {
    /// Facts.
    Append(Append, Answer),
    /// Somebody wants to be the owner.
    Claim(String, oneshot::Sender<Result<Claim, StoreError>>),
    /// The end.
    Close(oneshot::Sender<()>),
}

/// What the writer and its handle share.
#[derive(Debug, Default)]
struct Shared {
    /// Whether there is no time left to wait for a server that does not answer.
    hurried: AtomicBool,
    written: Mutex<Written>,
}

/// A handle on the writer.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: mpsc::UnboundedSender<Job>,
    shared: Arc<Shared>,
}

impl Writer {
    /// Starts the task, which connects when there is a claim to make.
    pub(crate) fn start(connector: Arc<Connector>, room: &runtime::Handle) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let desk = Desk::new(connector, Arc::clone(&shared))?;
        room.spawn(desk.work(jobs));
        Ok(Self { queue, shared })
    }

    /// Hands over facts. Its place in the order is fixed when this returns.
    pub(crate) fn append(&self, append: Append) -> oneshot::Receiver<Result<(), StoreError>> {
        let (answer, outcome) = oneshot::channel();
        self.hand_over(Job::Append(append, answer));
        outcome
    }

    /// Makes this handle the owner, behind everything that was handed over before.
    pub(crate) async fn claim(&self, owner: &str) -> Result<Claim, StoreError> {
        let (answer, outcome) = oneshot::channel();
        self.hand_over(Job::Claim(owner.to_owned(), answer));
        outcome.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Waits until everything that was handed over is done, and hands the lease back.
    pub(crate) fn close(&self) -> oneshot::Receiver<()> {
        let (answer, done) = oneshot::channel();
        self.hand_over(Job::Close(answer));
        done
    }

    /// Has it wait no longer for a server that does not answer.
    pub(crate) fn hurry(&self) {
        self.shared.hurried.store(true, Ordering::Relaxed);
    }

    /// What was written to the journal.
    pub(crate) fn written(&self) -> Written {
        *self.shared.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job that finds the task gone is dropped, and with it its answer, which tells who waits for it.
    fn hand_over(&self, job: Job) {
        let _ = self.queue.send(job);
    }
}
