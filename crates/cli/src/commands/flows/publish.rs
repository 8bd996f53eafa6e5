//! `drawloom flows publish`, and what `drawloom apply` shares with it.
//!
//! **Invariant:** nothing is published before everything compiles.

use std::path::PathBuf;

use clap::Args;
use drawloom_lang::{Compiled, Optimise, Source};
use drawloom_store::{Publish, Published};

use super::to_json;
use crate::{Done, failure::Failure, flow, output, settings::Settings, store::Use, workshop::Workshop};

/// Compile flows and publish each as its next version
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom flows publish order-report.yaml --note 'ranks by euros'\n  \
                        drawloom run order-report            runs the active version")]
pub(crate) struct PublishArgs {
    /// Files, or `-` for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What has changed
    #[arg(long, default_value = "")]
    note: String,
}

impl PublishArgs {
    pub(super) async fn go(self, settings: Settings) -> Done {
        let json = settings.json;
        let rows = publish_all(settings, &self.files, &self.note).await?;
        for row in &rows {
            if json {
                output::json(&to_json(row));
            } else {
                output::line(&format!("{}@{}", row.flow, row.number));
            }
        }
        Ok(0)
    }
}

/// Compiles all of the files, then publishes them in their order.
pub(crate) async fn publish_all(settings: Settings, files: &[PathBuf], note: &str) -> Result<Vec<Published>, Failure> {
    let mut all: Vec<(Source, Compiled)> = Vec::new();
    for path in files {
        let source = flow::load(path)?;
        let compiled = flow::compile(&source, Optimise::On)?;
        if let Some((other, _)) = all.iter().find(|(_, it)| it.blueprint.flow == compiled.blueprint.flow) {
            let message =
                format!("{} and {} are both called `{}`", other.name(), source.name(), compiled.blueprint.flow);
            return Err(Failure::usage(message));
        }
        all.push((source, compiled));
    }
    let workshop = Workshop::open(settings, Use::Write)?;
    let mut rows = Vec::new();
    for (source, compiled) in &all {
        workshop.keep_children(compiled).await?;
        let hash = workshop.store.put_version(compiled.blueprint.encode().into(), Some(source.text())).await?;
        let flow = compiled.blueprint.flow.clone();
        let publish = Publish { flow, hash, note: note.to_owned(), at: drawloom_runtime::now() };
        rows.push(workshop.store.publish(publish).await?);
    }
    workshop.close().await?;
    Ok(rows)
}
