//! Follows runs to their ends, and gives way to the person at the keyboard.

use std::collections::BTreeSet;

use drawloom_blueprint::{RunId, RunStatus};
use drawloom_runtime::{Events, Loom, RunView, Seen, What};
use serde_json::{Value as Json, json};

use crate::{
    Done,
    failure::{FAILED, Failure, INTERRUPTED},
    live::{self, Show},
    output,
};

/// How following ended.
pub(crate) enum Followed {
    /// All runs have ended.
    Ended(Vec<RunView>),
    /// Somebody pressed Ctrl-C; these go on later.
    Interrupted(Vec<RunId>),
}

/// Shows what happens until all of `runs` have ended.
pub(crate) async fn follow(
    loom: &Loom,
    mut events: Events,
    runs: &[RunId],
    show: &mut dyn Show,
) -> Result<Followed, Failure> {
    let mut open: BTreeSet<RunId> = runs.iter().copied().collect();
    let mut interrupt = std::pin::pin!(interrupted());
    while !open.is_empty() {
        tokio::select! {
            biased;
            () = &mut interrupt => {
                show.end();
                return Ok(Followed::Interrupted(open.into_iter().collect()));
            }
            error = loom.failed() => {
                show.end();
                return Err(error.into());
            }
            seen = events.next() => match seen {
                Some(Seen::Event(event)) => {
                    if runs.contains(&event.run) {
                        show.event(&event);
                        if matches!(&event.what, What::Run { status, .. } if status.is_end()) {
                            open.remove(&event.run);
                        }
                    }
                }
                Some(Seen::Missed(_)) => {
                    for run in open.clone() {
                        if loom.reader().view(run).await?.status.is_end() {
                            open.remove(&run);
                        }
                    }
                }
                None => break,
            }
        }
    }
    show.end();
    let mut views = Vec::new();
    for run in runs {
        views.push(loom.finished(*run).await?);
    }
    Ok(Followed::Ended(views))
}

/// Ctrl-C, or a polite request to end. A second one ends the process at once.
async fn interrupted() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut it) => {
                it.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
}

/// Says that runs were interrupted and how they go on.
pub(crate) fn say_interrupted(runs: &[RunId], json: bool) -> Done {
    for run in runs {
        output::note(&format!("interrupted; `drawloom resume {run}` goes on where it was"));
    }
    if json {
        let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
        output::json(&json!({ "interrupted": runs }));
    }
    Ok(INTERRUPTED)
}

/// The end of a run for people: one line, then its outputs on standard output.
pub(crate) fn say_ended(view: &RunView) {
    let took = view.ended_at.map_or_else(Default::default, |it| it.since(view.started_at));
    let count = view.steps.len();
    let rest = format!(" · {count} step{} · run {}", if count == 1 { "" } else { "s" }, view.run);
    output::note(&live::run_line(&view.flow, view.status, took, &console::style(rest).dim().for_stderr().to_string()));
    if let Some(error) = &view.error {
        let at = error.step.as_ref().map(|it| format!(" in `{it}`")).unwrap_or_default();
        output::note(&format!("  {}{at}: {}", error.class, error.message));
        if view.status != RunStatus::Succeeded {
            let id = error.step.as_deref().unwrap_or_default();
            output::note(&format!(
                "  look closer: drawloom runs show {} · drawloom runs logs {} {id}",
                view.run, view.run
            ));
        }
    }
    let has_outputs = view.outputs.as_object().is_some_and(|it| !it.is_empty());
    if has_outputs {
        let text = serde_json::to_string_pretty(&view.outputs).unwrap_or_default();
        output::line(&text);
    }
}

/// A run as `--json` shows it.
pub(crate) fn to_json(view: &RunView) -> Json {
    let version = view.number.map_or_else(|| json!(view.hash.get(..12).unwrap_or(&view.hash)), |it| json!(it));
    let mut object = json!({
        "run": view.run.to_string(),
        "flow": view.flow,
        "version": version,
        "hash": view.hash,
        "status": view.status,
        "outputs": view.outputs,
        "error": view.error,
        "started_at": view.started_at,
        "ended_at": view.ended_at,
        "steps": view.steps,
    });
    if !view.counted.is_empty() {
        object["counted"] = json!(view.counted);
    }
    object
}

/// The exit code that a run's end asks for.
pub(crate) fn exit(views: &[RunView]) -> u8 {
    if views.iter().all(|it| it.status == RunStatus::Succeeded) { 0 } else { FAILED }
}
