//! Processes of our own for work that cannot be ended from outside: JavaScript and jq.
//!
//! An interpreter can be asked to stop, but it asks back only now and then, and some of its built-in functions never do.
//! A process can be killed. The program therefore starts itself with a hidden argument, keeps such children for the next
//! task, and kills them when a task has to end before it wants to.
//!
//! Parent and child speak in lines of JSON: a [`Request`] in, any number of [`Answer`]s out, the last of them `Done`.
//!
//! **Invariant:** a child does one request at a time, has no environment and limited memory, and ends when its parent does.

mod inside;
mod pool;

use drawloom_blueprint::StepError;
use serde::{Deserialize, Serialize};

use crate::code::Call;

pub use inside::child_main;
pub(crate) use pool::Children;

/// The argument with which a program that has this crate becomes a child.
pub const CHILD: &str = "__child";

/// What a child is to do. Values are JSON texts, as they may be nested as deep as JSON may be.
#[derive(Serialize, Deserialize)]
pub(crate) struct Request {
    /// How much memory the work may need, in bytes.
    pub(crate) memory: u64,
    pub(crate) work: Work,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Work {
    /// The parameters of a `transform`.
    Transform(String),
    /// A call of a function.
    Code(Call),
}

/// What a child says.
#[derive(Serialize, Deserialize)]
enum Answer {
    /// Output, to standard error where `error` holds.
    Output { error: bool, text: String },
    /// The end: the result as JSON text.
    Done(Result<String, StepError>),
}
