//! `drawloom runs logs`: what the steps printed.

use std::time::Duration;

use clap::Args;
use drawloom_store::{LogPlace, LogQuery, LogRecord, LogStream};
use serde_json::{Value as Json, json};

use super::list::find;
use crate::{Done, output, workshop::Workshop};

/// Show what the steps of a run printed
#[derive(Args)]
#[command(
    after_help = "Examples:\n  drawloom runs logs last\n  drawloom runs logs 01j9x2 enrich[17].score\n  drawloom runs logs last --follow"
)]
pub(crate) struct Logs {
    /// A run
    run: String,
    /// Only this step, by its path (`enrich[17].score`) or id
    step: Option<String>,
    /// Go on as lines come, until the run ends
    #[arg(long, short)]
    follow: bool,
}

/// So many lines are read at a time.
const PAGE: usize = 1_000;
/// The pause between looks for new lines.
const PAUSE: Duration = Duration::from_millis(300);

impl Logs {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        let run = find(workshop, &self.run).await?;
        let query = LogQuery { run, path: None, attempt: None };
        let mut after = LogPlace::default();
        // What goes on has no end that could be waited for: its lines are documents of their own.
        let listed = workshop.settings.json && !self.follow;
        let mut list = listed.then(|| output::List::begin(&json!({ "run": run.to_string() }), "lines"));
        loop {
            // Whether the run has ended is asked before the lines are, so that none is missed.
            let ended = workshop.store.run(run).await?.is_none_or(|it| it.state.status.is_end());
            loop {
                let page = workshop.store.read_logs(&query, after, PAGE).await?;
                for line in page.iter().filter(|it| self.wants(it)) {
                    match &mut list {
                        Some(list) => list.item(&to_json(line)),
                        None if workshop.settings.json => output::line(&to_json(line).to_string()),
                        None => print(line),
                    }
                }
                match page.last() {
                    Some(last) => after = last.place,
                    None => break,
                }
            }
            if ended || !self.follow {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        if let Some(list) = list {
            list.end();
        }
        Ok(0)
    }

    fn wants(&self, it: &LogRecord) -> bool {
        self.step.as_ref().is_none_or(|step| is_of(&it.source.path, step))
    }
}

fn to_json(it: &LogRecord) -> Json {
    let stream = match it.line.stream {
        LogStream::Stdout => "stdout",
        LogStream::Stderr => "stderr",
        LogStream::Notice => "notice",
    };
    json!({
        "path": it.source.path, "attempt": it.source.attempt, "seq": it.line.seq, "at": it.line.at, "stream": stream,
        "text": it.line.text,
    })
}

fn print(it: &LogRecord) {
    let path = console::style(format!("{} |", it.source.path)).dim();
    output::line(&format!("{path} {}", output::clean(&it.line.text)));
}

/// Whether a path is that of the step, or of something in it: the step is named by its path or by its id.
fn is_of(path: &str, step: &str) -> bool {
    let mut parts = path.split('.').map(|part| part.split('[').next().unwrap_or(part));
    path == step
        || path.starts_with(&format!("{step}."))
        || path.starts_with(&format!("{step}["))
        || parts.any(|it| it == step)
}
