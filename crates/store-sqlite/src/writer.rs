//! The writer: the desk where everything is written, the thread that works at it, and the queue before it.
//!
//! A small append that finds the desk free is written by the thread that brings it: two threads that wake each other
//! take as long as the flush of a commit.
//!
//! **Invariant:** work is done in the order in which it was handed over. What the thread writes shares one transaction
//! with what comes meanwhile; each append is accepted or refused on its own, and a failure is shared by all that wait.
//! After a failed write or flush nothing is written again.

mod append;
mod desk;
mod logs;
mod room;
mod wal;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
};

use drawloom_store::{Append, LogAppend, StoreError, Written};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::oneshot,
    task,
};

pub(crate) use desk::Desk;
pub(crate) use logs::{BUDGET, budget};

use crate::{Durability, fault::Work};

/// Jobs that share a transaction at most.
const GROUP_JOBS: usize = 512;

/// Runs in an append that is written at once, at most: with more it is better to go on meanwhile.
const SMALL_RUNS: usize = 4;

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

/// A handle on the desk and its thread.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
    seat: Arc<Seat>,
    durability: Durability,
    written: Arc<Mutex<Written>>,
}

/// The place at the desk, for one at a time.
#[derive(Debug)]
struct Seat {
    /// None once the writer is closed.
    desk: Mutex<Option<Desk>>,
    /// Jobs handed over and not yet done.
    waiting: AtomicUsize,
}

impl Seat {
    fn take(&self) -> MutexGuard<'_, Option<Desk>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place, where nobody sits or waits.
    fn take_if_free(&self) -> Option<MutexGuard<'_, Option<Desk>>> {
        (self.waiting.load(Ordering::Acquire) == 0).then(|| self.desk.try_lock().ok()).flatten()
    }
}

impl Writer {
    /// Opens the file, brings its schema up to date, and starts the thread.
    pub(crate) fn start(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let desk = Desk::open(path, durability)?;
        let written = desk.written();
        let seat = Arc::new(Seat { desk: Mutex::new(Some(desk)), waiting: AtomicUsize::new(0) });
        let (queue, jobs) = mpsc::channel();
        let there = Arc::clone(&seat);
        let thread = thread::Builder::new().name("drawloom-store".to_owned()).spawn(move || {
            work(&there, &jobs);
            if let Some(mut desk) = there.take().take() {
                desk.flush_log();
            }
        });
        let thread = thread.map_err(|it| StoreError::Unavailable(format!("no thread for the store: {it}")))?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)), seat, durability, written })
    }

    /// What was written to the journal.
    pub(crate) fn written(&self) -> Written {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over facts. Its place in the order is fixed when this returns.
    pub(crate) fn append(&self, append: Append) -> oneshot::Receiver<Result<(), StoreError>> {
        let (answer, outcome) = oneshot::channel();
        let job = (Shared::Append(append), answer);
        if let Some((job, answer)) = self.write_at_once(job) {
            self.hand_over(Job::Shared(job, answer));
        }
        outcome
    }

    /// Writes a small append on this thread, where nobody sits at the desk; else gives it back.
    fn write_at_once(&self, job: (Shared, Answer)) -> Option<(Shared, Answer)> {
        let small = matches!(&job.0, Shared::Append(it) if it.runs.len() <= SMALL_RUNS);
        // Without further threads all else would stand still during the flush; and a flush that comes later is the
        // business of the thread.
        let others_go_on = Handle::try_current().is_ok_and(|it| it.runtime_flavor() == RuntimeFlavor::MultiThread);
        if !small || !others_go_on || self.durability != Durability::Full {
            return Some(job);
        }
        let Some(mut seat) = self.seat.take_if_free() else { return Some(job) };
        let Some(desk) = seat.as_mut() else { return Some(job) };
        task::block_in_place(|| desk.commit_group(job, || None));
        None
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
        self.seat.waiting.fetch_add(1, Ordering::AcqRel);
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
fn work(seat: &Seat, jobs: &Receiver<Job>) {
    let mut left_over = None;
    loop {
        let Some(job) = left_over.take().or_else(|| next(seat, jobs)) else { return };
        let mut done = 1;
        let mut place = seat.take();
        let Some(desk) = place.as_mut() else { return };
        match job {
            Job::Close => return,
            Job::Alone(work) => work(desk),
            Job::Shared(first, answer) => desk.commit_group((first, answer), || {
                let job = (done < GROUP_JOBS).then(|| jobs.try_recv().ok()).flatten()?;
                match job {
                    Job::Shared(job, answer) => {
                        done += 1;
                        Some((job, answer))
                    }
                    other => {
                        left_over = Some(other);
                        None
                    }
                }
            }),
        }
        drop(place);
        seat.waiting.fetch_sub(done, Ordering::AcqRel);
    }
}

/// The next job; none when nobody can hand one over any more. Flushes commits that were acknowledged before.
fn next(seat: &Seat, jobs: &Receiver<Job>) -> Option<Job> {
    loop {
        let patience = seat.take().as_ref()?.flush_due_in();
        let Some(patience) = patience else { return jobs.recv().ok() };
        let job = jobs.recv_timeout(patience);
        // Under steady load the queue is never empty, and the flush is due all the same.
        if (job.is_err() || patience.is_zero())
            && let Some(desk) = seat.take().as_mut()
        {
            desk.flush_log();
        }
        match job {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

#[cfg(test)]
mod tests;
