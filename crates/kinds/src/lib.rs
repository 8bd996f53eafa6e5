//! Executors of task steps: one file per kind, its schema and its page beside it.
//!
//! **Invariant:** an executor sees one task and nothing else; it holds the task's deadline, really stops when it is
//! told to, and lets no secret out: [`perform`] wraps every kind, so that none can forget.

mod catalogue;
mod child;
mod code;
mod describe;
mod halt;
mod http;
mod lines;
mod log;
mod perform;
mod settings;
mod shell;
mod transform;
mod with;

pub use catalogue::{catalogue, executors, inline, placement};
pub use child::{CHILD, child_main};
pub use settings::{Settings, SettingsError};
