//! `drawloom run`: compile, start, follow, print the outputs.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use drawloom_blueprint::Value;
use drawloom_lang::Optimise;
use drawloom_runtime::{Loom, Start, Which, Work};

use super::follow::{self, Followed};
use crate::{Done, failure::Failure, flow, inputs, live, output, settings::Settings, store::Use, workshop::Workshop};

/// Run a flow and follow it to its end
#[derive(Args)]
#[command(
    after_help = "Examples:\n  drawloom run flow.yaml\n  drawloom run flow.yaml --input day=2026-01-31 --input limit=5\n  \
                        drawloom run flow.yaml --inputs inputs.json --json\n  cat flow.yaml | drawloom run -\n  \
                        drawloom run order-report            a published flow"
)]
pub(crate) struct Run {
    /// A file, `-` for standard input, or the name of a published flow (`name` or `name@version`)
    flow: String,
    /// An input, read by its type (`n=7`); repeatable
    #[arg(long, short, value_name = "NAME=VALUE")]
    input: Vec<String>,
    /// A file with all inputs as a JSON object, `-` for standard input
    #[arg(long, value_name = "FILE")]
    inputs: Option<PathBuf>,
    /// A label of the run; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
    /// A start with a key that was used before gives the earlier run
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Record the start and return; `drawloom resume` does the work
    #[arg(long)]
    detach: bool,
    /// Keep nothing: the run is gone with the process
    #[arg(long, conflicts_with = "detach")]
    ephemeral: bool,
    /// Print live events as lines of JSON on standard output
    #[arg(long, conflicts_with = "json")]
    events: bool,
}

impl Run {
    pub(crate) async fn go(self, mut settings: Settings) -> Done {
        if self.ephemeral {
            "memory:".clone_into(&mut settings.store);
        }
        // The flow is checked before a store is touched: bad input starts nothing.
        let compiled = match self.file() {
            Some(path) => {
                let source = flow::read(&path)?;
                Some((flow::compile(&source, Optimise::On)?, source))
            }
            None => None,
        };
        let given = match &compiled {
            Some((it, _)) => {
                let given = inputs::read(&it.blueprint, &self.input, self.inputs.as_deref())?;
                check(&it.blueprint, &given)?;
                Some(given)
            }
            None => None,
        };
        let workshop = Workshop::open(settings, Use::Write)?;
        let loom = workshop.loom(if self.detach { Work::Leave } else { Work::Do }).await?;
        let (version, given) = match (compiled, given) {
            (Some((compiled, source)), Some(given)) => {
                workshop.keep_children(&compiled).await?;
                let blueprint = Arc::new(compiled.blueprint);
                (Which::Blueprint { blueprint, source: Some(source.text().to_owned()) }, given)
            }
            _ => self.published(&workshop).await?,
        };
        let start = Start {
            version,
            inputs: given,
            trigger: Value::object([("kind", Value::from("manual"))]),
            labels: labels(&self.label)?,
            idempotency_key: self.idempotency_key.clone(),
        };
        let done = self.start(&workshop, &loom, start).await;
        let closed = loom.close().await;
        workshop.close().await?;
        let code = done?;
        closed?;
        Ok(code)
    }

    async fn start(&self, workshop: &Workshop, loom: &Loom, start: Start) -> Done {
        let json = workshop.settings.json;
        let events = loom.events();
        let begun = loom.start(start).await?;
        if self.detach {
            if json {
                output::json(&serde_json::json!({ "run": begun.run.to_string(), "new": begun.is_new }));
            } else {
                output::line(&begun.run.to_string());
                output::note(&format!("recorded; `drawloom resume {}` does the work", begun.run));
            }
            return Ok(0);
        }
        if !begun.is_new {
            loom.recover(drawloom_runtime::Recover::Run(begun.run)).await?;
            if loom.reader().view(begun.run).await?.status.is_end() {
                return Ok(say(&[loom.finished(begun.run).await?], json, self.events));
            }
        }
        let mut show = if self.events { Box::new(live::Lines) } else { live::show(&workshop.settings) };
        match follow::follow(loom, events, &[begun.run], show.as_mut()).await? {
            Followed::Ended(views) => Ok(say(&views, json, self.events)),
            Followed::Interrupted(runs) => follow::say_interrupted(&runs, json),
        }
    }

    /// The file that is meant; none for a published flow.
    fn file(&self) -> Option<PathBuf> {
        let path = PathBuf::from(&self.flow);
        let looks_like_name = !self.flow.contains(['/', '.']) && self.flow != "-";
        (path.exists() || !looks_like_name).then_some(path)
    }

    async fn published(&self, workshop: &Workshop) -> Result<(Which, Value), Failure> {
        let (name, number) = match self.flow.split_once('@') {
            Some((name, number)) => {
                let number =
                    number.parse().map_err(|_| Failure::usage(format!("`{number}` is not a version's number")))?;
                (name.to_owned(), Some(number))
            }
            None => (self.flow.clone(), None),
        };
        let found = match number {
            Some(number) => workshop.store.published(&name, number).await?,
            None => workshop.store.active(&name).await?,
        };
        let found = found.ok_or_else(|| {
            Failure::usage(format!("there is no file and no published flow `{}`", self.flow))
                .help("`drawloom flows list` lists the published ones, `drawloom init` writes a first flow")
        })?;
        let blueprint = workshop.reader().blueprint(found.hash).await?;
        let given = inputs::read(&blueprint, &self.input, self.inputs.as_deref())?;
        check(&blueprint, &given)?;
        Ok((Which::Published { flow: name, number }, given))
    }
}

fn check(blueprint: &drawloom_blueprint::Blueprint, given: &Value) -> Result<(), Failure> {
    drawloom_engine::check_inputs(blueprint, given)
        .map(drop)
        .map_err(|problems| drawloom_runtime::Error::Inputs(problems).into())
}

/// `name=value` pairs.
pub(crate) fn labels(pairs: &[String]) -> Result<std::collections::BTreeMap<String, String>, Failure> {
    let pair = |it: &String| {
        it.split_once('=')
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .ok_or_else(|| Failure::usage(format!("`--label {it}` is not of the form name=value")))
    };
    pairs.iter().map(pair).collect()
}

/// Shows how runs ended; the exit code.
pub(crate) fn say(views: &[drawloom_runtime::RunView], json: bool, events: bool) -> u8 {
    for view in views {
        if json {
            output::json(&follow::to_json(view));
        } else if !events {
            follow::say_ended(view);
        }
    }
    follow::exit(views)
}
