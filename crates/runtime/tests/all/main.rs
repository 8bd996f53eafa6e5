//! The loom through its public door, on every store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod clock;
mod commits;
mod control;
mod crashes;
mod fairness;
mod limits;
mod outputs;
mod probe;
mod runs;
mod secrets;
mod world;
mod wrapped;
