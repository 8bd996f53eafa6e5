//! `drawloom bench`: how fast it is, beside the limit beneath it.

use clap::Args;
use drawloom_bench::{Plan, Size, Tools, WORKLOADS};

use crate::{Done, failure::Failure, output, settings::Settings, store};

/// Measure this installation beside the raw limits of this machine
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom bench\n  drawloom bench engine map --full\n  drawloom bench --json\n  \
    drawloom bench postgres --postgres postgres://me@localhost/test")]
pub(crate) struct Bench {
    /// Workloads: map, engine, compile, memory, sqlite, postgres, latency, recover, shell; without one, all
    workloads: Vec<String>,
    /// Also at 100 times the size
    #[arg(long)]
    full: bool,
    /// The PostgreSQL server for the workload `postgres`; it stands in a schema of its own, which is dropped again
    #[arg(long, value_name = "URL", env = "DRAWLOOM_BENCH_POSTGRES", hide_env_values = true)]
    postgres: Option<String>,
}

impl Bench {
    pub(crate) fn go(self, settings: &Settings) -> Done {
        if let Some(unknown) = self.workloads.iter().find(|it| !WORKLOADS.contains(&it.as_str())) {
            let message = format!("there is no workload `{unknown}`");
            return Err(Failure::usage(message).help(format!("there are: {}", WORKLOADS.join(", "))));
        }
        if self.postgres.is_none() && self.workloads.iter().any(|it| it == "postgres") {
            let help = "name it: --postgres postgres://user@host/database";
            return Err(Failure::usage("the workload `postgres` needs a server").help(help));
        }
        let size = if self.full { Size::Full } else { Size::Short };
        let executors = drawloom_kinds::executors(&drawloom_kinds::Settings::default()).map_err(Failure::usage)?;
        let (sqlite, postgres) = (store::open_file, store::open_postgres);
        let tools = Tools { sqlite, postgres, executors, inline: drawloom_kinds::inline };
        let plan = Plan { workloads: self.workloads, size, postgres: self.postgres };
        let report = drawloom_bench::measure(&tools, &plan, &mut |what| {
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
