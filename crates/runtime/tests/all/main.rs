//! The loom through its public door, on every store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit;
mod beside;
mod child_starts;
mod children;
mod clock;
mod commits;
mod control;
mod crashes;
mod ends;
mod events;
mod fairness;
mod limits;
mod lines;
mod many;
mod outputs;
mod probe;
mod runs;
mod secrets;
mod versions;
mod world;
mod wrapped;
