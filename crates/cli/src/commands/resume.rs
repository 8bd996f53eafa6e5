//! `drawloom resume`: go on with what was interrupted.

use std::collections::HashSet;

use clap::Args;
use drawloom_blueprint::RunId;
use drawloom_runtime::{Recover, Work};

use super::{follow::Watch, report::Report, runs};
use crate::{Done, failure::Failure, live, output, settings::Settings, store::Use, workshop::Workshop};

/// Go on with unended runs until they end
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom resume                 all unended runs of the store\n  \
                        drawloom resume 01j9x2          one, by its id or the beginning of it\n\n\
                        With --json, one run is an object as `run` prints it; all are {\"runs\": [...]}.")]
pub(crate) struct Resume {
    /// A run; without it, all that have not ended
    run: Option<String>,
}

impl Resume {
    pub(crate) async fn go(self, settings: Settings) -> Done {
        let workshop = Workshop::open(settings, Use::Write)?;
        let done = self.resume(&workshop).await;
        workshop.close().await?;
        done
    }

    async fn resume(&self, workshop: &Workshop) -> Done {
        let Some(name) = &self.run else { return all(workshop).await };
        let run = runs::find(workshop, name).await?;
        let report = Report::One(run);
        if workshop.reader().row(run).await?.state.status.is_end() {
            return report.say(&workshop.reader(), &workshop.settings).await;
        }
        let loom = workshop.loom(Work::Do).await?;
        let events = loom.events();
        let found = loom.recover(Recover::Run(run)).await?;
        let watch = Watch { runs: &found, report, show: live::show(&workshop.settings) };
        watch.go(workshop, loom, events).await
    }
}

/// Goes on with all runs of the store.
async fn all(workshop: &Workshop) -> Done {
    let loom = workshop.loom(Work::Do).await?;
    let events = loom.events();
    let found = loom.recover(Recover::All).await?;
    if found.is_empty() {
        output::note("there is nothing to resume: all runs have ended");
    }
    let own = own(workshop, &found).await?;
    let watch = Watch { runs: &found, report: Report::Many(&own), show: live::show(&workshop.settings) };
    watch.go(workshop, loom, events).await
}

/// The runs that are no sub-flows of others among them: how a sub-flow ended is for its parent to judge.
async fn own(workshop: &Workshop, runs: &[RunId]) -> Result<Vec<RunId>, Failure> {
    let among: HashSet<RunId> = runs.iter().copied().collect();
    let mut own = Vec::new();
    for run in runs {
        let parent = workshop.reader().row(*run).await?.head.parent;
        if parent.is_none_or(|it| !among.contains(&it)) {
            own.push(*run);
        }
    }
    Ok(own)
}
