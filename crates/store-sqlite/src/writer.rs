//! The writer: the one thread that writes, and the queue before it.
//!
//! **Invariant:** work is done in the order in which it was handed over. Appends that wait together share one
//! transaction, and each is accepted or refused on its own. After a failed write or flush nothing is written again.

mod append;
mod desk;
mod logs;
mod wal;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use drawloom_store::{Append, LogAppend, StoreError, Written};
use tokio::sync::oneshot;

pub(crate) use desk::Desk;
pub(crate) use logs::{BUDGET, budget};

use crate::{Durability, fault::Work};

/// Jobs that share a transaction at most.
const GROUP_JOBS: usize = 512;

type Answer = oneshot::Sender<Result<(), StoreError>>;

/// What is handed to the writer.
enum Job {
    /// What may share a transaction.
    Shared(Shared, Answer),
    /// Anything else, in a transaction of its own; it sends its own answer.
    Alone(Box<dyn FnOnce(&mut Desk) + Send>),
    /// The end.
    Close,
}

/// Jobs that may share a transaction.
enum Shared {
    /// Facts.
    Append(Append),
    /// Log lines.
    Logs(Vec<LogAppend>),
}

/// A handle on the writer's thread.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
    written: Arc<Mutex<Written>>,
}

impl Writer {
    /// Opens the file, brings its schema up to date, and starts the thread.
    pub(crate) fn start(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let mut desk = Desk::open(path, durability)?;
        let written = desk.written();
        let (queue, jobs) = mpsc::channel();
        let thread = thread::Builder::new().name("drawloom-store".to_owned()).spawn(move || {
            work(&mut desk, &jobs);
            desk.flush_log();
        });
        let thread = thread.map_err(|it| StoreError::Unavailable(format!("no thread for the store: {it}")))?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)), written })
    }

    /// What was written to the journal.
    pub(crate) fn written(&self) -> Written {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over facts. Its place in the order is fixed when this returns.
    pub(crate) fn append(&self, append: Append) -> oneshot::Receiver<Result<(), StoreError>> {
        let (answer, outcome) = oneshot::channel();
        self.hand_over(Job::Shared(Shared::Append(append), answer));
        outcome
    }

    /// Hands over log lines.
    pub(crate) fn logs(&self, appends: Vec<LogAppend>) -> oneshot::Receiver<Result<(), StoreError>> {
        let (answer, outcome) = oneshot::channel();
        self.hand_over(Job::Shared(Shared::Logs(appends), answer));
        outcome
    }

    /// Does `work` in a transaction of its own.
    pub(crate) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> Work<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, outcome) = oneshot::channel();
        self.hand_over(Job::Alone(Box::new(move |desk| {
            // Whoever asked may have gone; the work is done all the same.
            let _ = answer.send(desk.transact(work));
        })));
        outcome.await.unwrap_or(Err(StoreError::Closed))
    }

    /// A job that finds the thread gone is dropped, and with it its answer, which tells who waits for it.
    fn hand_over(&self, job: Job) {
        let _ = self.queue.send(job);
    }

    /// Lets the thread do what was handed over, and waits for its end.
    pub(crate) fn close(&self) {
        self.hand_over(Job::Close);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the store's writer ended in a panic");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

/// The thread's loop.
fn work(desk: &mut Desk, jobs: &Receiver<Job>) {
    let mut left_over = None;
    loop {
        let job = match left_over.take() {
            Some(job) => job,
            None => match desk.next(jobs) {
                Some(job) => job,
                None => return,
            },
        };
        match job {
            Job::Close => return,
            Job::Alone(work) => work(desk),
            Job::Shared(first, answer) => {
                let mut group = vec![(first, answer)];
                while group.len() < GROUP_JOBS
                    && let Ok(job) = jobs.try_recv()
                {
                    match job {
                        Job::Shared(job, answer) => group.push((job, answer)),
                        other => {
                            left_over = Some(other);
                            break;
                        }
                    }
                }
                desk.commit_group(group);
            }
        }
    }
}

#[cfg(test)]
mod tests;
