//! Tests of the real binary, as a user meets it: a folder, a command, what it prints and how it exits.

mod bench;
mod crash;
mod documents;
mod examples;
mod exits;
mod faults;
mod fixtures;
mod flows;
mod json;
mod pages;
mod postgres;
mod runs;
mod secrets;
mod server;
mod settings;
mod support;
