//! A blueprint for people (`compile --explain`) and for machines (`compile --json`).
//!
//! **Invariant:** both forms show the whole blueprint, expressions as they could stand in a flow; the field names
//! of the JSON form are stable.

mod json;
mod op;
mod source;
mod text;

pub use json::json;
pub use text::text;

pub(crate) use source::{expr_source, shorten};

#[cfg(test)]
mod tests;
