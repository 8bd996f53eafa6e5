//! Flushing the log on a timer, for those who chose speed over the last moments.
//!
//! **Invariant:** with [`Durability::Relaxed`](crate::Durability::Relaxed) a commit is on disk [`EVERY`] after it was
//! acknowledged, or the writer stops.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The longest a commit stays unflushed.
pub(super) const EVERY: Duration = Duration::from_millis(50);

/// The log beside the store, and since when it holds unflushed commits.
#[derive(Debug)]
pub(super) struct WalFlush {
    path: PathBuf,
    file: Option<File>,
    unflushed_since: Option<Instant>,
}

impl WalFlush {
    pub(super) fn new(store: &Path) -> Self {
        Self { path: crate::lock::beside(store, "-wal"), file: None, unflushed_since: None }
    }

    /// Something was committed.
    pub(super) fn committed(&mut self) {
        self.unflushed_since.get_or_insert_with(Instant::now);
    }

    /// How long the next flush may wait; none where nothing needs one.
    pub(super) fn due_in(&self) -> Option<Duration> {
        self.unflushed_since.map(|since| EVERY.saturating_sub(since.elapsed()))
    }

    /// Flushes now. The log file stays the same as long as the writer's connection is open.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.unflushed_since.take().is_none() {
            return Ok(());
        }
        if self.file.is_none() {
            self.file = Some(File::open(&self.path)?);
        }
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }
}
