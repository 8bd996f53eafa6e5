//! `drawloom runs cancel`, `pause`, `resume`, `signal`, `fork`, `replay`, `delete`.

use clap::Args;
use drawloom_blueprint::{RunId, Value};
use drawloom_lang::Optimise;
use drawloom_runtime::{Loom, Taken, Which, Work};
use serde_json::json;

use super::list::{Filter, find};
use crate::{
    Done,
    commands::follow::{self, Followed},
    failure::Failure,
    flow, live, output,
    workshop::Workshop,
};

/// So many runs one bulk command takes.
const BULK_MAX: usize = 100_000;

/// One run, or all that a filter finds.
#[derive(Args)]
struct Chosen {
    /// A run
    run: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Chosen {
    async fn runs(&self, workshop: &Workshop) -> Result<Vec<RunId>, Failure> {
        match &self.run {
            Some(run) => Ok(vec![find(workshop, run).await?]),
            None if self.filter.is_empty() => Err(Failure::usage("no run is named")
                .help("name a run, or give a filter: --flow, --status, --since, --label")),
            None => Ok(self.filter.find(workshop, BULK_MAX).await?.into_iter().map(|it| it.run).collect()),
        }
    }

    /// Does something to each of the runs, and says so.
    async fn each<F>(&self, workshop: &Workshop, does: &str, act: F) -> Done
    where
        F: AsyncFn(&Loom, RunId) -> Result<bool, drawloom_runtime::Error>,
    {
        let runs = self.runs(workshop).await?;
        if self.dry_run {
            for run in &runs {
                output::line(&run.to_string());
            }
            output::note(&format!("{} runs would be {does}", runs.len()));
            return Ok(0);
        }
        let loom = workshop.loom(Work::Leave).await?;
        let single = self.run.is_some();
        let mut done = Vec::new();
        for run in runs {
            match act(&loom, run).await {
                Ok(true) => done.push(run),
                Ok(false) => {}
                // In bulk, runs that have ended meanwhile are passed over.
                Err(drawloom_runtime::Error::Ended { .. }) if !single => {}
                Err(error) => return Err(error.into()),
            }
        }
        loom.close().await?;
        say(workshop, &done, does)
    }
}

fn say(workshop: &Workshop, runs: &[RunId], does: &str) -> Done {
    if workshop.settings.json {
        let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
        output::json(&json!({ "runs": runs }));
    } else {
        match runs {
            [run] => output::note(&format!("{does} {run}")),
            runs => output::note(&format!("{does} {} runs", runs.len())),
        }
    }
    Ok(0)
}

/// Cancel runs: `finally` and `compensate` still run (with `drawloom resume`, where no server does the work)
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom runs cancel last\n  drawloom runs cancel --where 'flow = order-report and running' --dry-run")]
pub(crate) struct Cancel {
    #[command(flatten)]
    which: Chosen,
    /// Stop at once, without `finally` and `compensate`
    #[arg(long)]
    kill: bool,
}

impl Cancel {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        let kill = self.kill;
        self.which
            .each(workshop, "cancelled", async |loom, run| {
                let taken = if kill { loom.kill(run).await? } else { loom.cancel(run).await? };
                Ok(matches!(taken, Taken::Yes))
            })
            .await
    }
}

/// Let runs start nothing new
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom runs pause last")]
pub(crate) struct Pause {
    #[command(flatten)]
    which: Chosen,
}

impl Pause {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        self.which.each(workshop, "paused", async |loom, run| Ok(matches!(loom.pause(run).await?, Taken::Yes))).await
    }
}

/// Let paused runs go on
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom runs resume last")]
pub(crate) struct Resume {
    #[command(flatten)]
    which: Chosen,
}

impl Resume {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        self.which.each(workshop, "resumed", async |loom, run| Ok(matches!(loom.resume(run).await?, Taken::Yes))).await
    }
}

/// Send a signal to a run that waits for it, now or later
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom runs signal last approved --payload '{\"by\": \"Ada\"}'")]
pub(crate) struct Signal {
    /// A run
    run: String,
    /// The signal's name
    name: String,
    /// What it carries, as JSON; a text that is no JSON is taken as text
    #[arg(long, default_value = "null")]
    payload: String,
}

