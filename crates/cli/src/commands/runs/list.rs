//! `drawloom runs list`, and how a run is named.

use clap::Args;
use drawloom_blueprint::RunId;
use drawloom_store::{RunFilter, RunRow};
use serde_json::{Value as Json, json};

use super::filter::Filter;
use crate::{Done, failure::Failure, live, output, workshop::Workshop};

/// List runs, the newest first
#[derive(Args)]
#[command(
    after_help = "Examples:\n  drawloom runs list\n  drawloom runs list --flow order-report --status failed --since 1d\n  drawloom runs list --where 'failed at step publish and label team = data' --json"
)]
pub(crate) struct List {
    #[command(flatten)]
    filter: Filter,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

impl List {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        let rows = self.filter.find(workshop, self.limit).await?;
        if workshop.settings.json {
            output::json(&rows.iter().map(to_json).collect::<Vec<_>>());
            return Ok(0);
        }
        let now = drawloom_runtime::now();
        let row = |it: &RunRow| {
            let status = it.state.status.name();
            let took = it.state.ended_at.unwrap_or(now).since(it.head.started_at);
            let error = it.state.error.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
            vec![
                it.run.to_string(),
                it.head.flow.clone(),
                format!("{} {status}", live::sign(status)),
                it.head.started_at.to_string(),
                live::duration(took),
                error.chars().take(60).collect(),
            ]
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        output::line(&output::table(&["RUN", "FLOW", "STATUS", "STARTED", "TOOK", "ERROR"], &rows));
        Ok(0)
    }
}

fn to_json(it: &RunRow) -> Json {
    json!({
        "run": it.run.to_string(),
        "flow": it.head.flow,
        "version": it.head.number.map_or_else(|| json!(it.head.version.short()), |it| json!(it)),
        "status": it.state.status,
        "labels": it.head.labels,
        "started_at": it.head.started_at,
        "ended_at": it.state.ended_at,
        "next_due": it.state.next_due,
        "parent": it.head.parent.map(|it| it.to_string()),
        "error": it.state.error,
    })
}

/// The run that is meant by an id, the beginning of one, or `last`.
pub(crate) async fn find(workshop: &Workshop, text: &str) -> Result<RunId, Failure> {
    if text != "last" {
        return Ok(workshop.reader().find(text).await?);
    }
    let newest = workshop.store.runs(&RunFilter::default(), None, 1).await?;
    newest.first().map(|it| it.run).ok_or_else(|| Failure::usage("there is no run yet"))
}
