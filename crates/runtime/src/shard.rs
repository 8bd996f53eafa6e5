//! The shard loop: the one place where runs change.
//!
//! ```text
//! take messages and timers while the batch has room   in memory, nothing is waited for
//! hand the batch over                                  all of it in one commit, maybe with what follows
//! release what has landed: events, effects, answers    in order, after the commit
//! ```
//!
//! **Invariant:** one task does all this, so runs need no locks. While a batch is being committed the next is
//! decided. A commit that fails ends the loop: nothing of it, or after it, is released.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use drawloom_blueprint::{RunId, Timestamp};
use drawloom_engine::{Admission, Input};
use drawloom_store::StoreError;
use hashbrown::HashMap;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    Error, Work,
    batch::Batch,
    clock::Clock,
    commit::Flight,
    core::Core,
    dispatch::Dispatcher,
    inbox::{Given, Message, Waiter},
    live::Live,
    timers::Timers,
};

/// What takes turns: attempts that end, messages of the loop to itself, and callers.
const TURNS: u8 = 3;

/// After so many turns the clock is read again: reading it costs as much as a small decision.
const CLOCK_EVERY: u32 = 64;

/// Which runs the loop looks after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those that were started or named here, and their sub-flows.
    Named,
    /// All of the store.
    All,
}

/// How the loop stands.
pub(crate) enum Mood {
    Working,
    /// It takes no new work; these want to know when it is done.
    Closing(Vec<oneshot::Sender<()>>),
}

/// All runs of this process.
pub(crate) struct Shard {
    pub(crate) core: Arc<Core>,
    inbox: mpsc::Receiver<Message>,
    /// Messages of the loop to itself.
    pub(crate) own: VecDeque<Message>,
    turn: u8,
    pub(crate) runs: HashMap<RunId, Live>,
    /// Runs on their way into memory, and what waits for them.
    pub(crate) loading: BTreeMap<RunId, Vec<Given>>,
    /// Sub-flows about to begin, and what waits for them.
    pub(crate) starting: BTreeMap<RunId, Vec<Given>>,
    pub(crate) waiters: BTreeMap<RunId, Vec<Waiter>>,
    pub(crate) slots: Admission,
    pub(crate) timers: Timers,
    pub(crate) tasks: Dispatcher,
    pub(crate) batch: Batch,
    flight: Flight,
    pub(crate) clock: Clock,
    pub(crate) reach: Reach,
    pub(crate) mood: Mood,
    swept: Instant,
}

impl Shard {
    pub(crate) fn new(core: Arc<Core>, inbox: mpsc::Receiver<Message>, slots: Admission, flight: Flight) -> Self {
        let tasks = Dispatcher::new(core.settings.parallelism);
        let clock = Clock::new(Arc::clone(&core.settings.world));
        Self {
            core,
            inbox,
            own: VecDeque::new(),
            turn: 0,
            runs: HashMap::new(),
            loading: BTreeMap::new(),
            starting: BTreeMap::new(),
            waiters: BTreeMap::new(),
            slots,
            timers: Timers::default(),
            tasks,
            batch: Batch::default(),
            flight,
            clock,
            reach: Reach::Named,
            mood: Mood::Working,
            swept: Instant::now(),
        }
    }

    /// Works until it is closed or dropped, or the store fails.
    pub(crate) async fn run(mut self) -> Result<(), Error> {
        let dead = self.core.dead.clone();
        loop {
            self.drain();
            self.hand_over()?;
            if self.is_done() {
                return Ok(());
            }
            if self.batch.has_room() && !self.own.is_empty() {
                // There is more to do at once; whatever else is ready gets its turn.
                tokio::task::yield_now().await;
                if dead.is_cancelled() {
                    return Ok(());
                }
                continue;
            }
            let nap = self.nap();
            tokio::select! {
                biased;
                () = dead.cancelled() => return Ok(()),
                landed = self.flight.landed() => match landed {
                    Ok(batch) => {
                        self.clock.read();
                        self.release(batch);
                    }
                    Err(error) => return Err(self.fail(error)),
                },
                Some(it) = self.tasks.ended(), if self.batch.has_room() => {
                    self.clock.read();
                    self.attempt_ended(it);
                }
                message = self.inbox.recv(), if self.batch.has_room() => match message {
                    Some(it) => {
                        self.clock.read();
                        self.take(it);
                    }
                    None => return Ok(()),
                },
                () = tokio::time::sleep(nap) => {}
            }
        }
    }

