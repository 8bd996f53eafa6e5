//! Which runs a command means: options that every bulk command has, and `--where`.
//!
//! **Invariant:** what a filter cannot read is refused; it never means more runs than it says.

mod words;

use std::collections::BTreeMap;

use clap::Args;
use drawloom_blueprint::{RunId, RunStatus, Timestamp, parse_duration};
use drawloom_store::{RunFilter, RunRow};

use crate::{commands::run::labels, failure::Failure, workshop::Workshop};

/// Which runs are meant. Everything that is given must hold.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Filter {
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
    /// A filter in words: 'flow = x and failed at step y since 1h'
    #[arg(long = "where", value_name = "WORDS")]
    words: Option<String>,
}

/// A filter that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Query {
    flow: Option<String>,
    status: Vec<RunStatus>,
    since: Option<Timestamp>,
    before: Option<Timestamp>,
    labels: BTreeMap<String, String>,
    /// The id of a step that failed.
    failed_at: Option<String>,
}

impl Filter {
    pub(super) fn is_empty(&self) -> bool {
        self.flow.is_none()
            && self.status.is_empty()
            && self.since.is_none()
            && self.label.is_empty()
            && self.words.is_none()
    }

    fn read(&self) -> Result<Query, Failure> {
        let mut query = match &self.words {
            Some(words) => words::read(words)?,
            None => Query::default(),
        };
        for name in &self.status {
            query.status.push(status(name)?);
        }
        query.flow = self.flow.clone().or(query.flow);
        query.labels.extend(labels(&self.label)?);
        if let Some(text) = &self.since {
            query.since = Some(instant(text)?);
        }
        Ok(query)
    }

    /// The newest runs that are meant, at most `limit`.
    pub(super) async fn find(&self, workshop: &Workshop, limit: usize) -> Result<Vec<RunRow>, Failure> {
        const PAGE: usize = 1_000;
        let query = self.read()?;
        let filter = RunFilter {
            flow: query.flow.clone(),
            status: query.status.clone(),
            since: query.since,
            labels: query.labels.clone(),
            parent: None,
        };
        let (mut rows, mut before): (Vec<RunRow>, Option<RunId>) = (Vec::new(), None);
        loop {
            let page = workshop.store.runs(&filter, before, PAGE).await?;
            before = page.last().map(|it| it.run);
            let full = page.len() == PAGE;
            for row in page {
                if rows.len() == limit {
                    return Ok(rows);
                }
                if query.holds(&row, workshop).await? {
                    rows.push(row);
                }
            }
            if !full {
                return Ok(rows);
            }
        }
    }
}

impl Query {
    /// What the index cannot tell.
    async fn holds(&self, row: &RunRow, workshop: &Workshop) -> Result<bool, Failure> {
        if self.before.is_some_and(|before| row.head.started_at >= before) {
            return Ok(false);
        }
        let Some(step) = &self.failed_at else { return Ok(true) };
        let view = workshop.reader().view(row.run).await?;
        Ok(view.steps.iter().any(|it| it.id == *step && it.status == "failed"))
    }
}

fn status(name: &str) -> Result<RunStatus, Failure> {
    RunStatus::from_name(name).ok_or_else(|| {
        Failure::usage(format!("`{name}` is no state of a run"))
            .help("queued, running, paused, succeeded, failed or cancelled")
    })
}

/// An age before now, or an instant.
fn instant(text: &str) -> Result<Timestamp, Failure> {
    if let Some(instant) = Timestamp::parse(text) {
        return Ok(instant);
    }
    let age = parse_duration(text).map_err(|it| Failure::usage(format!("{it}, nor an instant")))?;
    let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    Ok(Timestamp(drawloom_runtime::now().0.saturating_sub(micros)))
}
