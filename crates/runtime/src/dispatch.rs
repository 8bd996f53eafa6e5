//! Which attempts wait for a slot of this process, which have one, and how they are stopped.
//!
//! **Invariant:** no attempt is executed twice at once; its slot is free again when its end is taken in and not before.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use drawloom_blueprint::{Outcome, RunId, Timestamp};
use drawloom_engine::{AttemptId, Dispatch, FairQueue, Standing};
use drawloom_queue::TaskId;
use hashbrown::HashMap;
use tokio::{sync::mpsc, task::AbortHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::{self, Beginning, Begun, Means},
    core::Core,
};

/// An attempt that was dropped and is not gone by then keeps its thread to itself, and is not waited for.
const GONE: Duration = Duration::from_secs(1);

/// How often it is looked whether it is gone.
const LOOK: Duration = Duration::from_millis(1);

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

/// How an attempt that is under way is stopped.
#[derive(Debug)]
struct Brakes {
    /// Asks it to stop.
    stop: CancellationToken,
    /// Drops it.
    work: AbortHandle,
}

/// What became of a wish to stop an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopping {
    /// It was asked to, or has ended: it will report its end.
    Asked,
    /// It has not begun, and will not: its run does not let it.
    NotRunning,
}

/// The attempts of this process.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    /// Those for which there is a slot: while none waits in the queue, no order is to be kept.
    next: VecDeque<TaskId>,
    queue: FairQueue<TaskId>,
    /// Those that are executed beside the loop.
    active: HashMap<TaskId, Brakes>,
    /// Those that ended where they began. They have their slots until they are taken in.
    done: VecDeque<Ended>,
    /// Whose turn it is where attempts have ended both here and beside the loop.
    is_turn_of_done: bool,
    slots: usize,
    report: Report,
    ended: mpsc::UnboundedReceiver<Ended>,
    /// That of an attempt which ended without listening to it, for another one.
    spare: Option<CancellationToken>,
}

impl Dispatcher {
    pub(crate) fn new(slots: usize) -> Self {
        let (report, ended) = mpsc::unbounded_channel();
        Self {
            next: VecDeque::new(),
            queue: FairQueue::default(),
            active: HashMap::new(),
            done: VecDeque::new(),
            is_turn_of_done: true,
            slots: slots.max(1),
            report,
            ended,
            spare: None,
        }
    }

    fn free(&self) -> usize {
        self.slots.saturating_sub(self.active.len() + self.done.len())
    }

    /// Lines up an attempt.
    pub(crate) fn line_up(&mut self, run: RunId, flow: &str, it: &Dispatch) {
        let task = task_id(run, it.attempt);
        if self.queue.is_empty() && self.next.len() < self.free() {
            self.next.push_back(task);
        } else {
            self.queue.push(&Standing { flow, weight: 1, run, priority: it.priority }, task);
        }
    }

    /// The attempt whose turn it is, if there is a free slot for it. It may have been stopped while it waited: its
    /// run knows.
    pub(crate) fn next(&mut self) -> Option<TaskId> {
        if self.free() == 0 {
            return None;
        }
        self.next.pop_front().or_else(|| self.queue.pop())
    }

    /// Gives a slot to an attempt and has it executed.
    pub(crate) fn begin(&mut self, core: &Arc<Core>, task: TaskId, means: Means, at: Timestamp) {
        debug_assert!(!self.has_slot(task), "invariant: an attempt is lined up once in a process: {task:?}");
        let stop = self.spare.take().unwrap_or_default();
        let it = Beginning { task, executor: means.executor, stop: stop.clone(), at };
        match attempt::begin(core, &self.report, it, means.parameters) {
            Begun::Working(work) => {
                self.active.insert(task, Brakes { stop, work });
            }
            Begun::Ended(outcome) => {
                self.done.push_back((task, outcome));
                self.spare = (!stop.is_cancelled()).then_some(stop);
            }
        }
    }

    fn has_slot(&self, task: TaskId) -> bool {
        self.active.contains_key(&task) || self.done.iter().any(|(it, _)| *it == task)
    }

    /// Asks an attempt to stop.
    pub(crate) fn stop(&mut self, task: TaskId) -> Stopping {
        if let Some(it) = self.active.get(&task) {
            it.stop.cancel();
        }
        if self.has_slot(task) { Stopping::Asked } else { Stopping::NotRunning }
    }

    /// Stops an attempt for whose end nobody waits longer than the grace period.
    pub(crate) fn kill(&mut self, core: &Core, task: TaskId) {
        let Some(Brakes { stop, work }) = self.active.get(&task) else { return };
        stop.cancel();
        let (report, grace, work) = (self.report.clone(), core.settings.grace, work.clone());
        core.spawn(async move {
            tokio::time::sleep(grace).await;
            if !work.is_finished() {
                work.abort();
                // Its slot is free when it is gone, which takes until it next waits for something.
                let gone = async {
                    while !work.is_finished() {
                        tokio::time::sleep(LOOK).await;
                    }
                };
                let _ = tokio::time::timeout(GONE, gone).await;
                // Of two reports of an end the second is dropped.
                let _ = report.send((task, Outcome::Failure(attempt::cancelled())));
            }
        });
    }

    /// The next attempt that has ended. Its slot is free.
    pub(crate) fn try_ended(&mut self) -> Option<Ended> {
        self.is_turn_of_done = !self.is_turn_of_done;
        if self.is_turn_of_done
            && let Some(it) = self.done.pop_front()
        {
            return Some(it);
        }
        if !self.active.is_empty()
            && let Ok(it) = self.ended.try_recv()
        {
            self.active.remove(&it.0);
            return Some(it);
        }
        self.done.pop_front()
    }

    /// Waits for the next attempt that ends.
    pub(crate) async fn ended(&mut self) -> Option<Ended> {
        if let Some(it) = self.try_ended() {
            return Some(it);
        }
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
        self.active.is_empty() && self.done.is_empty()
    }
}
