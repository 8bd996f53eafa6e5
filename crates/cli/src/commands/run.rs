//! `drawloom run`: compile, start, follow, print the outputs.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use drawloom_blueprint::{Blueprint, Value};
use drawloom_lang::{Compiled, Optimise};
use drawloom_runtime::{Error, Recover, Start, Which, Work};

use super::{follow::Watch, report::Report};
use crate::{
    Done,
    failure::Failure,
    flow, inputs, live, output,
    settings::Settings,
    store::{self, Use},
    workshop::Workshop,
};

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
    /// Print live events as lines of JSON on standard output; the last one is the run, as --json shows it
    #[arg(long)]
    events: bool,
}

impl Run {
    pub(crate) async fn go(self, mut settings: Settings) -> Done {
        if self.ephemeral {
            "memory:".clone_into(&mut settings.store);
        }
        settings.json |= self.events;
        // The flow and its inputs are checked before a store is touched: bad input starts nothing.
        let labels = labels(&self.label)?;
        let meant = self.meant(&settings).await?;
        let workshop = Workshop::open(settings, Use::Write)?;
        if let Some(compiled) = &meant.compiled {
            workshop.keep_children(compiled).await?;
        }
        let start =
            Start { labels, idempotency_key: self.idempotency_key.clone(), ..Start::of(meant.version, meant.inputs) };
        let done = self.start(&workshop, start).await;
        workshop.close().await?;
        done
    }

    async fn start(&self, workshop: &Workshop, start: Start) -> Done {
        let json = workshop.settings.json;
        let loom = workshop.loom(if self.detach { Work::Leave } else { Work::Do }).await?;
        let events = loom.events();
        let begun = loom.start(start).await?;
        if self.detach {
            loom.close().await?;
            if json {
                output::json(&serde_json::json!({ "run": begun.run.to_string() }));
            } else {
                output::line(&begun.run.to_string());
                output::note(&format!("recorded; `drawloom resume {}` does the work", begun.run));
            }
            return Ok(0);
        }
        if !begun.is_new {
            let view = loom.reader().view(begun.run).await?;
            if view.status.is_end() {
                loom.close().await?;
                return Report::One(begun.run).say(&workshop.reader(), &workshop.settings).await;
            }
            loom.recover(Recover::Run(begun.run)).await?;
        }
        let show = if self.events { Box::new(live::Lines) } else { live::show(&workshop.settings) };
        let watch = Watch { runs: &[begun.run], report: Report::One(begun.run), show };
        watch.go(workshop, loom, events).await
    }

    /// What is to be run, with its inputs checked.
    async fn meant(&self, settings: &Settings) -> Result<Meant, Failure> {
        let path = PathBuf::from(&self.flow);
        let is_name = !self.flow.contains(['/', '.', '\\']) && self.flow != "-";
        if is_name && !path.is_file() {
            return self.published(settings).await;
        }
        if self.flow == "-" && self.inputs.as_deref().is_some_and(|it| it.as_os_str() == "-") {
            return Err(Failure::usage("the flow and its inputs cannot both come from standard input"));
        }
        let source = flow::load(&path)?;
        let compiled = flow::compile(&source, Optimise::On)?;
        let inputs = self.inputs(&compiled.blueprint)?;
        let version = Which::Blueprint {
            blueprint: Arc::new(compiled.blueprint.clone()),
            source: Some(source.text().to_owned()),
        };
        Ok(Meant { version, inputs, compiled: Some(compiled) })
    }

    async fn published(&self, settings: &Settings) -> Result<Meant, Failure> {
        let (flow, number) = flow::published_name(&self.flow)?;
        let unknown = || {
            Failure::usage(format!("there is no file and no published flow `{}`", self.flow))
                .help("`drawloom flows list` lists the published ones, `drawloom init` writes a first flow")
        };
        // Where there is no file, no flow can have been published, and looking for it must not make one.
        if store::path(&settings.store).is_some_and(|it| !it.exists()) {
            return Err(unknown());
        }
        let workshop = Workshop::open(settings.clone(), Use::Read)?;
        let found = match number {
            Some(number) => workshop.store.published(&flow, number).await?,
            None => workshop.store.active(&flow).await?,
        };
        let found = found.ok_or_else(unknown)?;
        let blueprint = workshop.reader().blueprint(found.hash).await?;
        workshop.close().await?;
        let inputs = self.inputs(&blueprint)?;
        Ok(Meant { version: Which::Published { flow, number: Some(found.number) }, inputs, compiled: None })
    }

    fn inputs(&self, blueprint: &Blueprint) -> Result<Value, Failure> {
        let given = inputs::read(blueprint, &self.input, self.inputs.as_deref())?;
        drawloom_engine::check_inputs(blueprint, &given).map_err(Error::Inputs)?;
        Ok(given)
    }
}

/// What is to be run.
struct Meant {
    version: Which,
    inputs: Value,
    /// Where it was compiled just now.
    compiled: Option<Compiled>,
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
