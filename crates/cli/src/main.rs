//! The binary `drawloom`: reads the command line, does what it says, and turns the outcome into an exit code.
//!
//! **Invariant:** a panic never reaches the user as one: it is a bug, and is reported as such.

mod args;
mod commands;
mod control;
mod failure;
mod files;
mod flow;
mod inputs;
mod interrupt;
mod live;
mod output;
mod settings;
mod store;
mod workshop;

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
};

use clap::Parser;

use crate::{args::Cli, failure::Failure};

/// How a command ends: with an exit code, or with a failure that has one.
pub(crate) type Done = Result<u8, Failure>;

/// What the program exits with after a panic, as Rust programs do.
const BUG: u8 = 101;

fn main() -> ExitCode {
    // This program is also the helper process that does transformations: it must not do anything else then.
    if std::env::args_os().nth(1).is_some_and(|it| it == drawloom_kinds::CHILD) {
        return drawloom_kinds::child_main();
    }
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|it| format!(" at {}:{}", it.file(), it.line())).unwrap_or_default();
        output::note(&format!("error: drawloom has a bug{place}: {}", text(panic.payload())));
        output::note("  help: what was acknowledged is safe in the store; please report this with your command");
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    let json = cli.global.json;
    trace(cli.global.verbose);
    match panic::catch_unwind(AssertUnwindSafe(|| commands::run(cli))) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(failure)) => {
            if json {
                output::failure(&failure.json());
            }
            failure.say();
            ExitCode::from(failure.code())
        }
        Err(panic) => {
            if json {
                output::failure(&Failure::bug(text(&*panic)).json());
            }
            ExitCode::from(BUG)
        }
    }
}

/// Says what is wrong with the command line, to machines too where they asked for it; or gives the help that was asked
/// for.
fn misused(error: &clap::Error) -> ExitCode {
    let asks_json = std::env::args_os().take_while(|it| it != "--").any(|it| it == "--json");
    if error.use_stderr() && asks_json {
        let text = error.to_string();
        // What follows the first empty line is how the command is used.
        let lines: Vec<&str> = text.lines().take_while(|it| !it.is_empty()).map(str::trim).collect();
        let line = lines.join(" ");
        output::json(&Failure::usage(line.strip_prefix("error: ").unwrap_or(&line)).json());
    }
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::USAGE))
}

/// Lets the program say what it does inside, on standard error, as `DRAWLOOM_LOG` or `-v` ask for.
fn trace(verbose: u8) {
    let filter = match (std::env::var("DRAWLOOM_LOG"), verbose) {
        (Ok(filter), _) => filter,
        (Err(_), 0) => return,
        (Err(_), 1) => "info".to_owned(),
        (Err(_), 2) => "debug".to_owned(),
        (Err(_), _) => "trace".to_owned(),
    };
    let filter = tracing_subscriber::EnvFilter::new(filter);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn text(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
