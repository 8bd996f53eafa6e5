//! `drawloom import`: foreign documents as flows.

use std::path::PathBuf;

use clap::Args;
use drawloom_lang::foreign;
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
        let foreign = foreign::load(&source).ok_or_else(|| {
            Failure::usage(format!("{} is in no format that can be converted", self.file.display()))
                .help("known are the node/kind dialect (`nodes` with `kind`) and the ports dialect (`nodes` and `connections`)")
        })?;
        let sources = [source];
        if settings.json {
            let mut said = drawloom_lang::to_json(&foreign.warnings, &sources);
            output::json(&json!({
                "dialect": foreign.converted.dialect.name(),
                "flow": foreign.converted.flow,
                "report": foreign.converted.report,
                "diagnostics": said["diagnostics"].take(),
            }));
            return Ok(0);
        }
        let said = if settings.verbose > 0 { foreign.warnings.clone() } else { flow::worth_saying(&foreign) };
        if !said.is_empty() {
            output::note(flow::render(&said, &sources).trim_end());
        }
        output::raw(foreign.source.text().as_bytes());
        Ok(0)
    }
}
