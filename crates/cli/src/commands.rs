//! One file per command.

pub(crate) mod apply;
pub(crate) mod bench;
pub(crate) mod compile;
pub(crate) mod doctor;
pub(crate) mod flows;
pub(crate) mod fmt;
pub(crate) mod follow;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod kinds;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod secrets;
pub(crate) mod shell;
pub(crate) mod store;
pub(crate) mod validate;

use crate::{
    Done,
    args::{Cli, Command},
    failure::{Failure, INTERRUPTED},
    settings::Settings,
};

/// How long tasks may take to be dropped where they were not waited for.
const DROPPING: std::time::Duration = std::time::Duration::from_millis(200);

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> Done {
    let settings = || Settings::load(&cli.global);
    match cli.command {
        Command::Run(it) => block_on(it.go(settings()?)),
        Command::Resume(it) => block_on(it.go(settings()?)),
        Command::Validate(it) => it.go(&settings()?),
        Command::Compile(it) => it.go(&settings()?),
        Command::Fmt(it) => it.go(settings()?.json),
        Command::Init(it) => it.go(),
        Command::Import(it) => it.go(&settings()?),
        Command::Schema(it) => it.go(),
        Command::Kinds(it) => it.go(&settings()?),
        Command::Runs(it) => block_on(it.go(settings()?)),
        Command::Flows(it) => block_on(it.go(settings()?)),
        Command::Apply(it) => block_on(it.go(settings()?)),
        Command::Secrets(it) => block_on(it.go(settings()?)),
        Command::Store(it) => block_on(it.go(settings()?)),
        Command::Bench(it) => it.go(&settings()?),
        Command::Doctor(it) => block_on(it.go(settings()?)),
        Command::Completions(it) => it.go(),
        Command::Man(it) => it.go(),
    }
}

fn block_on<F: Future<Output = Done>>(future: F) -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|it| Failure::usage(format!("the system gives no threads: {it}")))?;
    let done = runtime.block_on(future);
    match done {
        // Tasks that were not waited for leave nothing behind once they are dropped: commands are killed.
        Ok(INTERRUPTED) => runtime.shutdown_timeout(DROPPING),
        // Whatever still runs is stopped with the process; nothing durable waits for it.
        _ => runtime.shutdown_background(),
    }
    done
}
