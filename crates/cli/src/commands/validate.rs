//! `drawloom validate`: what is wrong with flows, all at once.

use std::path::PathBuf;

use clap::Args;
use drawloom_lang::{Optimise, Options, foreign};

use crate::{Done, failure::USAGE, flow, output, settings::Settings};

/// Check flows and say all that is wrong with them
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom validate flow.yaml\n  drawloom validate flows/*.yaml --json")]
pub(crate) struct Validate {
    /// Files, or `-` for standard input
    #[arg(required = true)]
    flows: Vec<PathBuf>,
}

impl Validate {
    pub(crate) fn go(self, settings: &Settings) -> Done {
        let kinds = flow::kinds();
        let (mut all, mut sources) = (Vec::new(), Vec::new());
        for path in &self.flows {
            let source = match flow::read_checked(path)? {
                Ok(it) => it,
                Err(diagnostic) => {
                    all.push(*diagnostic);
                    continue;
                }
            };
            // What is wrong with a document of another tool is said in its own places, and then what is wrong with
            // the flow that it became.
            let (source, mut found) = match foreign::load(&source) {
                Some(it) => {
                    sources.push(source);
                    (it.source, it.warnings)
                }
                None => (source, Vec::new()),
            };
            let children = flow::children(&source);
            let options = Options { optimise: Optimise::Off, kinds: &kinds, children: &children };
            found.extend(match drawloom_lang::compile(&source, &options) {
                Ok(it) => it.diagnostics,
                Err(it) => it,
            });
            if found.is_empty() && !settings.json && !settings.quiet {
                output::note(&format!("{} {}", crate::live::sign("succeeded").for_stderr(), path.display()));
            }
            all.extend(found);
            sources.push(source);
            sources.extend(children.into_values());
        }
        if settings.json {
            output::json(&drawloom_lang::to_json(&all, &sources));
        } else if !all.is_empty() {
            output::note(flow::render(&all, &sources).trim_end());
        }
        Ok(if all.iter().any(drawloom_lang::Diagnostic::is_error) { USAGE } else { 0 })
    }
}
