//! Random flows end as the reference says, in the engine, optimised and plain.

mod agreement;
mod outside;
mod seeds;
mod world;
