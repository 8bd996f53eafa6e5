//! Which attempts wait for a slot of this process, which have one, and how they are stopped.
//!
//! **Invariant:** an attempt is here at most once, queued or active; its slot is free again when its end is
//! reported and not before.

use std::collections::{HashMap, HashSet};

use drawloom_blueprint::RunId;
use drawloom_engine::{AttemptId, Dispatch, FairQueue, Standing};
use drawloom_queue::TaskId;
use tokio_util::sync::CancellationToken;

/// The identity of an attempt across runs.
pub(crate) fn task_id(run: RunId, it: AttemptId) -> TaskId {
    TaskId { run, frame: it.frame, serial: it.serial, step: it.step, attempt: it.attempt }
}

/// The identity of an attempt within its run.
pub(crate) fn attempt_id(it: TaskId) -> AttemptId {
    AttemptId { frame: it.frame, serial: it.serial, step: it.step, attempt: it.attempt }
}

/// How an attempt that has a slot is stopped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brakes {
    /// Asks it to stop.
    pub(crate) stop: CancellationToken,
    /// Says that nobody waits for it longer than the grace period.
    pub(crate) kill: CancellationToken,
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
    queue: FairQueue<TaskId>,
    queued: HashSet<TaskId>,
    active: HashMap<TaskId, Brakes>,
    slots: usize,
}

impl Dispatcher {
    pub(crate) fn new(slots: usize) -> Self {
        Self { queue: FairQueue::default(), queued: HashSet::new(), active: HashMap::new(), slots: slots.max(1) }
    }

    /// Lines up an attempt; one that is here already stays where it is.
    pub(crate) fn line_up(&mut self, run: RunId, flow: &str, it: &Dispatch) {
        let task = task_id(run, it.attempt);
        if !self.active.contains_key(&task) && self.queued.insert(task) {
            self.queue.push(&Standing { flow, weight: 1, run, priority: it.priority }, task);
        }
    }

    /// Gives a free slot to the attempt whose turn it is.
    pub(crate) fn next(&mut self) -> Option<(TaskId, Brakes)> {
        while self.active.len() < self.slots {
            let task = self.queue.pop()?;
            // One that was stopped while it waited is no longer in the set.
            if self.queued.remove(&task) {
                let brakes = Brakes::default();
                self.active.insert(task, brakes.clone());
                return Some((task, brakes));
            }
        }
        None
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

    /// Stops an attempt for whose end nobody waits.
    pub(crate) fn kill(&mut self, task: TaskId) {
        if self.stop(task) == Stopping::Asked
            && let Some(it) = self.active.get(&task)
        {
            it.kill.cancel();
        }
    }

    /// Takes back the slot of an attempt that has ended.
    pub(crate) fn ended(&mut self, task: TaskId) {
        self.active.remove(&task);
    }

    /// Stops everything; nothing new gets a slot.
    pub(crate) fn stop_all(&mut self) {
        self.slots = 0;
        for it in self.active.values() {
            it.stop.cancel();
            it.kill.cancel();
        }
    }

    /// Whether no attempt has a slot.
    pub(crate) fn is_idle(&self) -> bool {
        self.active.is_empty()
    }
}