    /// Notes why the loop ends, before those who wait for answers learn that there will be none.
    fn fail(&self, error: StoreError) -> Error {
        let error = Error::Store(error);
        // The first failure is the reason for all that follow.
        let _ = self.core.failure.set(Arc::new(error.clone()));
        error
    }

    /// The instant of this turn of the loop; it never goes back within this process.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.last()
    }

    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.mood, Mood::Closing(_))
    }

    /// Takes in what is there, as long as there is room. Attempts, callers and the loop itself take turns.
    fn drain(&mut self) {
        self.clock.read();
        self.wake();
        let (mut idle, mut taken) = (0, 0_u32);
        while idle < TURNS && self.batch.has_room() {
            idle = if self.take_turn() { 0 } else { idle + 1 };
            taken += 1;
            if self.flight.wants_early(&self.batch) {
                self.flight.hand_over_early(std::mem::take(&mut self.batch));
            }
            if taken.is_multiple_of(CLOCK_EVERY) {
                self.clock.read();
            }
        }
        if self.clock.instant().duration_since(self.swept) >= self.core.settings.idle / 2 {
            self.swept = self.clock.instant();
            self.sweep();
        }
    }

    /// Takes in one thing of the kind whose turn it is, if there is any.
    fn take_turn(&mut self) -> bool {
        self.turn = (self.turn + 1) % TURNS;
        let message = match self.turn {
            0 => match self.tasks.try_ended() {
                Some(it) => {
                    self.attempt_ended(it);
                    return true;
                }
                None => None,
            },
            1 => self.own.pop_front(),
            _ => self.inbox.try_recv().ok(),
        };
        let found = message.is_some();
        message.into_iter().for_each(|it| self.take(it));
        found
    }

    /// Wakes the runs whose time has come, in due order.
    fn wake(&mut self) {
        if self.core.settings.work == Work::Leave || self.is_closing() {
            return;
        }
        let now = self.now();
        while self.batch.has_room()
            && let Some(run) = self.timers.pop(now)
        {
            self.give(run, Given::quietly(Input::Tick));
        }
    }

    fn nap(&mut self) -> Duration {
        let sweep = self.core.settings.idle / 2;
        if self.core.settings.work == Work::Leave || self.is_closing() || !self.batch.has_room() {
            // Timers wake nobody now.
            return sweep;
        }
        let now = self.now();
        self.timers.nap(now).map_or(sweep, |it| it.min(sweep))
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        while !self.batch.is_empty() {
            let landed = if self.batch.is_factless() && self.flight.is_empty() {
                // Everything that came before is durable already.
                Some(Ok(std::mem::take(&mut self.batch)))
            } else if !self.batch.is_factless() && self.flight.wants(&self.batch) {
                self.flight.hand_over(std::mem::take(&mut self.batch))
            } else {
                return Ok(());
            };
            match landed {
                Some(Ok(batch)) => self.release(batch),
                Some(Err(error)) => return Err(self.fail(error)),
                None => {}
            }
        }
        Ok(())
    }

    fn is_done(&mut self) -> bool {
        let quiet = self.batch.is_empty() && self.flight.is_empty() && self.tasks.is_idle() && self.own.is_empty();
        match &mut self.mood {
            Mood::Closing(waiting) if quiet => {
                for it in waiting.drain(..) {
                    // Whoever no longer waits needs no answer.
                    let _ = it.send(());
                }
                true
            }
            _ => false,
        }
    }
}
