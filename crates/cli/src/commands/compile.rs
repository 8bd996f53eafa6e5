//! `drawloom compile`: the blueprint, readable.

use std::path::PathBuf;

use clap::Args;
use drawloom_lang::Optimise;

use crate::{Done, flow, output, settings::Settings};

/// Show what a flow is compiled to
#[derive(Args)]
#[command(
    after_help = "Examples:\n  drawloom compile flow.yaml\n  drawloom compile flow.yaml --explain     what each pass did\n  \
                        drawloom compile flow.yaml -O0 --json"
)]
pub(crate) struct Compile {
    /// A file, or `-` for standard input
    flow: PathBuf,
    /// Say what each pass of the compiler did
    #[arg(long)]
    explain: bool,
    /// 0: one operation per step, as written; 1: optimised
    #[arg(short = 'O', value_name = "LEVEL", default_value = "1", value_parser = clap::value_parser!(u8).range(0..=1))]
    optimise: u8,
}

impl Compile {
    pub(crate) fn go(self, settings: &Settings) -> Done {
        let source = flow::load(&self.flow)?;
        let optimise = if self.optimise == 0 { Optimise::Off } else { Optimise::On };
        let compiled = flow::compile(&source, optimise)?;
        let passes = if self.explain { compiled.explain.as_slice() } else { &[] };
        if settings.json {
            output::json(&drawloom_lang::explain::json(&compiled.blueprint, passes));
        } else {
            output::raw(drawloom_lang::explain::text(&compiled.blueprint, passes).as_bytes());
        }
        Ok(0)
    }
}
