//! `drawloom store`: looking after the store.

mod copy;
mod progress;
mod replay;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use drawloom_store::{BlobHash, Keep, Prune, Pruned};
use serde_json::json;

use self::{progress::Progress, replay::replay};
use crate::{
    Done,
    failure::{FAILED, Failure},
    output,
    settings::Settings,
    store::Use,
    workshop::Workshop,
};

/// Look after the store: what it holds, whether it is sound, backups, old runs
#[derive(Args)]
pub(crate) struct Store {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Say what the store holds
    #[command(after_help = "Example:\n  drawloom store info --json")]
    Info,
    /// Verify everything in it, also while it is in use
    #[command(
        after_help = "Example:\n  drawloom store check\n\nReads everything, and replays each run. Exits with 1 where something is wrong."
    )]
    Check,
    /// Write the data that an output refers to (`{"blob": HASH, …}`) to standard output
    #[command(
        after_help = "Example:\n  drawloom store blob 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae > page.html"
    )]
    Blob {
        /// The hash, as the output says it
        hash: String,
    },
    /// Copy everything from one store to another, which must be empty
    #[command(
        after_help = "Example:\n  drawloom store copy sqlite://.drawloom/store.db sqlite:///var/lib/drawloom.db\n\n\
                            Nothing may work on either meanwhile (to copy a store in use, copy a backup of it). Secrets stay \
                            sealed: the copy opens with the same master key. In the end the two are compared, and each run \
                            of the copy is replayed."
    )]
    Copy {
        /// The URL of the store to copy
        from: String,
        /// The URL of the new store
        to: String,
    },
    /// Copy it to a file that does not exist yet, also while it is in use
    #[command(
        after_help = "Example:\n  drawloom store backup /backups/today.db\n\nLarge values go to a folder beside the file. \
                            The master key of the secrets is not part of a backup: keep it apart."
    )]
    Backup {
        /// The file
        to: PathBuf,
    },
    /// Put a backup where a store is to be and none is
    #[command(after_help = "Example:\n  drawloom store restore /backups/today.db")]
    Restore {
        /// The file of the backup
        from: PathBuf,
    },
    /// Delete old ended runs
    #[command(
        after_help = "Examples:\n  drawloom store prune --keep 30d\n  drawloom store prune --keep 100 --flow order-report"
    )]
    Prune {
        /// Those that ended longer ago (`30d`), or all but the newest of each flow (`100`)
        #[arg(long, value_name = "AGE|COUNT")]
        keep: String,
        /// Only runs of this flow
        #[arg(long)]
        flow: Option<String>,
    },
}

/// So many runs are deleted in one go, so that others get their turn.
const PRUNE_BATCH: usize = 500;
/// So much of a blob is read at once.
const PART: usize = 1024 * 1024;
/// So many findings of a check are listed.
const FINDINGS_MAX: usize = 1_000;

impl Store {
    pub(crate) async fn go(self, settings: Settings) -> Done {
        let json = settings.json;
        let (settings, what_for) = match &self.what {
            What::Restore { from } => {
                crate::store::restore(&settings, from)?;
                return say_done("restored", &settings.store, json);
            }
            What::Copy { from, to } => return copy::go(settings, from.clone(), to.clone()).await,
            What::Prune { .. } => (settings, Use::Write),
            _ => (settings, Use::Read),
        };
        let progress = Progress::new(&settings);
        let workshop = Workshop::open(settings, what_for)?;
        let code = match self.what {
            What::Info => info(&workshop, json).await?,
            What::Check => check(&workshop, progress, json).await?,
            What::Blob { hash } => blob(&workshop, &hash).await?,
            What::Backup { to } => {
                workshop.store.backup(&to).await?;
                say_done("copied to", &to.display().to_string(), json)?
            }
            What::Prune { keep, flow } => prune(&workshop, &keep, flow, json).await?,
            What::Copy { .. } | What::Restore { .. } => 0,
        };
        workshop.close().await?;
        Ok(code)
    }
}

async fn blob(workshop: &Workshop, hash: &str) -> Done {
    let none =
        || Failure::usage(format!("there is no blob `{hash}`")).help("an output that refers to one says its hash");
    let blob: BlobHash = hash.parse().map_err(|_| none())?;
    let mut read = 0;
    loop {
        let part = workshop.store.blob_part(blob, read, PART).await?.ok_or_else(none)?;
        if part.is_empty() {
            return Ok(0);
        }
        read += part.len() as u64;
        output::raw(&part);
    }
}

