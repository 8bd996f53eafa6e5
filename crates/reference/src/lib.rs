//! For tests: random flows, and a slow, obvious interpreter that says how they must end.
//!
//! **Invariant:** nothing here knows the engine, the blueprint's ops or the optimiser. The interpreter recurses over
//! the document as `drawloom_lang::parse` reads it, so that a mistake in one is not a mistake in the other.

pub mod generate;
pub mod interpret;
