//! `drawloom runs list`, and the filter that bulk commands share.

use clap::Args;
use drawloom_blueprint::{RunId, RunStatus, Timestamp, parse_duration};
use drawloom_store::{RunFilter, RunRow};
use serde_json::{Value as Json, json};

use crate::{Done, commands::run::labels, failure::Failure, live, output, workshop::Workshop};

/// Which runs are meant.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Only runs of this flow
    #[arg(long)]
    flow: Option<String>,
    /// Only runs in this state: queued, running, paused, succeeded, failed, cancelled; repeatable
    #[arg(long)]
    status: Vec<String>,
    /// Only runs started since then: an age (`1h`, `7d`) or an instant (2026-01-31T12:00:00Z)
    #[arg(long)]
    since: Option<String>,
    /// Only runs with this label; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
}

impl Filter {
    pub(crate) fn is_empty(&self) -> bool {
        self.flow.is_none() && self.status.is_empty() && self.since.is_none() && self.label.is_empty()
    }

    fn read(&self) -> Result<RunFilter, Failure> {
        let status = |name: &String| {
            RunStatus::from_name(name).ok_or_else(|| {
                let help = "queued, running, paused, succeeded, failed or cancelled";
                Failure::usage(format!("`{name}` is no state of a run")).help(help)
            })
        };
        Ok(RunFilter {
            flow: self.flow.clone(),
            status: self.status.iter().map(status).collect::<Result<_, _>>()?,
            since: self.since.as_deref().map(since).transpose()?,
            labels: labels(&self.label)?,
            parent: None,
        })
    }

    /// The newest runs that are meant, at most `limit`.
    pub(crate) async fn find(&self, workshop: &Workshop, limit: usize) -> Result<Vec<RunRow>, Failure> {
        const PAGE: usize = 1_000;
        let filter = self.read()?;
        let (mut rows, mut before): (Vec<RunRow>, Option<RunId>) = (Vec::new(), None);
        while rows.len() < limit {
            let wanted = PAGE.min(limit - rows.len());
            let page = workshop.store.runs(&filter, before, wanted).await?;
            before = page.last().map(|it| it.run);
            let full = page.len() == wanted;
            rows.extend(page);
            if !full {
                break;
            }
        }
        Ok(rows)
    }
}

fn since(text: &str) -> Result<Timestamp, Failure> {
    if let Some(instant) = Timestamp::parse(text) {
        return Ok(instant);
    }
    let age = parse_duration(text).map_err(|it| Failure::usage(format!("--since: {it}, nor an instant")))?;
    let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    Ok(Timestamp(drawloom_runtime::now().0.saturating_sub(micros)))
}

/// List runs, the newest first
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom runs list\n  drawloom runs list --flow order-report --status failed --since 1d\n  drawloom runs list --where 'failed at step publish and label team = data' --json")]
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
