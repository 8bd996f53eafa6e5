//! The engine through its public door: flows are built, driven by a world without clock or network, and after
//! every decision the run is rebuilt from its facts and must be the same.

mod agreed;
mod build;
mod children;
mod fairness;
mod forks;
mod generate;
mod histories;
mod journals;
mod many;
mod meetings;
mod property;
mod questions;
mod retries;
mod scenarios;
mod signals;
mod starts;
mod stopping;
mod world;
