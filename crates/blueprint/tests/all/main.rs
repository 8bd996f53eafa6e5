//! The words through their public door: encodings come back, expressions are bounded.

mod arbitrary;
mod encodings;
mod expressions;
mod pinned;
mod sandbox;
mod values;
