//! `drawloom runs show`, `state`, `why`: one run, now or at some fact.

use clap::Args;
use console::style;
use drawloom_runtime::RunView;

use super::list::find;
use crate::{Done, commands::follow, failure::Failure, live, output, workshop::Workshop};

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
            output::json(&follow::to_json(&view));
        } else {
            print(&view);
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
            output::json(&follow::to_json(&view));
        } else {
            print(&view);
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

/// So many columns the bars of the timeline take.
const BAR: u128 = 32;

/// The run with its timeline.
fn print(view: &RunView) {
    let now = view.ended_at.unwrap_or_else(drawloom_runtime::now);
    let whole = now.since(view.started_at);
    let version = view.number.map_or_else(|| view.hash.chars().take(12).collect(), |it| it.to_string());
    output::line(&format!(
        "{} {} {} {}",
        live::sign(view.status.name()),
        style(&view.flow).bold(),
        view.status.name(),
        style(format!("{} · version {version} · run {} · {}", live::duration(whole), view.run, view.started_at)).dim()
    ));
    for (name, value) in &view.labels {
        output::line(&format!("  {name}={value}"));
    }
    let column = |at: drawloom_blueprint::Timestamp| {
        let part = at.since(view.started_at).as_micros() * BAR / whole.as_micros().max(1);
        usize::try_from(part.min(BAR)).unwrap_or_default()
    };
    let rows: Vec<Vec<String>> = view
        .steps
        .iter()
        .map(|step| {
            let (took, bar) = match step.started_at {
                Some(began) => {
                    let ended = step.ended_at.unwrap_or(now);
                    let (from, to) = (column(began), column(ended).max(column(began) + 1).min(33));
                    let bar =
                        format!("{}{}", " ".repeat(from.min(31)), "━".repeat(to.saturating_sub(from.min(31)).max(1)));
                    (live::duration(ended.since(began)), bar)
                }
                None => (String::new(), String::new()),
            };
            let tries = if step.attempts > 1 { format!("×{}", step.attempts) } else { String::new() };
            let why = step.error.as_ref().map(|it| it.message.lines().next().unwrap_or_default()).unwrap_or_default();
            vec![
                format!("{} {}", live::sign(step.status), step.path),
                step.does.clone(),
                took,
                format!("{bar:<32}"),
                format!("{tries} {}", why.chars().take(80).collect::<String>()).trim().to_owned(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        output::line(&output::table(&["  STEP", "DOES", "TOOK", "WHEN", ""], &rows));
    }
    for (id, states) in &view.counted {
        let states: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        output::line(&format!("  {id}, in further items: {}", states.join(", ")));
    }
    if let Some(error) = &view.error {
        output::line(&format!("{} {error}", style("error").red().bold()));
    }
    if view.outputs.as_object().is_some_and(|it| !it.is_empty()) {
        output::line(&serde_json::to_string_pretty(&view.outputs).unwrap_or_default());
    }
}
