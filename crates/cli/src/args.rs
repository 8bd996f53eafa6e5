//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    apply::Apply, bench::Bench, compile::Compile, doctor::Doctor, flows::Flows, fmt::Fmt, import::Import, init::Init,
    kinds::Kinds, resume::Resume, run::Run, runs::Runs, schema::Schema, secrets::Secrets, shell::Completions,
    shell::Man, store::Store, validate::Validate,
};

/// Durable workflows from one binary: write a flow, run it, pull the plug, go on.
#[derive(Parser)]
#[command(
    name = "drawloom",
    version,
    disable_help_subcommand = true,
    after_help = "Examples:\n  drawloom init              write a starter flow\n  drawloom run hello.yaml    run it\n  \
                  drawloom resume            go on with what was interrupted\n\nSettings: flag, then DRAWLOOM_* in the environment, \
                  then drawloom.toml in the working folder, then the default.\n\nExit codes: 0 done; 1 the run failed; \
                  2 bad input or usage; 3 the store cannot be used; 130 interrupted"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command knows.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Where runs are kept: `sqlite://PATH`, `postgres://USER@HOST/DATABASE` or `memory:` [default:
    /// sqlite://.drawloom/store.db]
    #[arg(long, global = true, env = "DRAWLOOM_STORE", value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Print JSON on standard output, and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Say more (twice: still more)
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// A settings file [default: drawloom.toml in this folder, if there is one]
    #[arg(long, global = true, env = "DRAWLOOM_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A host, address or network (10.0.0.0/8) that `http` steps may reach although it is not public; repeatable
    #[arg(long = "http-allow", global = true, env = "DRAWLOOM_HTTP_ALLOW", value_name = "HOST", value_delimiter = ',')]
    pub(crate) http_allow: Vec<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Run(Run),
    Resume(Resume),
    Validate(Validate),
    Compile(Compile),
    Fmt(Fmt),
    Init(Init),
    Import(Import),
    Schema(Schema),
    Kinds(Kinds),
    Runs(Runs),
    Flows(Flows),
    Apply(Apply),
    Secrets(Secrets),
    Store(Store),
    Bench(Bench),
    Doctor(Doctor),
    Completions(Completions),
    #[command(hide = true)]
    Man(Man),
}
