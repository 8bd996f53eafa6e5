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
mod recover;
mod report;
mod shell;
mod sqlite;
mod tools;

use drawloom_runtime::Error;

pub use report::{Report, Row};
pub use tools::{OpenFile, Tools};

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
pub const WORKLOADS: [&str; 8] = ["map", "engine", "compile", "memory", "sqlite", "latency", "recover", "shell"];

/// Measures the named workloads, or all, and tells `progress` what is being measured.
///
/// # Errors
/// Where a store or the system fails while it is measured.
pub fn measure(tools: &Tools, names: &[String], size: Size, progress: &mut dyn FnMut(&str)) -> Result<Report, Error> {
    let mut rows = Vec::new();
    // The map comes first, while no memory has been freed that could be used again.
    for name in WORKLOADS {
        if names.is_empty() || names.iter().any(|it| it == name) {
            rows.extend(match name {
                "map" => map::measure(size, progress),
                "engine" => engine::measure(size, progress),
                "compile" => compile::measure(size, progress),
                "memory" => memory::measure(tools, size, progress)?,
                "sqlite" => sqlite::measure(tools, size, progress)?,
                "latency" => latency::measure(tools, size, progress)?,
                "recover" => recover::measure(tools, size, progress)?,
                _ => shell::measure(tools, size, progress)?,
            });
        }
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Report { version: env!("CARGO_PKG_VERSION"), processors, rows })
}
