//! The queue port: tasks go out to executors, their output streams back, their outcomes return.
//!
//! **Invariant:** an executor sees one task: resolved inputs, a deadline and a key. It knows no graph, no
//! journal and no vault.

mod blob;
mod executor;
mod kind;
mod redact;
mod task;

pub use blob::{BlobRef, BlobSink, BlobSource, Blobs};
pub use executor::{Context, Executor, Line, OutputSink, Stopped, Stream};
pub use kind::{KindInfo, Placement};
pub use redact::{Redactor, Screen};
pub use task::{Task, TaskId};
