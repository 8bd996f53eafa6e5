//! `drawloom runs cancel`, `pause`, `resume`, `signal`, `delete`: one run, or all that a filter finds.

use clap::Args;
use drawloom_blueprint::{RunId, Value};
use drawloom_runtime::{Events, Loom};
use serde_json::json;

use super::{filter::Filter, list::find};
use crate::{
    Done,
    commands::{follow::Watch, report::Report},
    control::{Act, Hand},
    failure::Failure,
    live, output,
    workshop::Workshop,
};

/// So many runs one bulk command takes.
const BULK_MAX: usize = 100_000;

/// One run, or all that a filter finds.
#[derive(Args)]
pub(super) struct Chosen {
    /// A run
    run: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// Only say what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl Chosen {
    /// Whether a filter is asked and not a run named.
    pub(super) fn is_bulk(&self) -> bool {
        self.run.is_none()
    }

    pub(super) async fn runs(&self, workshop: &Workshop) -> Result<Vec<RunId>, Failure> {
        match &self.run {
            Some(_) if !self.filter.is_empty() => {
                Err(Failure::usage("a run and a filter are given").help("name a run, or give a filter"))
            }
            Some(run) => Ok(vec![find(workshop, run).await?]),
            None if self.filter.is_empty() => Err(Failure::usage("no run is named")
                .help("name a run, or give a filter: --where, --flow, --status, --since, --label")),
            None => Ok(self.filter.find(workshop, BULK_MAX).await?.into_iter().map(|it| it.run).collect()),
        }
    }

    /// Follows the runs that were made of these.
    pub(super) async fn watch(&self, workshop: &Workshop, loom: Loom, events: Events, new: &[RunId]) -> Done {
        let report = match new {
            [one] if !self.is_bulk() => Report::One(*one),
            _ => Report::Many(new),
        };
        Watch { runs: new, report, show: live::show(&workshop.settings) }.go(workshop, loom, events).await
    }

    /// Does something to each of the runs, and says so.
    async fn each(&self, workshop: &Workshop, does: &str, act: &Act) -> Done {
        let runs = self.runs(workshop).await?;
        if self.dry_run {
            return say(workshop, &runs, &format!("would be {does}:"));
        }
        let hand = Hand::of(workshop).await?;
        let mut done = Vec::new();
        for run in runs {
            match hand.act(run, act).await {
                Ok(true) => done.push(run),
                Ok(false) => {}
                // In bulk, runs that have ended meanwhile are passed over.
                Err(failure) if self.is_bulk() && failure.name() == Some("run-ended") => {}
                Err(failure) => return Err(failure),
            }
        }
        hand.close().await?;
        say(workshop, &done, does)
    }
}

/// Says to which runs something was done.
pub(super) fn say(workshop: &Workshop, runs: &[RunId], does: &str) -> Done {
    if workshop.settings.json {
        let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
        output::json(&json!({ "runs": runs }));
    } else {
        for run in runs {
            output::line(&format!("{does} {run}"));
        }
        if runs.is_empty() {
            output::note("no run was found");
        }
    }
    Ok(0)
}

/// Cancel runs: `finally` and `compensate` still run, with the next `drawloom resume`
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom runs cancel last\n  \
                        drawloom runs cancel --where 'flow = order-report and running' --dry-run")]
pub(super) struct Cancel {
    #[command(flatten)]
    which: Chosen,
    /// End them at once, without `finally` and `compensate`
    #[arg(long)]
    kill: bool,
}

impl Cancel {
    pub(super) async fn go(self, workshop: &Workshop) -> Done {
        if self.kill {
            return self.which.each(workshop, "killed", &Act::Kill).await;
        }
        self.which.each(workshop, "cancelled", &Act::Cancel).await
    }
}

/// Let runs start nothing new
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom runs pause last")]
pub(super) struct Pause {
    #[command(flatten)]
    which: Chosen,
}

impl Pause {
    pub(super) async fn go(self, workshop: &Workshop) -> Done {
        self.which.each(workshop, "paused", &Act::Pause).await
    }
}

/// Let paused runs go on, with the next `drawloom resume`
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom runs resume last")]
pub(super) struct Resume {
    #[command(flatten)]
    which: Chosen,
}

impl Resume {
    pub(super) async fn go(self, workshop: &Workshop) -> Done {
        self.which.each(workshop, "resumed", &Act::Resume).await
    }
}

/// Delete ended runs
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom runs delete last\n  \
                        drawloom runs delete --where 'flow = hello and succeeded before 7d'")]
pub(super) struct Delete {
    #[command(flatten)]
    which: Chosen,
}

impl Delete {
    pub(super) async fn go(self, workshop: &Workshop) -> Done {
        self.which.each(workshop, "deleted", &Act::Delete).await
    }
}

/// Send a signal to a run that waits for it, now or later; or answer its webhook or approval
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom runs signal last approved --payload '{\"by\": \"Ada\"}'\n  \
                        drawloom runs signal last ask --payload true       where the step `ask` waits for an approval")]
pub(super) struct Signal {
    /// A run
    run: String,
    /// The signal's name; or the path of a step that waits for a webhook or an approval
    name: String,
    /// What it carries, as JSON; a text that is no JSON is taken as text
    #[arg(long, visible_alias = "data", value_name = "JSON", default_value = "null")]
    payload: String,
}

impl Signal {
    pub(super) async fn go(self, workshop: &Workshop) -> Done {
        let run = find(workshop, &self.run).await?;
        let payload = Value::from_json(self.payload.as_bytes()).unwrap_or_else(|_| Value::from(self.payload.as_str()));
        let waits = workshop.reader().waits(run).await?;
        let token = waits.iter().find(|it| it.path == self.name && matches!(it.kind, "webhook" | "approval"));
        let act = match token {
            Some(wait) => Act::Token(wait.name.clone(), payload.to_json()),
            None => Act::Signal(self.name.clone(), payload.to_json()),
        };
        let hand = Hand::of(workshop).await?;
        let taken = hand.act(run, &act).await?;
        hand.close().await?;
        if !taken {
            return Err(Failure::usage(format!("run {run} does not take `{}` (again)", self.name)));
        }
        say(workshop, &[run], "signalled")
    }
}
