//! What was measured.

use serde::Serialize;

/// Everything that one run measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// One row per workload and size.
    pub rows: Vec<Row>,
}

/// One workload at one size.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The workload: `engine/chain`.
    pub workload: &'static str,
    /// What a unit is: `step`, `item`, `fact`.
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
    /// Bytes of journal per unit, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_bytes: Option<f64>,
}

impl Report {
    /// The rows as a table for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<18} {:>9}  {:>14} {:>14} {:>6}  {}\n",
            "workload", "units", "cost", "limit", "ratio", "the limit is"
        );
        for row in &self.rows {
            let of = |figure: f64| format!("{figure:.0} {}/{}", row.measure, row.unit);
            text.push_str(&format!(
                "{:<18} {:>9}  {:>14} {:>14} {:>6.2}  {}\n",
                row.workload,
                row.units,
                of(row.cost),
                of(row.limit),
                row.ratio,
                row.limit_is
            ));
        }
        text
    }
}
