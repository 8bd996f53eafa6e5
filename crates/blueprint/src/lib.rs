//! The words of Drawloom: what a compiled flow, a value, an expression and a fact *are*.
//!
//! **Invariant:** this crate is pure. It reads no clock, draws no random number, touches no file and no
//! socket. Everything a later crate stores is encoded here, in [`codec`], and nowhere else.

pub mod codec;
mod error;
pub mod expr;
mod fact;
mod flow;
mod id;
mod limits;
mod lookup;
mod op;
mod rule;
mod shape;
mod time;
mod value;

pub use error::{ErrorClass, StepError};
pub use fact::{
    Fact, FrameRef, Move, Opened, OpenedAs, Outcome, Parent, RunEnd, RunStatus, SkipReason, Started, StopReason,
    WaitFor,
};
pub use flow::{Blueprint, InputDef, Scope, Step, Trigger};
pub use id::{ExprIx, FlowHash, RunId, ScopeIx, StepIx};
pub use limits::{Cache, Concurrency, Limits, OnFull, Retry};
pub use lookup::Lookup;
pub use op::{Arm, Branches, FlowRef, ForEach, JoinPolicy, Loop, Op, Task, Try, Wait};
pub use rule::TriggerRule;
pub use time::{Timestamp, format_duration, parse_duration};
pub use value::{DEPTH_MAX, Object, Value};
