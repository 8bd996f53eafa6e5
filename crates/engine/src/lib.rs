//! What a run means: inputs in, facts and effects out.
//!
//! [`Run::handle`] judges an input and states what follows as facts; [`Run::apply`] does the bookkeeping of a
//! fact. Live, a run handles and applies; after a restart it applies alone.
//!
//! **Invariant:** this crate is pure. Time, chance and ids come in with the inputs; the state of a run changes
//! in `apply` and nowhere else, so that replaying its facts always gives the same state.

mod admission;
mod apply;
mod block;
mod chance;
mod effect;
mod fair;
mod fork;
mod frame;
mod history;
mod input;
mod inputs;
mod judge;
mod names;
mod recovery;
mod resolve;
mod rule;
mod run;
mod why;

pub use admission::{Admission, Admitted, SlotKey};
pub use apply::ApplyError;
pub use effect::{ChildStart, Decision, Dispatch, Effect};
pub use fair::{FairQueue, Standing};
pub use fork::{ForkError, ForkPlan, fork_plan};
pub use frame::Status;
pub use history::{History, ITEMS_LISTED_MAX, StepView};
pub use input::{AttemptId, Input};
pub use inputs::{InputProblem, check_inputs, prepare};
pub use resolve::Resolved;
pub use run::{InlineKinds, Run};
pub use why::{WaitView, Why};
