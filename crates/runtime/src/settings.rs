//! How a loom works.

use std::{sync::Arc, time::Duration};

use drawloom_engine::InlineKinds;
use drawloom_queue::Executor;

use crate::{SecretBook, SystemWorld, World};

/// What a loom is given, besides its store.
#[derive(Clone)]
pub struct Settings {
    /// What does the work of task steps, one per kind.
    pub executors: Vec<Arc<dyn Executor>>,
    /// What evaluates the inline kinds.
    pub inline: InlineKinds,
    /// Whether the loom does the work of its runs or only takes notes.
    pub work: Work,
    /// Attempts under way at once in this process, from 1 on.
    pub parallelism: usize,
    /// Where secrets are; without it, tasks that use any fail.
    pub secrets: Option<SecretBook>,
    /// The patience with a task that was asked to stop at once, before it is dropped.
    pub grace: Duration,
    /// The most bytes an attempt may return; one that returns more fails.
    pub output_max: usize,
    /// Values from this many bytes on are kept beside the journal.
    pub blob_from: usize,
    /// Runs that have nothing to do for this long leave memory.
    pub idle: Duration,
    /// What this process does with the store, for others that find it taken.
    pub owner: String,
    /// Where the time of day and chance come from.
    pub world: Arc<dyn World>,
}

/// Whether a loom does the work of its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It does.
    Do,
    /// It journals what comes in (a signal, a cancel, …) and what follows, but starts no task and no sub-flow and
    /// keeps no timer: that is left to the next loom.
    Leave,
}

impl Settings {
    /// The usual settings.
    #[must_use]
    pub fn new(executors: Vec<Arc<dyn Executor>>, inline: InlineKinds) -> Self {
        Self {
            executors,
            inline,
            work: Work::Do,
            parallelism: 512,
            secrets: None,
            grace: Duration::from_secs(10),
            output_max: 64 * 1024 * 1024,
            blob_from: 256 * 1024,
            idle: Duration::from_secs(30),
            owner: "running flows".to_owned(),
            world: Arc::new(SystemWorld),
        }
    }
}
