//! Follows runs to their ends, and gives way to the person at the keyboard.

use std::collections::BTreeSet;

use drawloom_blueprint::{RunId, RunStatus};
use drawloom_runtime::{Events, Loom, RunView, Seen, What};
use serde_json::{Value as Json, json};

use crate::{
    Done,
    control::Door,
    failure::{FAILED, Failure, INTERRUPTED},
    live::{self, Show},
    output,
    settings::Settings,
    workshop::Workshop,
};

/// So many hints are given at once.
const HINTS_MAX: usize = 3;

/// How following ended.
pub(super) enum Followed {
    /// All runs have ended.
    Ended,
    /// Somebody pressed Ctrl-C; what has not ended goes on later.
    Interrupted,
}

/// Shows these runs until they end, closes the loom, and says how they ended.
pub(super) async fn watch(workshop: &Workshop, loom: Loom, events: Events, runs: &[RunId]) -> Done {
    watch_with(workshop, loom, events, runs, live::show(&workshop.settings)).await
}

/// The same, shown in a certain way.
pub(super) async fn watch_with(
    workshop: &Workshop,
    loom: Loom,
    events: Events,
    runs: &[RunId],
    mut show: Box<dyn Show>,
) -> Done {
    // While it works, other commands steer its runs through the door.
    let door = Door::open(&workshop.settings.store, &loom);
    let followed = follow(&loom, events, runs, show.as_mut()).await;
    drop(door);
    show.end();
    let reader = loom.reader().clone();
    let closed = loom.close().await;
    let followed = followed?;
    closed?;
    let mut views = Vec::new();
    for run in runs {
        views.push(reader.view(*run).await?);
    }
    say(&views, &workshop.settings);
    match followed {
        Followed::Ended => Ok(exit(&views)),
        Followed::Interrupted => Ok(INTERRUPTED),
    }
}

async fn follow(loom: &Loom, mut events: Events, runs: &[RunId], show: &mut dyn Show) -> Result<Followed, Failure> {
    let mut open: BTreeSet<RunId> = runs.iter().copied().collect();
    let mut interrupt = std::pin::pin!(interrupted());
    let mut ticks = tokio::time::interval(live::TICK);
    let mut quiet = Quiet::default();
    while !open.is_empty() {
        tokio::select! {
            biased;
            () = &mut interrupt => return Ok(Followed::Interrupted),
            seen = events.next() => match seen {
                Some(Seen::Event(event)) if open.contains(&event.run) => {
                    show.event(&event);
                    quiet.heard();
                    if matches!(&event.what, What::Run { status, .. } if status.is_end()) {
                        open.remove(&event.run);
                    }
                }
                Some(Seen::Event(_)) => {}
                Some(Seen::Missed(_)) => {
                    for run in open.clone() {
                        if loom.reader().row(run).await?.state.status.is_end() {
                            open.remove(&run);
                        }
                    }
                }
                None => return Err(loom.failed().await.into()),
            },
            _ = ticks.tick() => {
                show.tick();
                if quiet.lasts() {
                    hint(loom, &open, show).await?;
                }
            }
            error = loom.failed() => return Err(error.into()),
        }
    }
    Ok(Followed::Ended)
}

/// Whether nothing has happened for a while, told once per while.
#[derive(Default)]
struct Quiet {
    ticks: u32,
}

impl Quiet {
    /// So many ticks are a while.
    const WHILE: u32 = 10;

    fn heard(&mut self) {
        self.ticks = 0;
    }

    fn lasts(&mut self) -> bool {
        self.ticks = self.ticks.saturating_add(1);
        self.ticks == Self::WHILE
    }
}

/// Says for whom the runs wait, where it is somebody outside.
async fn hint(loom: &Loom, runs: &BTreeSet<RunId>, show: &mut dyn Show) -> Result<(), Failure> {
    for run in runs.iter().take(HINTS_MAX) {
        let waits = loom.reader().waits(*run).await?;
        for it in waits.iter().filter(|it| it.kind != "time").take(HINTS_MAX) {
            let name = if it.kind == "signal" { &it.name } else { &it.path };
            show.say(&format!(
                "  {} waits for {}; answer it with: drawloom runs signal {run} {name}",
                it.path,
                a(it.kind)
            ));
        }
    }
    Ok(())
}

fn a(kind: &str) -> String {
    if kind.starts_with('a') { format!("an {kind}") } else { format!("a {kind}") }
}

/// Ctrl-C, or a polite request to end. A second Ctrl-C ends the process at once.
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

/// Says how runs stand: with `--json` an object for each, a line for a line.
pub(super) fn say(views: &[RunView], settings: &Settings) {
    for view in views {
        if !view.status.is_end() && settings.store != "memory:" {
            output::note(&format!("interrupted; `drawloom resume {}` goes on where it was", view.run));
        }
        if settings.json {
            output::json(&to_json(view));
        } else if view.status.is_end() {
            say_ended(view, settings);
        }
    }
}

/// The end of a run for people: one line, then its outputs on standard output.
fn say_ended(view: &RunView, settings: &Settings) {
    let took = view.ended_at.map_or_else(Default::default, |it| it.since(view.started_at));
    let count = view.steps.len();
    if !settings.quiet || view.status != RunStatus::Succeeded {
        let rest = format!(" · {count} step{} · run {}", if count == 1 { "" } else { "s" }, view.run);
        let rest = console::style(rest).dim().for_stderr().to_string();
        output::note(&live::run_line(&view.flow, view.status, took, &rest));
    }
    if let Some(error) = &view.error {
        let at = error.step.as_ref().map(|it| format!(" in `{it}`")).unwrap_or_default();
        output::note(&format!("  {}{at}: {}", error.class, output::clean(&error.message)));
        if view.status != RunStatus::Succeeded && settings.store != "memory:" {
            output::note(&format!("  look closer: drawloom runs show {0}, drawloom runs logs {0}", view.run));
        }
    }
    if view.outputs.as_object().is_some_and(|it| !it.is_empty()) {
        output::raw(format!("{}\n", pretty(&view.outputs)).as_bytes());
    }
}

fn pretty(value: &drawloom_blueprint::Value) -> String {
    serde_json::to_string_pretty(value).expect("invariant: a value is JSON")
}

/// A run as `run --json` and `resume --json` show it.
pub(super) fn to_json(view: &RunView) -> Json {
    let steps: Vec<Json> = view
        .steps
        .iter()
        .map(|it| {
            json!({
                "id": it.id,
                "path": it.path,
                "status": it.status,
                "attempts": it.attempts,
                "started_at": it.started_at,
                "ended_at": it.ended_at,
                "error": it.error,
            })
        })
        .collect();
    let mut object = json!({
        "run": view.run.to_string(),
        "flow": view.flow,
        "version": version(view),
        "status": view.status,
        "outputs": view.outputs,
        "error": view.error,
        "steps": steps,
    });
    if !view.counted.is_empty() {
        object["counted"] = json!(view.counted);
    }
    object
}

/// The number of a published version, or the beginning of its hash.
pub(super) fn version(view: &RunView) -> Json {
    view.number.map_or_else(|| json!(view.hash.get(..12).unwrap_or(&view.hash)), |it| json!(it))
}

/// The exit code that the ends of runs ask for.
pub(super) fn exit(views: &[RunView]) -> u8 {
    if views.iter().all(|it| it.status == RunStatus::Succeeded) { 0 } else { FAILED }
}
