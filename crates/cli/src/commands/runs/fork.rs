//! `drawloom runs fork` and `replay`: new runs from old ones.

use clap::Args;
use drawloom_blueprint::{RunId, Value};
use drawloom_lang::Optimise;
use drawloom_runtime::{Fork as ForkOf, Loom, Which, Work};
use serde_json::json;

use super::steer::{self, Chosen};
use crate::{Done, commands::run, failure::Failure, flow, output, workshop::Workshop};

/// Make a new run that takes over what succeeded and does the rest, also with another version
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom runs fork last --dry-run\n  \
                        drawloom runs fork last --from publish --version order-report.yaml\n  \
                        drawloom runs fork --where 'flow = order-report and failed at step publish since 1h'")]
pub(super) struct Fork {
    #[command(flatten)]
    which: Chosen,
    /// Do this step and all that depends on it again; repeatable. Without it: what did not succeed
    #[arg(long, value_name = "STEP")]
    from: Vec<String>,
    /// A file, or `name@version`; without it, the version of the old run
    #[arg(long, value_name = "FLOW")]
    version: Option<String>,
    /// Another value for an input; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

impl Fork {
    pub(super) async fn go(self, workshop: &Workshop) -> Done {
        let old = self.which.runs(workshop).await?;
        let version = match &self.version {
            Some(it) => Some(version(workshop, it).await?),
            None => None,
        };
        let read = |text: String| Value::from_json(text.as_bytes()).unwrap_or_else(|_| Value::from(text));
        let set = run::labels(&self.set)?.into_iter().map(|(name, text)| (name, read(text))).collect();
        let fork = ForkOf { from: self.from.clone(), version, set };
        if self.which.dry_run {
            return self.plan(workshop, &old, fork).await;
        }
        let loom = workshop.loom(Work::Do).await?;
        let events = loom.events();
        let mut new = Vec::new();
        for run in old {
            new.push(loom.fork(run, fork.clone()).await?.0.run);
        }
        self.which.watch(workshop, loom, events, &new).await
    }

    async fn plan(&self, workshop: &Workshop, old: &[RunId], fork: ForkOf) -> Done {
        let loom = workshop.loom(Work::Leave).await?;
        let json = workshop.settings.json;
        let mut items = (json && self.which.is_bulk()).then(|| output::List::begin(&json!({}), "runs"));
        for run in old {
            let plan = loom.plan_fork(*run, fork.clone()).await?;
            let told = json!({ "run": run.to_string(), "keep": plan.keep, "redo": plan.redo });
            match &mut items {
                Some(items) => items.item(&told),
                None if json => output::json(&told),
                None => {
                    output::line(&format!("run {run}"));
                    output::line(&format!("  keeps: {}", list(&plan.keep)));
                    output::line(&format!("  does:  {}", list(&plan.redo)));
                }
            }
        }
        if let Some(items) = items {
            items.end();
        }
        loom.close().await?;
        Ok(0)
    }
}

fn list(steps: &[String]) -> String {
    if steps.is_empty() { "nothing".to_owned() } else { steps.join(", ") }
}

async fn version(workshop: &Workshop, text: &str) -> Result<Which, Failure> {
    let path = std::path::Path::new(text);
    if path.is_file() {
        let source = flow::load(path)?;
        let compiled = flow::compile(&source, Optimise::On)?;
        workshop.keep_children(&compiled).await?;
        let source = Some(source.text().to_owned());
        return Ok(Which::Blueprint { blueprint: std::sync::Arc::new(compiled.blueprint), source });
    }
    let (flow, number) = flow::published_name(text)?;
    Ok(Which::Published { flow, number })
}

/// Run again from the start, with the same version and inputs
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom runs replay last")]
pub(super) struct Replay {
    #[command(flatten)]
    which: Chosen,
}

impl Replay {
    pub(super) async fn go(self, workshop: &Workshop) -> Done {
        let old = self.which.runs(workshop).await?;
        if self.which.dry_run {
            return steer::say(workshop, &old, "would be run again:");
        }
        let loom: Loom = workshop.loom(Work::Do).await?;
        let events = loom.events();
        let mut new = Vec::new();
        for run in old {
            new.push(loom.replay(run).await?.run);
        }
        self.which.watch(workshop, loom, events, &new).await
    }
}
