//! `drawloom fmt`: one way to write a flow.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::{
    Done,
    failure::{FAILED, Failure},
    flow, output,
};

/// Format flows; comments stay
#[derive(Args)]
#[command(
    after_help = "Examples:\n  drawloom fmt flow.yaml\n  drawloom fmt --check flows/*.yaml     for CI\n  drawloom fmt - < flow.yaml"
)]
pub(crate) struct Fmt {
    /// Files, or `-` for standard input (then the result goes to standard output)
    #[arg(required = true)]
    flows: Vec<PathBuf>,
    /// Change nothing; exit with 1 if something would be changed
    #[arg(long)]
    check: bool,
}

impl Fmt {
    pub(crate) fn go(self, json: bool) -> Done {
        let mut changed = Vec::new();
        for path in &self.flows {
            let source = flow::read(path)?;
            let text =
                drawloom_lang::fmt::format(&source).map_err(|it| flow::problems(&it, std::slice::from_ref(&source)))?;
            if path.as_os_str() == "-" {
                output::raw(text.as_bytes());
                continue;
            }
            if text == source.text() {
                continue;
            }
            changed.push(path.display().to_string());
            if self.check {
                output::note(&format!("{} is not formatted", path.display()));
            } else {
                replace(path, &text).map_err(|it| Failure::usage(format!("{}: {it}", path.display())))?;
                output::note(&format!("formatted {}", path.display()));
            }
        }
        let code = if self.check && !changed.is_empty() { FAILED } else { 0 };
        if json && self.flows.iter().all(|it| it.as_os_str() != "-") {
            output::json(&json!({ if self.check { "unformatted" } else { "formatted" }: changed }));
        }
        Ok(code)
    }
}

/// Writes beside the file and renames, so that no moment leaves half a file.
fn replace(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("drawloom-fmt");
    std::fs::write(&beside, text)?;
    std::fs::set_permissions(&beside, std::fs::metadata(path)?.permissions())?;
    std::fs::rename(beside, path)
}
