//! `drawloom runs show`, `state`, `why`: one run, now or at some fact.

use clap::Args;
use console::style;

use super::{list::find, timeline};
use crate::{Done, commands::report, failure::Failure, live, output, workshop::Workshop};

/// Show a run: its steps, their times, its outputs or error
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom runs show last\n  drawloom runs show 01j9x2 --json")]
pub(crate) struct Show {
    /// A run
    run: String,
}

impl Show {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        let run = find(workshop, &self.run).await?;
        let view = workshop.reader().view(run).await?;
        if workshop.settings.json {
            output::json(&report::to_json(&view));
        } else {
            timeline::print(&view);
        }
        Ok(0)
    }
}

/// Show a run as it was after one of its facts
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom runs state last --at 3")]
pub(crate) struct State {
    /// A run
    run: String,
    /// The number of the fact, from 1 (`runs facts` lists them)
    #[arg(long)]
    at: u64,
}

impl State {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        let run = find(workshop, &self.run).await?;
        let view = workshop.reader().state_at(run, self.at).await?;
        if workshop.settings.json {
            let mut state = report::to_json(&view);
            state["fact"] = view.facts.into();
            output::json(&state);
        } else {
            output::note(&format!("as it was after fact {}", view.facts));
            timeline::print(&view);
        }
        Ok(0)
    }
}

/// Say why a step is where it is: what it needs, waits for, or failed of
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom runs why last publish")]
pub(crate) struct Why {
    /// A run
    run: String,
    /// The id of a step
    step: String,
}

impl Why {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        let run = find(workshop, &self.run).await?;
        let answers = workshop.reader().why(run, &self.step).await?;
        if workshop.settings.json {
            output::json(&answers);
            return Ok(0);
        }
        for it in &answers {
            let due = it.due.as_ref().map(|due| format!(" (due {due})")).unwrap_or_default();
            let run = it.run.as_ref().map(|run| format!(" (run {run})")).unwrap_or_default();
            output::line(&format!("{} {}: {}{due}{run}", live::sign(&it.status), style(&it.path).bold(), it.reason));
        }
        if answers.is_empty() {
            return Err(Failure::usage(format!("run {run} has no step `{}`", self.step)));
        }
        Ok(0)
    }
}