fn say_done(what: &str, place: &str, json: bool) -> Done {
    if json {
        output::json(&json!({ "place": place }));
    }
    output::note(&format!("{what} {place}"));
    Ok(0)
}

async fn info(workshop: &Workshop, json: bool) -> Done {
    let it = workshop.store.info().await?;
    let runs: std::collections::BTreeMap<&str, u64> = it.runs.iter().map(|(status, n)| (status.name(), *n)).collect();
    if json {
        let flows: Vec<_> = it.flows.iter().map(|flow| {
            json!({ "flow": flow.flow, "runs": flow.runs, "facts": flow.facts, "fact_bytes": flow.fact_bytes, "log_bytes": flow.log_bytes })
        }).collect();
        output::json(&json!({
            "kind": it.kind, "place": it.place, "schema": it.schema, "bytes": it.bytes, "blobs": it.blobs,
            "blob_bytes": it.blob_bytes, "runs": runs, "versions": it.versions, "flows": flows,
        }));
        return Ok(0);
    }
    output::line(&format!("{} store at {} (schema {}), {}", it.kind, it.place, it.schema, size(it.bytes)));
    output::line(&format!("{} blobs, {}; {} versions", it.blobs, size(it.blob_bytes), it.versions));
    for (status, count) in runs {
        output::line(&format!("{count:>8} runs {status}"));
    }
    let row = |it: &drawloom_store::FlowSize| {
        vec![it.flow.clone(), it.runs.to_string(), it.facts.to_string(), size(it.fact_bytes), size(it.log_bytes)]
    };
    let rows: Vec<_> = it.flows.iter().map(row).collect();
    output::line(&output::table(&["FLOW", "RUNS", "FACTS", "JOURNAL", "LOGS"], &rows));
    Ok(0)
}

async fn check(workshop: &Workshop, mut progress: Progress, json: bool) -> Done {
    let mut found = workshop.store.check(FINDINGS_MAX).await?;
    if found.is_empty() {
        let replayed = replay(workshop, FINDINGS_MAX, &mut progress).await;
        progress.end();
        found = replayed?;
    }
    if json {
        let rows: Vec<_> = found.iter().map(|it| json!({ "about": it.about, "message": it.message })).collect();
        output::json(&json!({ "sound": found.is_empty(), "findings": rows }));
    } else {
        for it in &found {
            output::line(&format!("{}: {}", it.about, it.message));
        }
        output::note(if found.is_empty() { "the store is sound" } else { "the store is damaged" });
    }
    Ok(if found.is_empty() { 0 } else { FAILED })
}

async fn prune(workshop: &Workshop, keep: &str, flow: Option<String>, json: bool) -> Done {
    let keep = match keep.parse::<u64>() {
        Ok(count) => Keep::Last(count),
        Err(_) => Keep::For(drawloom_blueprint::parse_duration(keep).map_err(Failure::usage)?),
    };
    let mut all = Pruned::default();
    loop {
        let prune = Prune { flow: flow.clone(), keep, now: drawloom_runtime::now(), limit: PRUNE_BATCH };
        let it = workshop.store.prune(prune).await?;
        all.runs += it.runs;
        all.facts += it.facts;
        all.blobs += it.blobs;
        if it.runs == 0 {
            break;
        }
    }
    if json {
        output::json(&json!({ "runs": all.runs, "facts": all.facts, "blobs": all.blobs }));
    } else {
        output::line(&format!("deleted {} runs, {} facts, {} blobs", all.runs, all.facts, all.blobs));
    }
    Ok(0)
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut whole, mut rest, mut unit) = (bytes, 0, "B");
    for larger in UNITS {
        if whole < 1024 {
            break;
        }
        (whole, rest, unit) = (whole / 1024, whole % 1024 * 10 / 1024, larger);
    }
    if unit == "B" { format!("{whole} B") } else { format!("{whole}.{rest} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn bytes_are_short() {
        let sizes = [0, 1023, 1536, 5 * 1024 * 1024, u64::MAX].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1.5 KiB", "5.0 MiB", "16383.9 PiB"]);
    }
}
