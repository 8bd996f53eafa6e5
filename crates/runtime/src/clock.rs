//! The clock and the chance of the world: the only place of this crate that asks for either.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use drawloom_blueprint::{RunId, Timestamp};

use crate::Error;

/// The present instant.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// A clock that never goes back: where the wall clock does, it goes on at its usual pace.
#[derive(Debug)]
pub(crate) struct Clock {
    at: Timestamp,
    read: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { at: now(), read: Instant::now() }
    }

    /// The present instant.
    pub(crate) fn now(&mut self) -> Timestamp {
        let read = Instant::now();
        self.at = self.at.after(read.duration_since(self.read)).max(now());
        self.read = read;
        self.at
    }

    /// The instant that was read last.
    pub(crate) fn last(&self) -> Timestamp {
        self.at
    }
}

/// The id of a run that begins now.
///
/// # Errors
/// Where the system has no random numbers.
pub fn new_run_id() -> Result<RunId, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes[6..]).map_err(|it| Error::NoChance(it.to_string()))?;
    let ms = u64::try_from(now().0 / 1_000).unwrap_or(0);
    bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
    Ok(RunId(u128::from_be_bytes(bytes)))
}

/// A seed that nobody can guess: tokens of waits are derived from it.
pub(crate) fn new_seed() -> Result<u64, Error> {
    getrandom::u64().map_err(|it| Error::NoChance(it.to_string()))
}
