//! What a run means: inputs in, facts and effects out.
//!
//! [`Run::handle`] judges an input and states what follows as facts; [`Run::apply`] does the bookkeeping of a
//! fact. Live, a run handles and applies; after a restart it applies alone.
//!
//! **Invariant:** this crate is pure. Time, chance and ids come in with the inputs; the state of a run changes
//! in `apply` and nowhere else, so that replaying its facts always gives the same state.

mod effect;
mod input;

pub use effect::{ChildStart, Decision, Dispatch, Effect};
pub use input::{AttemptId, Input};
