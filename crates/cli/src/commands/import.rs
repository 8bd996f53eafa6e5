//! `drawloom import`: foreign documents as flows.

use std::path::PathBuf;

use clap::Args;
use drawloom_lang::foreign::{Converted, Note, Severity};
use serde_json::json;

use crate::{Done, failure::Failure, flow, output, settings::Settings};

/// Convert another tool's workflow into a flow, and say what could not be carried over
#[derive(Args)]
#[command(
    after_help = "Examples:\n  drawloom import workflow.json > flow.yaml\n  drawloom run workflow.json      converts and runs in one go"
)]
pub(crate) struct Import {
    /// A file, or `-` for standard input
    file: PathBuf,
}

impl Import {
    pub(crate) fn go(self, settings: &Settings) -> Done {
        let source = flow::read(&self.file)?;
        let converted = flow::foreign(&source).ok_or_else(|| {
            Failure::usage(format!("{} is in no format that can be converted", self.file.display()))
                .help("known are the node/kind dialect (`nodes` with `kind`) and the ports dialect (`nodes` and `connections`)")
        })?;
        if settings.json {
            output::json(&json!({
                "dialect": converted.dialect.name(),
                "flow": converted.flow,
                "report": converted.report,
            }));
        } else {
            report(&converted, settings);
            output::raw(drawloom_lang::fmt::to_yaml(&converted.flow).as_bytes());
        }
        Ok(0)
    }
}

/// Says what became of the parts of a foreign document that have no exact counterpart.
pub(crate) fn report(converted: &Converted, settings: &Settings) {
    let worth = |it: &&Note| settings.verbose > 0 || it.severity > Severity::Info;
    for it in converted.report.iter().filter(worth) {
        let style = if it.severity == Severity::Lost {
            console::style(it.severity).red()
        } else {
            console::style(it.severity).yellow()
        };
        output::note(&format!("{} {}: {}", style.for_stderr(), it.path, it.message));
    }
}
