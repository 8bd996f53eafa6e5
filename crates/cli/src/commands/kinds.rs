//! `drawloom kinds`: what task steps can use.

use clap::Args;
use serde_json::json;

use crate::{Done, failure::Failure, output, settings::Settings};

/// List the kinds of task steps, or show one with its parameters and an example
#[derive(Args)]
#[command(
    after_help = "Examples:\n  drawloom kinds\n  drawloom kinds http\n  drawloom kinds http --json     its JSON Schema"
)]
pub(crate) struct Kinds {
    /// A kind
    kind: Option<String>,
}

impl Kinds {
    pub(crate) fn go(self, settings: &Settings) -> Done {
        let all = drawloom_kinds::catalogue();
        let to_json = |it: &drawloom_queue::KindInfo| {
            json!({
                "name": it.name, "version": it.version, "summary": it.summary, "placement": it.placement.name(),
                "with": it.with, "returns": it.returns,
            })
        };
        match self.kind {
            None if settings.json => output::json(&all.iter().map(to_json).collect::<Vec<_>>()),
            None => {
                let row = |it: &drawloom_queue::KindInfo| {
                    vec![it.name.to_owned(), it.placement.name().to_owned(), it.summary.to_owned()]
                };
                output::line(&output::table(&["KIND", "RUNS", "DOES"], &all.iter().map(row).collect::<Vec<_>>()));
            }
            Some(name) => {
                let kind = all.iter().find(|it| it.name == name).ok_or_else(|| {
                    let known: Vec<&str> = all.iter().map(|it| it.name).collect();
                    Failure::usage(format!("there is no kind `{name}`"))
                        .help(format!("there are: {}", known.join(", ")))
                })?;
                if settings.json {
                    output::json(&to_json(kind));
                } else {
                    output::line(kind.docs.trim_end());
                }
            }
        }
        Ok(0)
    }
}
