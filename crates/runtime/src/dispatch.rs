//! Which attempts wait for a slot of this process, which have one, and how they are stopped.
//!
//! **Invariant:** an attempt is here at most once, queued or active; its slot is free again when its end is
//! reported and not before.

use std::{collections::VecDeque, sync::Arc};

use drawloom_blueprint::{Outcome, RunId};
use drawloom_engine::{AttemptId, Dispatch, FairQueue, Standing};
use drawloom_queue::TaskId;
use hashbrown::{HashMap, HashSet};
use tokio::{sync::mpsc, task::AbortHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::{self, Begun, Parameters},
    core::Core,
};

/// The identity of an attempt across runs.
pub(crate) fn task_id(run: RunId, it: AttemptId) -> TaskId {
    TaskId { run, frame: it.frame, serial: it.serial, step: it.step, attempt: it.attempt }
}

/// The identity of an attempt within its run.
pub(crate) fn attempt_id(it: TaskId) -> AttemptId {
    AttemptId { frame: it.frame, serial: it.serial, step: it.step, attempt: it.attempt }
}

/// How an attempt ended.
pub(crate) type Ended = (TaskId, Outcome);

/// Where attempts report their ends. There are never more than slots, so it needs no bound of its own.
pub(crate) type Report = mpsc::UnboundedSender<Ended>;

/// How an attempt that has a slot is stopped.
#[derive(Debug)]
struct Brakes {
    /// Asks it to stop.
    stop: CancellationToken,
    /// Drops it; none where it has ended and its report is on its way.
    work: Option<AbortHandle>,
}

/// What became of a wish to stop an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopping {
    /// It was asked to, and will report its end.
    Asked,
    /// It was not running, and will not.
    NotRunning,
}

/// The attempts of this process.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    /// Those for which there is a slot: while none waits in the queue, no order is to be kept.
    next: VecDeque<TaskId>,
    queue: FairQueue<TaskId>,
    /// All that wait, in either.
    queued: HashSet<TaskId>,
    active: HashMap<TaskId, Brakes>,
    slots: usize,
    report: Report,
    ended: mpsc::UnboundedReceiver<Ended>,
}

impl Dispatcher {
    pub(crate) fn new(slots: usize) -> Self {
        let (report, ended) = mpsc::unbounded_channel();
        Self {
            next: VecDeque::new(),
            queue: FairQueue::default(),
            queued: HashSet::new(),
            active: HashMap::new(),
            slots: slots.max(1),
            report,
            ended,
        }
    }

    /// Lines up an attempt; one that is here already stays where it is.
    pub(crate) fn line_up(&mut self, run: RunId, flow: &str, it: &Dispatch) {
        let task = task_id(run, it.attempt);
        if self.active.contains_key(&task) || !self.queued.insert(task) {
            return;
        }
        if self.queue.is_empty() && self.active.len() + self.next.len() < self.slots {
            self.next.push_back(task);
        } else {
            self.queue.push(&Standing { flow, weight: 1, run, priority: it.priority }, task);
        }
    }

    /// The attempt whose turn it is, if there is a free slot for it.
    pub(crate) fn next(&mut self) -> Option<TaskId> {
        while self.active.len() < self.slots {
            let task = self.next.pop_front().or_else(|| self.queue.pop())?;
            // One that was stopped while it waited is no longer in the set.
            if self.queued.remove(&task) {
                return Some(task);
            }
        }
        None
    }

    /// Gives a slot to an attempt and has it executed.
    pub(crate) fn begin(&mut self, core: &Arc<Core>, task: TaskId, parameters: Parameters) {
        let stop = CancellationToken::new();
        let work = match attempt::begin(core, &self.report, task, (parameters, stop.clone())) {
            Begun::Working(work) => Some(work),
            Begun::Ended(outcome) => {
                // The dispatcher holds the other end.
                let _ = self.report.send((task, outcome));
                None
            }
        };
        self.active.insert(task, Brakes { stop, work });
    }

    /// Asks an attempt to stop.
    pub(crate) fn stop(&mut self, task: TaskId) -> Stopping {
        self.queued.remove(&task);
        match self.active.get(&task) {
            Some(it) => {
                it.stop.cancel();
                Stopping::Asked
            }
            None => Stopping::NotRunning,
        }
    }

    /// Stops an attempt for whose end nobody waits longer than the grace period.
    pub(crate) fn kill(&mut self, core: &Core, task: TaskId) {
        if self.stop(task) == Stopping::Asked
            && let Some(work) = self.active.get(&task).and_then(|it| it.work.clone())
        {
            let (report, grace) = (self.report.clone(), core.settings.grace);
            core.spawn(async move {
                tokio::time::sleep(grace).await;
                if !work.is_finished() {
                    work.abort();
                    // Of two reports of an end the second is dropped.
                    let _ = report.send((task, Outcome::Failure(attempt::cancelled())));
                }
            });
        }
    }

    /// The next attempt that has ended. Its slot is free.
    pub(crate) fn try_ended(&mut self) -> Option<Ended> {
        let it = self.ended.try_recv().ok()?;
        self.active.remove(&it.0);
        Some(it)
    }

    /// Waits for the next attempt that ends.
    pub(crate) async fn ended(&mut self) -> Option<Ended> {
        let it = self.ended.recv().await?;
        self.active.remove(&it.0);
        Some(it)
    }

    /// Stops everything; nothing new gets a slot.
    pub(crate) fn stop_all(&mut self, core: &Core) {
        self.slots = 0;
        let mut active: Vec<TaskId> = self.active.keys().copied().collect();
        active.sort_unstable();
        for task in active {
            self.kill(core, task);
        }
    }

    /// Whether no attempt has a slot.
    pub(crate) fn is_idle(&self) -> bool {
        self.active.is_empty()
    }
}
