//! Follows runs to their ends, and gives way to the person at the keyboard.

use std::collections::BTreeSet;

use drawloom_blueprint::RunId;
use drawloom_runtime::{Events, Loom, Seen, What};

use super::report::Report;
use crate::{
    Done,
    control::Door,
    failure::{Failure, INTERRUPTED},
    live::{self, Names, Show},
    workshop::Workshop,
};

/// So many hints are given at once.
const HINTS_MAX: usize = 3;

/// How following ended.
enum Followed {
    /// All runs have ended.
    Ended,
    /// Somebody pressed Ctrl-C; what has not ended goes on later.
    Interrupted,
}

/// What to follow, and what to say in the end.
pub(super) struct Watch<'a> {
    /// The runs.
    pub(super) runs: &'a [RunId],
    /// Those of them whose ends are told and make the exit code.
    pub(super) report: Report<'a>,
    /// How their events are shown.
    pub(super) show: Box<dyn Show>,
}

impl Watch<'_> {
    /// Shows the runs until they end, closes the loom, and says how they ended.
    pub(super) async fn go(mut self, workshop: &Workshop, loom: Loom, events: Events) -> Done {
        // While it works, other commands steer its runs through the door.
        let door = Door::open(&workshop.settings.store, &loom);
        let followed = follow(&loom, events, self.runs, self.show.as_mut()).await;
        drop(door);
        self.show.end();
        let reader = loom.reader().clone();
        let closed = loom.close().await;
        let followed = followed?;
        closed?;
        let code = self.report.say(&reader, &workshop.settings).await?;
        Ok(match followed {
            Followed::Ended => code,
            Followed::Interrupted => INTERRUPTED,
        })
    }
}

async fn follow(loom: &Loom, mut events: Events, runs: &[RunId], show: &mut dyn Show) -> Result<Followed, Failure> {
    let mut open: BTreeSet<RunId> = runs.iter().copied().collect();
    let mut flows = Vec::with_capacity(runs.len());
    for run in runs {
        flows.push((*run, loom.reader().row(*run).await?.head.flow));
    }
    let mut names = Names::of(&flows);
    let mut interrupt = std::pin::pin!(interrupted());
    let mut ticks = tokio::time::interval(live::TICK);
    let mut quiet = Quiet::default();
    while !open.is_empty() {
        tokio::select! {
            biased;
            () = &mut interrupt => return Ok(Followed::Interrupted),
            seen = events.next() => match seen {
                Some(Seen::Event(event)) => {
                    let Some(place) = names.place(&event) else { continue };
                    show.event(&place, &event);
                    quiet.heard();
                    if matches!(&event.what, What::Run { status, .. } if status.is_end()) {
                        open.remove(&event.run);
                    }
                }
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
