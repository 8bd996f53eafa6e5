//! Slots of flows with `limits.concurrency`: which runs hold one, as the index of unended runs tells.
//!
//! **Invariant:** the table is derived from runs that exist; it is built before the loop begins and changes only
//! where a run begins or ends.

use drawloom_blueprint::{Blueprint, OnFull, RunId, RunStatus, Started};
use drawloom_engine::{Admission, Admitted, Input, SlotKey};
use drawloom_store::{RunRow, Store, Unended};

use crate::{
    Error, Reader,
    inbox::{Given, Message},
    shard::{Reach, Shard},
};

/// So many rows of the index are read at a time.
pub(crate) const PAGE: usize = 10_000;

/// Builds the table of a store.
pub(crate) async fn restore(store: &dyn Store, reader: &Reader) -> Result<Admission, Error> {
    let mut table = Admission::default();
    let mut waiting: Vec<(RunId, SlotKey, u32)> = Vec::new();
    let mut after = None;
    loop {
        let page = store.unended(Unended::All, after, PAGE).await?;
        for row in &page {
            let wanted = match wanted(reader, row).await {
                Err(error @ (Error::NoVersion(_) | Error::Damaged { .. })) => {
                    // One run that cannot go on must not keep the others from it.
                    tracing::error!(run = %row.run, %error, "a run has no slot, as its version cannot be read");
                    None
                }
                other => other?,
            };
            let Some((key, max)) = wanted else { continue };
            match row.state.status {
                RunStatus::Queued => waiting.push((row.run, key, max)),
                _ => table.restore(row.run, key, max),
            }
        }
        after = page.last().map(|it| it.run);
        if page.len() < PAGE {
            break;
        }
    }
    for (run, key, max) in waiting {
        table.ask(run, key, max, OnFull::Queue);
    }
    Ok(table)
}

async fn wanted(reader: &Reader, row: &RunRow) -> Result<Option<(SlotKey, u32)>, Error> {
    let blueprint = reader.blueprint(row.head.version).await?;
    let key = SlotKey { flow: row.head.flow.clone(), key: row.head.concurrency_key.clone().unwrap_or_default() };
    Ok(blueprint.limits.concurrency.as_ref().map(|it| (key, it.max)))
}

impl Shard {
    /// Asks for a slot for a run, where its flow has any.
    pub(crate) fn ask_for_slot(&mut self, blueprint: &Blueprint, it: &Started) -> Result<Admitted, Error> {
        let Some(limit) = &blueprint.limits.concurrency else { return Ok(Admitted::Now) };
        let key = SlotKey { flow: it.flow.clone(), key: it.concurrency_key.clone().unwrap_or_default() };
        match self.slots.ask(it.run, key, limit.max, limit.when_full) {
            Admitted::Rejected => {
                Err(Error::Full { flow: it.flow.clone(), max: limit.max, key: it.concurrency_key.clone() })
            }
            other => Ok(other),
        }
    }

    /// A run that has ended gives up its slot; those whose turn it is begin.
    pub(crate) fn free_slot(&mut self, run: RunId) {
        for next in self.slots.release(run) {
            // One that nobody looks after here has its slot when somebody does.
            if self.reach == Reach::All || self.runs.contains_key(&next) {
                self.own.push_back(Message::Give(next, Given::quietly(Input::Admit)));
            }
        }
    }

    /// Whether a run that waits for a slot may begin.
    pub(crate) fn has_slot(&mut self, run: RunId) -> bool {
        let Some(live) = self.runs.get(&run) else { return false };
        let (blueprint, started) = (live.run.blueprint(), live.run.started());
        match (&blueprint.limits.concurrency, started) {
            (Some(limit), Some(it)) => {
                let key = SlotKey { flow: it.flow.clone(), key: it.concurrency_key.clone().unwrap_or_default() };
                self.slots.ask(run, key, limit.max, OnFull::Queue) == Admitted::Now
            }
            _ => true,
        }
    }
}
