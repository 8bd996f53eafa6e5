//! `drawloom apply`: a folder of flows is what is published.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::flows::publish_all;
use crate::{Done, failure::Failure, output, settings::Settings};

/// Publish every flow of a folder; those that did not change keep their version
#[derive(Args)]
#[command(
    after_help = "Example:\n  drawloom apply flows/ --note \"$(git rev-parse HEAD)\"\n\nTakes the *.yaml, *.yml and *.json files that \
                        stand in the folder itself. Nothing is published unless all of them compile."
)]
pub(crate) struct Apply {
    /// The folder
    folder: PathBuf,
    /// What has changed
    #[arg(long, default_value = "")]
    note: String,
}

impl Apply {
    pub(crate) async fn go(self, settings: Settings) -> Done {
        let json = settings.json;
        let files = files(&self.folder)?;
        let rows = publish_all(settings, &files, &self.note).await?;
        if json {
            let rows: Vec<_> = rows.iter().map(|it| json!({ "flow": it.flow, "version": it.number })).collect();
            output::json(&json!({ "flows": rows }));
        } else {
            for it in &rows {
                output::line(&format!("{}@{}", it.flow, it.number));
            }
        }
        Ok(0)
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let wrong = |it: std::io::Error| Failure::usage(format!("{}: {it}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let is_flow = path.extension().is_some_and(|it| it == "yaml" || it == "yml" || it == "json");
        if is_flow && path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Failure::usage(format!("there are no flows in {}", folder.display())));
    }
    files.sort();
    Ok(files)
}
