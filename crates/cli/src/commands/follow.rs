//! Follows runs to their ends, and gives way to the person at the keyboard.

use std::{collections::BTreeSet, time::Duration};

use drawloom_blueprint::RunId;
use drawloom_runtime::{Error, Events, Loom, Seen, What};
use drawloom_store::StoreError;

use super::report::Report;
use crate::{
    Done,
    control::Door,
    failure::{Failure, INTERRUPTED},
    interrupt::Interrupt,
    live::{self, Names, Show},
    workshop::Workshop,
};

/// What to do about a run that cannot be read.
const LOOK: &str = "look at the store with `drawloom store check`; the other runs went on";

/// How long a store may take to say how runs stand to somebody who does not want to wait.
const HURRIED: Duration = Duration::from_secs(2);

/// So many hints are given at once.
const HINTS_MAX: usize = 3;

/// How following ended.
enum Followed {
    /// All runs have ended.
    Ended,
    /// All that can be read have; of the others this is what the first one failed with.
    Unreadable(Failure),
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
        let mut interrupt = Interrupt::listen();
        // Whatever it is that following waits for, such as a store that is away: these end it.
        let followed = tokio::select! {
            biased;
            () = interrupt.asked() => Ok(Followed::Interrupted),
            followed = follow(&loom, events, self.runs, self.show.as_mut()) => followed,
            error = loom.failed() => Err(error.into()),
        };
        drop(door);
        self.show.end();
        let reader = loom.reader().clone();
        let closed = tokio::select! {
            closed = loom.close() => closed,
            // Whoever asks twice does not want to wait for tasks that take their time to stop.
            () = interrupt.asked() => {
                workshop.hurry();
                Ok(())
            }
        };
        let (interrupted, failure) = match followed? {
            Followed::Ended => (false, None),
            Followed::Unreadable(it) => (false, Some(it)),
            Followed::Interrupted => (true, None),
        };
        closed?;
        let said = tokio::select! {
            said = self.report.say_with(failure, (&reader, &workshop.settings)) => said,
            () = enough(&mut interrupt, workshop) => Err(Failure::interrupted()),
        };
        match said {
            Ok(_) if interrupted => Ok(INTERRUPTED),
            Err(_) if workshop.is_hurried() => Err(Failure::interrupted()),
            said => said,
        }
    }
}

/// Until nobody waits any longer for a store that does not answer.
async fn enough(interrupt: &mut Interrupt, workshop: &Workshop) {
    if workshop.is_hurried() {
        tokio::time::sleep(HURRIED).await;
    } else {
        interrupt.asked().await;
        workshop.hurry();
    }
}

async fn follow(loom: &Loom, mut events: Events, runs: &[RunId], show: &mut dyn Show) -> Result<Followed, Failure> {
    let mut open: BTreeSet<RunId> = runs.iter().copied().collect();
    let mut flows = Vec::with_capacity(runs.len());
    for run in runs {
        flows.push((*run, loom.reader().row(*run).await?.head.flow));
    }
    let mut names = Names::of(&flows);
    let mut ticks = tokio::time::interval(live::TICK);
    let mut quiet = Quiet::default();
    let mut unreadable = None;
    while !open.is_empty() {
        tokio::select! {
            biased;
            seen = events.next() => match seen {
                Some(Seen::Event(event)) => {
                    if let What::Unreadable { code, message } = &event.what {
                        unreadable.get_or_insert(Failure::store(message).named(code).help(LOOK));
                        let_go(loom, event.run, &mut open).await;
                    }
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
                    for (run, error) in hint(loom, &open, show).await {
                        unreadable.get_or_insert(error.into());
                        let_go(loom, run, &mut open).await;
                        quiet.heard();
                    }
                }
            }
        }
    }
    Ok(unreadable.map_or(Followed::Ended, Followed::Unreadable))
}

/// Waits no longer for a run that cannot be read, nor for those that wait for it.
async fn let_go(loom: &Loom, run: RunId, open: &mut BTreeSet<RunId>) {
    let mut next = Some(run);
    while let Some(run) = next {
        open.remove(&run);
        next = loom.reader().row(run).await.ok().and_then(|it| it.head.parent);
    }
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

/// Says for whom the runs wait, where it is somebody outside. Returns those that cannot be read, as the event that says so
/// may have been missed.
async fn hint(loom: &Loom, runs: &BTreeSet<RunId>, show: &mut dyn Show) -> Vec<(RunId, Error)> {
    let mut unreadable = Vec::new();
    for run in runs.iter().take(HINTS_MAX) {
        let waits = match loom.reader().waits(*run).await {
            Ok(it) => it,
            Err(error @ (Error::Damaged { .. } | Error::Store(StoreError::Damaged(_)))) => {
                unreadable.push((*run, error));
                continue;
            }
            // A hint is a courtesy; what else there is to know of the store, the loom finds out itself.
            Err(_) => continue,
        };
        for it in waits.iter().filter(|it| it.kind != "time").take(HINTS_MAX) {
            let name = if it.kind == "signal" { &it.name } else { &it.path };
            show.say(&format!(
                "  {} waits for {}; answer it with: drawloom runs signal {run} {name}",
                it.path,
                a(it.kind)
            ));
        }
    }
    unreadable
}

fn a(kind: &str) -> String {
    if kind.starts_with('a') { format!("an {kind}") } else { format!("a {kind}") }
}
