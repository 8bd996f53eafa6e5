//! What attempts print, kept line by line.
//!
//! **Invariant:** an attempt never takes more than [`LOG_MAX`] bytes; where it prints more, its first and
//! its last lines are kept and a notice stands in the place of those between.

pub mod batch;

use async_trait::async_trait;
use drawloom_blueprint::{RunId, Timestamp};

use crate::StoreError;

/// The most bytes that are kept of one attempt. A line counts its text and [`LINE_COST`].
pub const LOG_MAX: u64 = 16 * 1024 * 1024;

/// What a line counts besides its text, so that empty lines are bounded too.
pub const LINE_COST: u64 = 32;

/// The most bytes of text in one line; of a longer one the start is kept, and how much is missing.
pub const LINE_MAX: usize = 1024 * 1024;

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The store says something about the log itself.
    Notice,
}

/// An attempt that prints.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogSource {
    /// The run.
    pub run: RunId,
    /// The path of the step in the run, with the numbers of items and iterations.
    pub path: String,
    /// The attempt's number.
    pub attempt: u32,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its number in its attempt, growing from line to line.
    pub seq: u64,
    /// Where it was printed.
    pub stream: LogStream,
    /// When it was printed.
    pub at: Timestamp,
    /// The text, without the end of the line.
    pub text: String,
}

/// Lines of one attempt, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogAppend {
    /// Whose they are.
    pub source: LogSource,
    /// The lines, in order.
    pub lines: Vec<LogLine>,
}

/// Which lines to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// Of this run.
    pub run: RunId,
    /// Of the step with this path; none: of all steps.
    pub path: Option<String>,
    /// Of this attempt; none: of all attempts.
    pub attempt: Option<u32>,
}

/// A place in the order of [`Logs::read_logs`]: behind a line that was read.
///
/// Places stay valid as lines are added or cut. The default place is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPlace {
    /// The append that brought the line.
    pub batch: u64,
    /// The number of the line in its attempt.
    pub seq: u64,
}

/// A line that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Whose it is.
    pub source: LogSource,
    /// The line.
    pub line: LogLine,
    /// The place behind it.
    pub place: LogPlace,
}

/// Keeps the lines that attempts print. Needs no claim.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Keeps lines of any number of attempts, in one commit. Within an attempt, appends must be made in the order
    /// of the lines; lines whose numbers are not above the last one kept are dropped, so an append may be repeated.
    ///
    /// Once an attempt passes [`LOG_MAX`], lines in the middle go: those within the first half of that size stay
    /// for good (but for at most a line or batch of them), of the rest the newest quarter of it at least.
    async fn append_logs(&self, appends: Vec<LogAppend>) -> Result<(), StoreError>;

    /// At most `limit` lines (and a page's worth of bytes at most, but one line at least) behind `after`. Lines come
    /// in the order in which their appends were made, and within an attempt in the order of their numbers. Where
    /// lines were cut, a line of [`LogStream::Notice`] says how many; it has the number of the first cut line.
    async fn read_logs(&self, query: &LogQuery, after: LogPlace, limit: usize) -> Result<Vec<LogRecord>, StoreError>;

    /// The attempts of `run` that have printed anything, by path and attempt.
    async fn log_sources(&self, run: RunId) -> Result<Vec<LogSource>, StoreError>;
}
