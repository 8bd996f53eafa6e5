//! The simulated store: the memory store behind a disk that takes time, fails, and forgets at a crash what it had
//! not acknowledged, or keeps it.
//!
//! **Invariant:** what was acknowledged is in the memory store for good. Of what was not, a crash keeps some
//! first part, in the order in which it was handed over.

mod pass;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use drawloom_runtime::Reader;
use drawloom_store::{Append, Follows, Journal, MemoryStore, StoreError};
use futures_util::FutureExt;
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, sleep},
};

use crate::{
    flows::inline,
    ledger::Checked,
    stage::{Life, Stage},
};

type Answer = Result<(), StoreError>;

struct Waiting {
    append: Append,
    answer: oneshot::Sender<Answer>,
}

/// The store as one process sees it.
pub(crate) struct Disk {
    stage: Arc<Stage>,
    life: Arc<Life>,
    memory: MemoryStore,
    reader: Reader,
    queue: Mutex<VecDeque<Waiting>>,
    more: Notify,
    /// Why nothing is written any more.
    broken: Mutex<Option<StoreError>>,
}

impl Disk {
    /// The store for a process; its disk begins to turn.
    pub(crate) fn open(stage: &Arc<Stage>, life: &Arc<Life>) -> Arc<Self> {
        let it = Arc::new(Self {
            stage: Arc::clone(stage),
            life: Arc::clone(life),
            memory: stage.memory.reopen(),
            reader: Reader::new(Arc::clone(&stage.memory) as Arc<dyn drawloom_store::Store>, inline),
            queue: Mutex::default(),
            more: Notify::new(),
            broken: Mutex::default(),
        });
        tokio::spawn(turn(Arc::clone(&it)));
        it
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broken(&self) -> MutexGuard<'_, Option<StoreError>> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process dies: some of what was under way is durable, the rest is gone.
    pub(crate) fn crash(&self) {
        if !self.life.is_alive() {
            return;
        }
        self.life.die();
        let mut queue = std::mem::take(&mut *self.queue());
        let survives = self.stage.rng().usize(0..=queue.len());
        self.stage.say(format_args!(
            "process {} dies; {survives} of {} appends survive",
            self.life.number,
            queue.len()
        ));
        for it in queue.drain(..survives) {
            // Nobody is left to hear of it.
            let _ = self.write(it.append);
        }
        self.stage.tell_death();
    }

    /// Writes an append, and has the ledger look at it.
    fn write(&self, append: Append) -> Answer {
        let current = self.stage.epoch();
        let held = append.claim.epoch;
        let runs: Vec<_> = append.runs.iter().map(|it| (it.run, it.follows.clone(), it.state.clone())).collect();
        let answer = self.memory.append(append).now_or_never().unwrap_or(Err(StoreError::Closed));
        match &answer {
            Ok(()) if held != current => {
                let what = format!("an append under epoch {held} was let in, and the owner has epoch {current}");
                self.stage.break_off(what);
            }
            Ok(()) => {
                for (run, follows, state) in runs {
                    if let Follows::Nothing(head) = follows {
                        self.stage.check(self.begin(run, *head));
                    }
                    let facts = self.facts(run);
                    let mut trace = self.stage.trace();
                    facts.iter().for_each(|it| trace.fact(run, it));
                    drop(trace);
                    let checked = self.stage.ledger().commit(run, &facts, &state);
                    self.stage.check(checked);
                }
            }
            Err(error) => {
                self.stage.say(format_args!("append of process {}: {error}", self.life.number));
                // An owner whose appends follow one another is never refused.
                let expected = held != current && matches!(error, StoreError::Fenced { .. });
                if !expected && self.broken().is_none() {
                    self.stage.break_off(format!("an append under epoch {held} was refused: {error}"));
                }
            }
        }
        answer
    }

    fn begin(&self, run: drawloom_blueprint::RunId, head: drawloom_store::RunHead) -> Checked {
        let blueprint = self.reader.blueprint(head.version).now_or_never();
        let blueprint = blueprint.and_then(Result::ok).ok_or_else(|| format!("run {run} has no version"))?;
        self.stage.ledger().open(run, head, &blueprint);
        Ok(())
    }

    /// The facts of a run that the ledger does not have yet, as they stand in the store.
    fn facts(&self, run: drawloom_blueprint::RunId) -> Vec<drawloom_runtime::Recorded> {
        let after = self.stage.ledger().last_seq(run);
        match self.reader.facts(run, after).now_or_never() {
            Some(Ok(facts)) => facts,
            other => {
                self.stage.break_off(format!("the facts of run {run} cannot be read: {other:?}"));
                Vec::new()
            }
        }
    }

    /// What goes wrong with an append.
    fn fault(&self, append: &Append) -> Option<StoreError> {
        if let Some(error) = self.broken().clone() {
            return Some(error);
        }
        let kind = match self.stage.is_out() {
            true => 1,
            false if self.stage.fault(self.stage.plan.fail) => self.stage.rng().u8(0..3),
            false => return None,
        };
        let error = match kind {
            0 => StoreError::Full("the simulated disk is full".to_owned()),
            1 => StoreError::Unavailable("the simulated store is away".to_owned()),
            _ => {
                if self.stage.rng().bool() {
                    // What broke is the answer: the write itself is there.
                    let _ = self.write(append.clone());
                }
                StoreError::Broken("the simulated disk failed".to_owned())
            }
        };
        // Whatever waits behind an append that failed shares its failure, and a loom hands nothing over after one.
        *self.broken() = Some(error.clone());
        Some(error)
    }

    async fn pause(&self) {
        let slow = self.stage.fault(self.stage.plan.slow_write);
        let span = self.stage.span(if slow { 3_000 } else { 4 });
        if !span.is_zero() {
            sleep(span).await;
        }
    }
}

/// Writes what is handed over, one append after the other.
async fn turn(disk: Arc<Disk>) {
    loop {
        while disk.queue().is_empty() {
            disk.more.notified().await;
        }
        disk.pause().await;
        if !disk.life.is_alive() {
            return;
        }
        let dies = disk.stage.fault(disk.stage.plan.crash);
        if dies && disk.stage.rng().bool() {
            return disk.crash();
        }
        let Some(Waiting { append, answer }) = disk.queue().pop_front() else { continue };
        let runs: Vec<_> = append.runs.iter().map(|it| it.run).collect();
        let fault = disk.fault(&append);
        let result = match fault {
            Some(error) => Err(error),
            None => disk.write(append),
        };
        if dies {
            return disk.crash();
        }
        disk.pause().await;
        if !disk.life.is_alive() {
            return;
        }
        if result.is_ok() {
            let now = Instant::now();
            let mut ledger = disk.stage.ledger();
            runs.into_iter().for_each(|run| ledger.acknowledge(run, now));
        }
        // A loom that is gone does not listen.
        let _ = answer.send(result);
    }
}

/// How long reads take at most, in milliseconds.
const READ: u64 = 40;

impl Disk {
    /// What every call of the store goes through before and after.
    async fn gate(&self) -> Answer {
        self.stage.count_call();
        self.life.breathe().await;
        if self.stage.fault(self.stage.plan.slow_read) {
            let span = self.stage.span(READ);
            if span < Duration::from_millis(1) {
                tokio::task::yield_now().await;
            } else {
                sleep(span).await;
            }
            self.life.breathe().await;
        }
        if self.stage.is_out() {
            return Err(StoreError::Unavailable("the simulated store is away".to_owned()));
        }
        Ok(())
    }
}
