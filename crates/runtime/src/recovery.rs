//! Runs of an earlier process go on.
//!
//! **Invariant:** what a run has yet to do is read from its journal; being told twice to go on does no harm.

use std::{sync::Arc, time::Duration};

use drawloom_blueprint::{RunId, RunStatus, Timestamp};
use drawloom_engine::{Effect, Input};
use drawloom_store::{DuePlace, RunRow, Unended};

use crate::{
    Error, Event, What,
    batch::Release,
    core::Core,
    inbox::{Given, GivenRule, Message},
    live::Live,
    load::{self, Fetched},
    shard::{Reach, Shard},
    slots::PAGE,
};

/// Timers due within this time are in memory; those of runs beyond it are looked up when the time comes.
const HORIZON: Duration = Duration::from_secs(3_600);

/// How often it is looked whether the clock was set.
const GLANCE: Duration = Duration::from_secs(5);

/// Has the loop look after every unended run of the store; returns them.
pub(crate) async fn recover_all(core: &Arc<Core>) -> Result<Vec<RunId>, Error> {
    core.send(Message::ReachAll).await?;
    let mut found = Vec::new();
    let mut children = Vec::new();
    loop {
        let page = core.store.unended(Unended::All, found.last().copied(), PAGE).await?;
        let len = page.len();
        found.extend(page.iter().map(|it| it.run));
        children.extend(page.iter().filter_map(|it| Some((it.head.parent?, it.run))));
        core.send(Message::Index(page)).await?;
        if len < PAGE {
            break;
        }
    }
    // A sub-flow whose parent has ended may have to be told.
    for (_, child) in children.into_iter().filter(|(parent, _)| found.binary_search(parent).is_err()) {
        core.send(Message::Touch(child)).await?;
    }
    Ok(found)
}

/// Brings in timers before they are due, and drops cached results that serve no more.
async fn look_ahead(core: &Core) {
    loop {
        let next = core.now().after(HORIZON / 2);
        while core.now() < next {
            // The clock may be set forward meanwhile, so it is looked at now and then.
            tokio::time::sleep(GLANCE.min(next.since(core.now()))).await;
        }
        if let Err(error) = Core::patiently(|| due_soon(core)).await {
            tracing::warn!(%error, "the index of timers cannot be read");
        }
        if let Err(error) = core.store.drop_expired(core.now(), PAGE).await {
            tracing::warn!(%error, "old cached results cannot be dropped");
        }
    }
}

async fn due_soon(core: &Core) -> Result<(), Error> {
    let until = core.now().after(HORIZON);
    let mut after = None;
    loop {
        let page = core.store.due(until, after, PAGE).await?;
        let len = page.len();
        let place = |row: &RunRow| row.state.next_due.map(|due| DuePlace { due, run: row.run });
        after = page.last().and_then(place);
        core.send(Message::Index(page)).await?;
        if len < PAGE {
            return Ok(());
        }
    }
}

impl Shard {
    /// Looks after all runs of the store from now on.
    pub(crate) fn reach_all(&mut self) {
        if self.reach == Reach::Named {
            self.reach = Reach::All;
            let shared = Arc::clone(&self.core);
            self.core.spawn(async move { look_ahead(&shared).await });
        }
    }

    /// Looks at rows of the index: runs with something under way come into memory, timers are noted.
    pub(crate) fn index(&mut self, rows: &[RunRow]) {
        let horizon = self.now().after(HORIZON);
        for row in rows {
            let known = self.runs.contains_key(&row.run) || self.loading.contains_key(&row.run);
            if known || row.state.status.is_end() {
                continue;
            }
            let admitted = row.state.status == RunStatus::Queued && self.slots.holds(row.run);
            let free = row.state.status == RunStatus::Queued && self.slots.blockers(row.run).is_empty();
            if row.state.in_flight > 0 || admitted || free {
                self.touch(row.run);
            } else if row.state.next_due.is_some_and(|it| it <= horizon) {
                self.timers.set(row.run, row.state.next_due);
            }
        }
    }

    /// Has a run in memory.
    pub(crate) fn touch(&mut self, run: RunId) {
        if !self.runs.contains_key(&run) && !self.loading.contains_key(&run) {
            self.loading.insert(run, Vec::new());
            load::spawn(&self.core, run);
        }
    }

    /// A run has come into memory, or not; whoever waited for that goes on.
    pub(crate) fn fetched(&mut self, run: RunId, fetched: Result<Fetched, Error>) {
        let parked = self.loading.remove(&run).unwrap_or_default();
        if self.runs.contains_key(&run) {
            // It began meanwhile: what is in memory is ahead of what was read.
            parked.into_iter().for_each(|given| self.give(run, given));
            return;
        }
        if let Some(waiting) = self.starting.get_mut(&run) {
            // It is about to begin.
            return waiting.extend(parked);
        }
        let refusal = match fetched {
            Ok(Fetched::Unended(live)) => return self.enter(run, *live, parked),
            Ok(Fetched::Orphan(live)) => {
                self.enter(run, *live, parked);
                let given = Given { input: Input::Cancel, rule: GivenRule::UnlessEnding, reply: None };
                return self.give(run, given);
            }
            Ok(Fetched::Ended(status)) => Error::Ended { run, status },
            Err(error) => {
                tracing::error!(%run, %error, "a run cannot be read");
                let what = What::Unreadable { code: error.code(), message: error.to_string() };
                self.core.teller.tell(Event { run, at: self.clock.last(), seq: 0, what });
                error
            }
        };
        for given in parked {
            if let Some(reply) = given.reply {
                // A caller that no longer waits needs no answer.
                let _ = reply.send(Err(refusal.clone()));
            }
        }
    }

    fn enter(&mut self, run: RunId, live: Live, parked: Vec<Given>) {
        self.runs.insert(run, live);
        self.go_on(run);
        for given in parked {
            self.give(run, given);
        }
    }

    /// Releases what the earlier process did not live to release.
    fn go_on(&mut self, run: RunId) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        let effects = live.run.effects_after_recovery();
        let now = self.clock.last();
        // Nothing was decided; this notes what is under way.
        live.note(now, None, &effects);
        let due = live.run.next_due();
        let queued = live.run.status() == RunStatus::Queued;
        let (cancels, effects): (Vec<_>, Vec<_>) =
            effects.into_iter().partition(|it| matches!(it, Effect::CancelChild(_)));
        self.timers.set(run, due);
        if !effects.is_empty() {
            self.batch.release(Release::Effects(run, effects));
        }
        // A sub-flow must be known to start before it can be told to end.
        for it in cancels {
            let Effect::CancelChild(child) = it else { continue };
            let given = Given { input: Input::Cancel, rule: GivenRule::UnlessEnding, reply: None };
            self.batch.release(Release::Message(Box::new(Message::Give(child, given))));
        }
        if queued && self.has_slot(run) {
            self.give(run, Given::quietly(Input::Admit));
        }
    }

    /// Lets runs leave memory that have nothing to do.
    pub(crate) fn sweep(&mut self) {
        let idle = self.core.settings.idle;
        let keep_until: Timestamp = self.now().after(HORIZON);
        let mut gone: Vec<RunId> =
            self.runs.iter().filter(|(_, live)| live.may_leave(idle)).map(|(run, _)| *run).collect();
        gone.sort_unstable();
        for run in gone {
            let Some(live) = self.runs.remove(&run) else { continue };
            // Without the index, all timers must stay here.
            let far = live.run.next_due().is_some_and(|it| it > keep_until);
            if far && self.reach == Reach::All {
                self.timers.set(run, None);
            }
        }
    }
}
