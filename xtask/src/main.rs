//! The repository's own checks and generators: `cargo xtask check`, `cargo xtask codegen [--check]`,
//! `cargo xtask fixtures NAME`.
//!
//! **Invariant:** xtask depends on none of our crates, so that it checks them even where they do not compile.

mod code_map;
mod codegen;
mod error_pages;
mod fixtures;
mod graph;
mod layers;
mod reference;
mod sources;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};

const USAGE: &str = "usage: cargo xtask check | cargo xtask codegen [--check] | cargo xtask fixtures NAME";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = root()?;
    match args.as_slice() {
        ["check"] => {
            let graph = graph::Graph::load(&root)?;
            let mut problems = layers::check(&graph);
            problems.extend(sources::check(&root)?);
            problems.extend(error_pages::check(&root)?);
            problems.extend(codegen::run(&root, codegen::Mode::Check)?);
            report(&problems)
        }
        ["codegen"] => report(&codegen::run(&root, codegen::Mode::Write)?),
        ["codegen", "--check"] => report(&codegen::run(&root, codegen::Mode::Check)?),
        ["fixtures", name] => fixtures::write(&root, name),
        _ => bail!(USAGE),
    }
}

fn report(problems: &[String]) -> Result<()> {
    for it in problems {
        eprintln!("error: {it}");
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("1 problem"),
        count => bail!("{count} problems"),
    }
}

fn root() -> Result<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).context("xtask stands in a folder of the workspace")
}
