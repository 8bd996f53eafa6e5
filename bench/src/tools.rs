//! What the measured program is made of: whoever measures hands it in, so that this crate names no adapter.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use drawloom_blueprint::{Outcome, Value};
use drawloom_engine::InlineKinds;
use drawloom_queue::{Context, Executor, KindInfo, Placement, Task};
use drawloom_runtime::Settings;
use drawloom_store::{Store, StoreError};

/// Opens the SQLite store in a file, for writing, every commit flushed.
pub type OpenFile = fn(&Path) -> Result<Arc<dyn Store>, StoreError>;

/// Opens the PostgreSQL store at a URL, for writing, every commit flushed.
pub type OpenUrl = fn(&str) -> Result<Arc<dyn Store>, StoreError>;

/// The parts of the program that is measured.
pub struct Tools {
    /// The store in a file.
    pub sqlite: OpenFile,
    /// The store on a server.
    pub postgres: OpenUrl,
    /// The executors of this installation.
    pub executors: Vec<Arc<dyn Executor>>,
    /// Its inline kinds.
    pub inline: InlineKinds,
}

impl Tools {
    /// The usual settings of a loom, with a kind `work` that does nothing besides the real ones.
    pub(crate) fn settings(&self) -> Settings {
        let mut executors = self.executors.clone();
        executors.push(Arc::new(Nothing(work())));
        Settings::new(executors, self.inline)
    }
}

/// A task that is done at once.
struct Nothing(KindInfo);

fn work() -> KindInfo {
    KindInfo {
        name: "work",
        summary: "Does nothing, to measure everything else.",
        placement: Placement::Local,
        version: 1,
        with: Value::object([("type", Value::from("object"))]),
        returns: Value::Null,
        docs: "",
    }
}

#[async_trait]
impl Executor for Nothing {
    fn info(&self) -> &KindInfo {
        &self.0
    }

    async fn execute(self: Arc<Self>, _: Task, _: Context) -> Outcome {
        Outcome::Success(Value::Null)
    }

    fn is_brief(&self) -> bool {
        true
    }
}
