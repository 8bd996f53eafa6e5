//! What all parts of one simulation share: its chance, its clock, its disk, its ledger, its trace.
//!
//! **Invariant:** one thread, one generator of chance, one clock that stands still while anything is to be done; so
//! a seed decides everything.

use std::{
    fmt::Display,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use drawloom_blueprint::Timestamp;
use drawloom_runtime::{Error, World};
use drawloom_store::{Epoch, MemoryStore};
use fastrand::Rng;
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{ledger::Ledger, plan::Plan, trace::Show, trace::Trace};

/// When simulated worlds begin: 2023-11-14.
const BEGIN: i64 = 1_700_000_000_000_000;

/// A simulation.
pub(crate) struct Stage {
    /// How rough it is.
    pub(crate) plan: Plan,
    rng: Mutex<Rng>,
    trace: Mutex<Trace>,
    ledger: Mutex<Ledger>,
    /// What survives a crash.
    pub(crate) memory: Arc<MemoryStore>,
    began: Instant,
    /// By how many microseconds the wall clock is off.
    offset: AtomicI64,
    /// The most that it ever was.
    ahead: AtomicI64,
    /// Cancelled when faults stop for good.
    pub(crate) calm: CancellationToken,
    outage: AtomicBool,
    epoch: AtomicU64,
    owner: Mutex<Option<Arc<Life>>>,
    /// Said when a process dies at a commit.
    died: Notify,
    trouble: Mutex<Option<String>>,
    numbers: AtomicI64,
    /// Calls of the store: a simulation that makes too many of them goes in circles.
    calls: AtomicU64,
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

/// More calls of the store than any sound simulation makes.
const CALLS_MAX: u64 = 3_000_000;

impl Stage {
    pub(crate) fn new(seed: u64, show: Show) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5eed);
        Self {
            plan: Plan::new(&mut rng),
            rng: Mutex::new(rng),
            trace: Mutex::new(Trace::new(show)),
            ledger: Mutex::default(),
            memory: Arc::new(MemoryStore::new()),
            began: Instant::now(),
            offset: AtomicI64::new(0),
            ahead: AtomicI64::new(0),
            calm: CancellationToken::new(),
            outage: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
            owner: Mutex::default(),
            died: Notify::new(),
            trouble: Mutex::default(),
            numbers: AtomicI64::new(0),
            calls: AtomicU64::new(0),
        }
    }

    pub(crate) fn rng(&self) -> MutexGuard<'_, Rng> {
        lock(&self.rng)
    }

    pub(crate) fn trace(&self) -> MutexGuard<'_, Trace> {
        lock(&self.trace)
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    pub(crate) fn say(&self, text: impl Display) {
        self.trace().say(text.to_string());
    }

    /// Whether a fault of this many thousandths comes now. There is none once the world is calm.
    pub(crate) fn fault(&self, chance: u32) -> bool {
        chance > 0 && !self.calm.is_cancelled() && self.rng().u32(0..1_000) < chance
    }

    /// A duration up to so many milliseconds, short ones more often.
    pub(crate) fn span(&self, most: u64) -> Duration {
        let mut rng = self.rng();
        let micros = if rng.bool() { rng.u64(0..=most * 1_000) } else { rng.u64(0..=most * 50) };
        Duration::from_micros(micros)
    }

    /// A number that is given once.
    pub(crate) fn number(&self) -> i64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// An invariant was broken. The first one counts.
    pub(crate) fn break_off(&self, why: String) {
        let mut trouble = lock(&self.trouble);
        if trouble.is_none() {
            self.say(format_args!("BROKEN: {why}"));
            *trouble = Some(why);
        }
    }

    pub(crate) fn check(&self, holds: Result<(), String>) {
        if let Err(why) = holds {
            self.break_off(why);
        }
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    /// Tells the director that a process has died.
    pub(crate) fn tell_death(&self) {
        self.died.notify_one();
    }

    /// Sets the wall clock forward or back.
    pub(crate) fn jump(&self, micros: i64) {
        let before = self.offset.fetch_add(micros, Ordering::Relaxed);
        self.ahead.fetch_max(before.saturating_add(micros), Ordering::Relaxed);
    }

    /// Makes up for what the wall clock was set back: whoever waits for a time need not wait for that as well.
    pub(crate) fn set_clock_right(&self) {
        self.offset.store(self.ahead.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(crate) fn set_outage(&self, is_out: bool) {
        self.outage.store(is_out, Ordering::Relaxed);
    }

    /// Waits until a process is dead.
    pub(crate) async fn death_of(&self, life: &Life) {
        while life.is_alive() {
            self.died.notified().await;
        }
    }

    pub(crate) fn is_out(&self) -> bool {
        self.outage.load(Ordering::Relaxed)
    }

    /// A process has become the owner; the one before it is not any more.
    pub(crate) fn claimed(&self, epoch: Epoch, life: &Arc<Life>) {
        self.epoch.store(epoch.0, Ordering::Relaxed);
        if let Some(former) = lock(&self.owner).replace(Arc::clone(life)) {
            former.lose();
        }
        life.own();
        self.ledger().acknowledge_all();
    }

    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Relaxed))
    }

    /// Counts a call, and notices circles.
    pub(crate) fn count_call(&self) {
        if self.calls.fetch_add(1, Ordering::Relaxed) == CALLS_MAX {
            self.break_off(format!("the store was called {CALLS_MAX} times: the loom goes in circles"));
        }
    }
}

impl World for Stage {
    fn now(&self) -> Timestamp {
        let off = self.offset.load(Ordering::Relaxed);
        Timestamp(BEGIN.saturating_add(off)).after(self.began.elapsed())
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        self.rng().fill(bytes);
        Ok(())
    }
}

/// A process that owns the store, or believes so.
pub(crate) struct Life {
    /// Its number, from 1.
    pub(crate) number: u32,
    alive: AtomicBool,
    owner: AtomicBool,
}

impl Life {
    pub(crate) fn new(number: u32) -> Self {
        Self { number, alive: AtomicBool::new(true), owner: AtomicBool::new(false) }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    /// Whether nobody claimed the store since this process did.
    pub(crate) fn is_owner(&self) -> bool {
        self.is_alive() && self.owner.load(Ordering::Relaxed)
    }

    pub(crate) fn die(&self) {
        self.alive.store(false, Ordering::Relaxed);
    }

    fn own(&self) {
        self.owner.store(true, Ordering::Relaxed);
    }

    fn lose(&self) {
        self.owner.store(false, Ordering::Relaxed);
    }

    /// Waits for ever once the process is dead.
    pub(crate) async fn breathe(&self) {
        if !self.is_alive() {
            std::future::pending::<()>().await;
        }
    }
}
