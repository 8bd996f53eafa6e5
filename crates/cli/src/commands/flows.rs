//! `drawloom flows`: published flows and their versions.

mod diff;
mod publish;

use clap::{Args, Subcommand};
use drawloom_store::Published;
use serde_json::{Value as Json, json};

pub(super) use publish::publish_all;

use crate::{Done, failure::Failure, output, settings::Settings, store::Use, workshop::Workshop};

/// Publish flows, list them and their versions, go back to an earlier one
#[derive(Args)]
pub(crate) struct Flows {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List published flows
    #[command(after_help = "Example:\n  drawloom flows list --json")]
    List,
    /// Show the document of a flow's active or given version
    #[command(
        after_help = "Examples:\n  drawloom flows show order-report\n  drawloom flows show order-report@3 > old.yaml"
    )]
    Show {
        /// `name` or `name@version`
        flow: String,
    },
    Publish(publish::PublishArgs),
    /// List the versions of a flow, the newest first
    #[command(after_help = "Example:\n  drawloom flows versions order-report")]
    Versions {
        /// The flow's name
        flow: String,
    },
    /// Show what differs between the documents of two versions
    #[command(after_help = "Examples:\n  drawloom flows diff order-report@2 order-report@3\n  \
                            drawloom flows diff order-report order-report.yaml")]
    Diff {
        /// `name`, `name@version`, or a file
        old: String,
        /// `name`, `name@version`, or a file
        new: String,
    },
    /// Make an earlier version the active one
    #[command(after_help = "Example:\n  drawloom flows rollback order-report 3")]
    Rollback {
        /// The flow's name
        flow: String,
        /// The version's number
        version: u32,
    },
}

/// So many rows are fetched at a time.
const PAGE: usize = 500;

impl Flows {
    pub(crate) async fn go(self, settings: Settings) -> Done {
        let json = settings.json;
        let what_for = match self.what {
            What::Publish(it) => return it.go(settings).await,
            What::Rollback { .. } => Use::Write,
            _ => Use::Read,
        };
        let workshop = Workshop::open(settings, what_for)?;
        match self.what {
            What::Publish(_) => {}
            What::List => show(&list(&workshop).await?, json),
            What::Show { flow } => {
                let (row, source) = document(&workshop, &flow).await?;
                if json {
                    let mut object = to_json(&row);
                    object["source"] = json!(source);
                    output::json(&object);
                } else {
                    output::raw(source.as_bytes());
                }
            }
            What::Versions { flow } => {
                let rows = versions(&workshop, &flow).await?;
                if rows.is_empty() {
                    return Err(unknown(&flow));
                }
                show(&rows, json);
            }
            What::Diff { old, new } => diff::say(&workshop, &old, &new).await?,
            What::Rollback { flow, version } => {
                find(&workshop, &format!("{flow}@{version}")).await?;
                let row = workshop.store.activate(&flow, version).await?;
                if json {
                    output::json(&to_json(&row));
                } else {
                    output::note(&format!("{flow} runs version {version} from now on"));
                }
            }
        }
        workshop.close().await?;
        Ok(0)
    }
}

async fn list(workshop: &Workshop) -> Result<Vec<Published>, Failure> {
    let (mut rows, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = workshop.store.flows(after.as_deref(), PAGE).await?;
        after = page.last().map(|it| it.active.flow.clone());
        let full = page.len() == PAGE;
        rows.extend(page.into_iter().map(|it| it.active));
        if !full {
            return Ok(rows);
        }
    }
}

async fn versions(workshop: &Workshop, flow: &str) -> Result<Vec<Published>, Failure> {
    let (mut rows, mut before) = (Vec::new(), None);
    loop {
        let page = workshop.store.history(flow, before, PAGE).await?;
        before = page.last().map(|it| it.number);
        let full = page.len() == PAGE;
        rows.extend(page);
        if !full {
            return Ok(rows);
        }
    }
}

/// The version that `name` or `name@version` means.
async fn find(workshop: &Workshop, name: &str) -> Result<Published, Failure> {
    let found = match name.split_once('@') {
        Some((flow, number)) => {
            let number = number.parse().map_err(|_| Failure::usage(format!("`{number}` is not a version's number")))?;
            workshop.store.published(flow, number).await?
        }
        None => workshop.store.active(name).await?,
    };
    found.ok_or_else(|| unknown(name))
}

/// A version and the text that it was compiled from.
async fn document(workshop: &Workshop, name: &str) -> Result<(Published, String), Failure> {
    let row = find(workshop, name).await?;
    let version = workshop.store.version(row.hash).await?;
    let source = version.and_then(|it| it.source);
    Ok((row, source.ok_or_else(|| Failure::usage(format!("the document of `{name}` was not kept")))?))
}

fn unknown(name: &str) -> Failure {
    Failure::usage(format!("there is no published flow `{name}`")).help("`drawloom flows list` lists them")
}

fn show(rows: &[Published], json: bool) {
    if json {
        output::json(&rows.iter().map(to_json).collect::<Vec<_>>());
        return;
    }
    let row = |it: &Published| {
        vec![it.flow.clone(), it.number.to_string(), it.hash.short(), it.at.to_string(), it.note.clone()]
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    output::line(&output::table(&["FLOW", "VERSION", "HASH", "PUBLISHED", "NOTE"], &rows));
}

fn to_json(it: &Published) -> Json {
    json!({ "flow": it.flow, "version": it.number, "hash": it.hash.to_string(), "published_at": it.at, "note": it.note })
}
