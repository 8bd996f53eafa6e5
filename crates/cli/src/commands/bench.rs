//! `drawloom bench`: how fast it is, beside the limit beneath it.

use clap::Args;
use drawloom_bench::{Size, Tools, WORKLOADS};

use crate::{Done, failure::Failure, output, settings::Settings, store};

/// Measure this installation beside the raw limits of this machine
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom bench\n  drawloom bench engine map --full\n  drawloom bench --json")]
pub(crate) struct Bench {
    /// Workloads: map, engine, compile, memory, sqlite, latency, recover, shell; without one, all
    workloads: Vec<String>,
    /// Also at 100 times the size
    #[arg(long)]
    full: bool,
}

impl Bench {
    pub(crate) fn go(self, settings: &Settings) -> Done {
        if let Some(unknown) = self.workloads.iter().find(|it| !WORKLOADS.contains(&it.as_str())) {
            let message = format!("there is no workload `{unknown}`");
            return Err(Failure::usage(message).help(format!("there are: {}", WORKLOADS.join(", "))));
        }
        let size = if self.full { Size::Full } else { Size::Short };
        let executors = drawloom_kinds::executors(&drawloom_kinds::Settings::default()).map_err(Failure::usage)?;
        let tools = Tools { sqlite: store::open_file, executors, inline: drawloom_kinds::inline };
        let report = drawloom_bench::measure(&tools, &self.workloads, size, &mut |what| {
            if !settings.quiet {
                output::note(&format!("measuring {what}"));
            }
        })?;
        if settings.json {
            output::json(&report);
        } else {
            output::raw(report.table().as_bytes());
        }
        Ok(0)
    }
}
