//! Measures Drawloom beside the raw limit beneath it, in one run on one machine.
//!
//! **Invariant:** a figure is never given without the limit that was measured in the same run; absolute times
//! of a shared machine mean nothing.

mod clock;
mod compile;
mod engine;
mod latency;
mod loom;
mod map;
mod memory;
mod postgres;
mod recover;
mod report;
mod shell;
mod sqlite;
mod tools;

use drawloom_runtime::Error;

pub use report::{Report, Row};
pub use tools::{OpenFile, OpenUrl, Tools};

/// How much is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Size {
    /// 1x and 10x: a few seconds.
    #[default]
    Short,
    /// 1x, 10x and 100x.
    Full,
}

impl Size {
    /// The sizes of a workload whose 1x is `unit`.
    fn steps(self, unit: usize) -> Vec<usize> {
        match self {
            Self::Short => vec![unit, unit * 10],
            Self::Full => vec![unit, unit * 10, unit * 100],
        }
    }
}

/// The workloads, by name, in the order in which they are measured.
pub const WORKLOADS: [&str; 9] =
    ["map", "engine", "compile", "memory", "sqlite", "postgres", "latency", "recover", "shell"];

/// What is to be measured.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The workloads, by name; all that can be measured where there is none.
    pub workloads: Vec<String>,
    /// At which sizes.
    pub size: Size,
    /// The PostgreSQL server to measure on; without one that workload is left out.
    pub postgres: Option<String>,
}

impl Plan {
    fn wants(&self, name: &str) -> bool {
        self.workloads.is_empty() || self.workloads.iter().any(|it| it == name)
    }
}

/// Measures what is planned, and tells `progress` what is being measured.
///
/// # Errors
/// Where a store or the system fails while it is measured.
pub fn measure(tools: &Tools, plan: &Plan, progress: &mut dyn FnMut(&str)) -> Result<Report, Error> {
    let (mut rows, size) = (Vec::new(), plan.size);
    // The map comes first, while no memory has been freed that could be used again.
    for name in WORKLOADS.into_iter().filter(|it| plan.wants(it)) {
        rows.extend(match (name, &plan.postgres) {
            ("map", _) => map::measure(size, progress),
            ("engine", _) => engine::measure(size, progress),
            ("compile", _) => compile::measure(size, progress),
            ("memory", _) => memory::measure(tools, size, progress)?,
            ("sqlite", _) => sqlite::measure(tools, size, progress)?,
            ("postgres", Some(url)) => postgres::measure(tools, url, size, progress)?,
            ("postgres", None) => Vec::new(),
            ("latency", _) => latency::measure(tools, size, progress)?,
            ("recover", _) => recover::measure(tools, size, progress)?,
            _ => shell::measure(tools, size, progress)?,
        });
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Report { version: env!("CARGO_PKG_VERSION"), processors, rows })
}