impl Signal {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        let run = find(workshop, &self.run).await?;
        let payload = Value::from_json(self.payload.as_bytes()).unwrap_or_else(|_| Value::from(self.payload.as_str()));
        let loom = workshop.loom(Work::Leave).await?;
        let taken = loom.signal(run, &self.name, payload).await?;
        loom.close().await?;
        if matches!(taken, Taken::Dropped) {
            return Err(Failure::usage(format!("run {run} keeps too many signals already")));
        }
        say(workshop, &[run], "signalled")
    }
}

/// Make a new run that takes over what succeeded and does the rest, also with another version
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom runs fork last --dry-run\n  drawloom runs fork last --from publish --version order-report.yaml\n  drawloom runs fork --where 'flow = order-report and failed at step publish since 1h'")]
pub(crate) struct Fork {
    /// A run
    run: String,
    /// Do this step and all that depends on it again; repeatable. Without it: what did not succeed
    #[arg(long, value_name = "STEP")]
    from: Vec<String>,
    /// A file, or `name@version`; without it, the version of the old run
    #[arg(long, value_name = "FLOW")]
    version: Option<String>,
    /// Another value for an input; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Only say what would be kept and what done
    #[arg(long)]
    dry_run: bool,
}

impl Fork {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        let old = find(workshop, &self.run).await?;
        let version = match &self.version {
            Some(it) => Some(version(workshop, it).await?),
            None => None,
        };
        let set = crate::commands::run::labels(&self.set)?
            .into_iter()
            .map(|(name, text)| (name, Value::from_json(text.as_bytes()).unwrap_or_else(|_| Value::from(text))))
            .collect();
        let loom = workshop.loom(if self.dry_run { Work::Leave } else { Work::Do }).await?;
        let events = loom.events();
        let fork = drawloom_runtime::Fork { from: self.from, version, set };
        let done = if self.dry_run {
            let plan = loom.plan_fork(old, fork).await?;
            if workshop.settings.json {
                output::json(&json!({ "keep": plan.keep, "redo": plan.redo }));
            } else {
                output::line(&format!("keep: {}", plan.keep.join(", ")));
                output::line(&format!("redo: {}", plan.redo.join(", ")));
            }
            Ok(0)
        } else {
            let (begun, _) = loom.fork(old, fork).await?;
            watch(workshop, &loom, events, begun.run).await
        };
        loom.close().await?;
        done
    }
}

async fn version(workshop: &Workshop, text: &str) -> Result<Which, Failure> {
    let path = std::path::Path::new(text);
    if path.exists() {
        let source = flow::read(path)?;
        let compiled = flow::compile(&source, Optimise::On)?;
        workshop.keep_children(&compiled).await?;
        let source = Some(source.text().to_owned());
        return Ok(Which::Blueprint { blueprint: std::sync::Arc::new(compiled.blueprint), source });
    }
    let (flow, number) = match text.split_once('@') {
        Some((flow, number)) => {
            let number = number.parse().map_err(|_| Failure::usage(format!("`{number}` is not a version's number")))?;
            (flow, Some(number))
        }
        None => (text, None),
    };
    Ok(Which::Published { flow: flow.to_owned(), number })
}

async fn watch(workshop: &Workshop, loom: &Loom, events: drawloom_runtime::Events, run: RunId) -> Done {
    let mut show = live::show(&workshop.settings);
    match follow::follow(loom, events, &[run], show.as_mut()).await? {
        Followed::Ended(views) => Ok(crate::commands::run::say(&views, workshop.settings.json, false)),
        Followed::Interrupted(runs) => follow::say_interrupted(&runs, workshop.settings.json),
    }
}

/// Run again from the start, with the same version and inputs
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom runs replay last")]
pub(crate) struct Replay {
    /// A run
    run: String,
}

impl Replay {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        let old = find(workshop, &self.run).await?;
        let loom = workshop.loom(Work::Do).await?;
        let events = loom.events();
        let begun = loom.replay(old).await?;
        let done = watch(workshop, &loom, events, begun.run).await;
        loom.close().await?;
        done
    }
}

/// Delete ended runs
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom runs delete last\n  drawloom runs delete --where 'flow = hello and succeeded before 7d'")]
pub(crate) struct Delete {
    #[command(flatten)]
    which: Chosen,
}

impl Delete {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        self.which.each(workshop, "deleted", async |loom, run| loom.delete(run).await).await
    }
}
