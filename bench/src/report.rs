//! What was measured.

use serde::Serialize;

/// Everything that one run measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version that was measured.
    pub version: &'static str,
    /// Processors that it could use.
    pub processors: usize,
    /// One row per workload and size.
    pub rows: Vec<Row>,
}

/// One workload at one size.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The workload: `engine/chain`.
    pub workload: &'static str,
    /// What a unit is: `step`, `item`, `run`, …
    pub unit: &'static str,
    /// How many units were measured.
    pub units: usize,
    /// What the figures are in: `ns` or `bytes`, per unit.
    pub measure: &'static str,
    /// The figure of Drawloom, per unit.
    pub cost: f64,
    /// The raw limit beneath it, per unit.
    pub limit: f64,
    /// What that limit is.
    pub limit_is: &'static str,
    /// `limit / cost`: 1 is as good as can be, and growing units must not lower it.
    pub ratio: f64,
    /// Processor time of the whole process (user and system) per unit, in ns, where several threads work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// Bytes of journal per unit, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_bytes: Option<f64>,
}

/// What a row is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct What {
    pub(crate) workload: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) units: usize,
    pub(crate) limit_is: &'static str,
}

impl Row {
    /// A row that compares times: the seconds of all units, beside those of the limit.
    pub(crate) fn time(what: What, seconds: f64, limit: f64) -> Self {
        Self { measure: "ns", ..Self::of(what, seconds * 1e9, limit * 1e9) }
    }

    /// A row that compares bytes of memory.
    pub(crate) fn bytes(what: What, bytes: usize, limit: usize) -> Self {
        Self { measure: "bytes", ..Self::of(what, bytes as f64, limit as f64) }
    }

    fn of(what: What, cost: f64, limit: f64) -> Self {
        let units = what.units as f64;
        Self {
            workload: what.workload,
            unit: what.unit,
            units: what.units,
            measure: "",
            cost: cost / units,
            limit: limit / units,
            limit_is: what.limit_is,
            ratio: limit / cost,
            cpu: None,
            journal_bytes: None,
        }
    }
}

impl Report {
    /// The rows as a table for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<18} {:>9}  {:>16} {:>16} {:>6} {:>10}  {}\n",
            "workload", "units", "cost", "limit", "ratio", "cpu", "the limit is"
        );
        for row in &self.rows {
            let of = |figure: f64| format!("{} {}/{}", number(figure), row.measure, row.unit);
            text.push_str(&format!(
                "{:<18} {:>9}  {:>16} {:>16} {:>6.2} {:>10}  {}\n",
                row.workload,
                row.units,
                of(row.cost),
                of(row.limit),
                row.ratio,
                row.cpu.map(|it| format!("{} ns", number(it))).unwrap_or_default(),
                row.limit_is
            ));
        }
        text
    }
}

/// A figure with as many digits as mean something.
fn number(figure: f64) -> String {
    if figure < 10.0 { format!("{figure:.1}") } else { format!("{figure:.0}") }
}
