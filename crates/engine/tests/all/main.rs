//! The engine through its public door: flows are built, driven by a world without clock or network, and after
//! every decision the run is rebuilt from its facts and must be the same.

mod agreed;
mod build;
mod forks;
mod generate;
mod property;
mod scenarios;
mod world;
