//! `drawloom resume`: go on with what was interrupted.

use clap::Args;
use drawloom_runtime::{Recover, Work};

use super::{follow, runs};
use crate::{Done, output, settings::Settings, store::Use, workshop::Workshop};

/// Go on with unended runs until they end
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom resume                 all unended runs of the store\n  \
                        drawloom resume 01j9x2          one, by its id or the beginning of it\n\n\
                        With --json, one object per run, each on a line of its own.")]
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
        let which = match &self.run {
            Some(name) => {
                let run = runs::find(workshop, name).await?;
                let view = workshop.reader().view(run).await?;
                if view.status.is_end() {
                    follow::say(std::slice::from_ref(&view), &workshop.settings);
                    return Ok(follow::exit(&[view]));
                }
                Recover::Run(run)
            }
            None => Recover::All,
        };
        let loom = workshop.loom(Work::Do).await?;
        let events = loom.events();
        let runs = loom.recover(which).await?;
        if runs.is_empty() {
            output::note("there is nothing to resume: all runs have ended");
        }
        follow::watch(workshop, loom, events, &runs).await
    }
}
