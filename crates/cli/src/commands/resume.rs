//! `drawloom resume`: go on with what was interrupted.

use clap::Args;
use drawloom_runtime::{Recover, Work};

use super::{
    follow::{self, Followed},
    run::say,
};
use crate::{Done, live, output, settings::Settings, store::Use, workshop::Workshop};

/// Go on with unended runs until they end
#[derive(Args)]
#[command(
    after_help = "Examples:\n  drawloom resume                 all unended runs of the store\n  drawloom resume 01j9x2      one, by its id or the beginning of it"
)]
pub(crate) struct Resume {
    /// A run; without it, all that have not ended
    run: Option<String>,
}

impl Resume {
    pub(crate) async fn go(self, settings: Settings) -> Done {
        let workshop = Workshop::open(settings, Use::Write)?;
        let which = match &self.run {
            Some(prefix) => Recover::Run(workshop.reader().find(prefix).await?),
            None => Recover::All,
        };
        let loom = workshop.loom(Work::Do).await?;
        let json = workshop.settings.json;
        let events = loom.events();
        let runs = loom.recover(which).await?;
        let done = if runs.is_empty() {
            match &self.run {
                Some(prefix) => {
                    let run = workshop.reader().find(prefix).await?;
                    Ok(say(&[loom.finished(run).await?], json, false))
                }
                None => {
                    output::note("there is nothing to resume: all runs have ended");
                    Ok(0)
                }
            }
        } else {
            let mut show = live::show(&workshop.settings);
            match follow::follow(&loom, events, &runs, show.as_mut()).await {
                Ok(Followed::Ended(views)) => Ok(say(&views, json, false)),
                Ok(Followed::Interrupted(runs)) => follow::say_interrupted(&runs, json),
                Err(failure) => Err(failure),
            }
        };
        let closed = loom.close().await;
        workshop.close().await?;
        let code = done?;
        closed?;
        Ok(code)
    }
}
