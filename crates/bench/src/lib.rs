//! Measures Drawloom beside the raw limit beneath it, in one run on one machine.
//!
//! **Invariant:** a figure is never given without the limit that was measured in the same run; absolute times
//! of a shared machine mean nothing.

mod compile;
mod engine;
mod memory;
mod report;

pub use report::{Report, Row};

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

/// The workloads, by name.
pub const WORKLOADS: [&str; 3] = ["engine", "compile", "map"];

/// Measures the named workloads, or all, and tells `progress` what is being measured.
pub fn measure(names: &[String], size: Size, progress: &mut dyn FnMut(&str)) -> Report {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|it| it == name);
    let mut rows = Vec::new();
    // Memory first, while nothing has been freed that could be used again.
    if wanted("map") {
        rows.extend(memory::measure(size, progress));
    }
    if wanted("engine") {
        rows.extend(engine::measure(size, progress));
    }
    if wanted("compile") {
        rows.extend(compile::measure(size, progress));
    }
    Report { rows }
}
