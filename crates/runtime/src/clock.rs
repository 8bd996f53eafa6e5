//! The clock and the chance of the world: the only place of this crate that asks for either.
//!
//! **Invariant:** a loom learns the time of day and draws numbers through its [`World`] alone, and measures spans by
//! the clock of the async runtime; so under a given world and a paused clock it does the same again.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use drawloom_blueprint::{RunId, Timestamp};
use tokio::time::Instant;

use crate::Error;

/// Where a loom learns the time of day and draws its random numbers.
pub trait World: Send + Sync {
    /// The present instant by the wall clock. It may jump, also back.
    fn now(&self) -> Timestamp;

    /// Fills `bytes` with chance that nobody can guess.
    ///
    /// # Errors
    /// Where there is none to be had.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error>;
}

/// The clock and the chance of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemWorld;

impl World for SystemWorld {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(bytes).map_err(|it| Error::NoChance(it.to_string()))
    }
}

/// The present instant of the system.
#[must_use]
pub fn now() -> Timestamp {
    SystemWorld.now()
}

/// A clock that never goes back: where the wall clock does, it goes on at its usual pace.
pub(crate) struct Clock {
    world: Arc<dyn World>,
    at: Timestamp,
    read: Instant,
}

impl Clock {
    pub(crate) fn new(world: Arc<dyn World>) -> Self {
        let at = world.now();
        Self { world, at, read: Instant::now() }
    }

    /// Looks at the clock.
    pub(crate) fn read(&mut self) {
        let read = Instant::now();
        self.at = self.at.after(read.duration_since(self.read)).max(self.world.now());
        self.read = read;
    }

    /// When it was read last, by the clock of the async runtime.
    pub(crate) fn instant(&self) -> Instant {
        self.read
    }

    /// The instant that was read last.
    pub(crate) fn last(&self) -> Timestamp {
        self.at
    }
}

/// The id of a run that begins now.
///
/// # Errors
/// Where the world has no random numbers.
pub fn new_run_id(world: &dyn World) -> Result<RunId, Error> {
    let mut bytes = [0; 16];
    world.fill(&mut bytes[6..])?;
    let ms = u64::try_from(world.now().0 / 1_000).unwrap_or(0);
    bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
    Ok(RunId(u128::from_be_bytes(bytes)))
}

/// A seed that nobody can guess: tokens of waits are derived from it.
pub(crate) fn new_seed(world: &dyn World) -> Result<u64, Error> {
    let mut bytes = [0; 8];
    world.fill(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}
