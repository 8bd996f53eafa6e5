//! Runs come into memory when something touches them: from their facts, beside the loop.

use std::sync::Arc;

use drawloom_blueprint::{Move, RunId, RunStatus};

use crate::{Error, core::Core, inbox::Message, live::Live, reader::misfit};

/// What was found of a run.
pub(crate) enum Fetched {
    /// It goes on.
    Unended(Box<Live>),
    /// It goes on, although the run that waited for it has ended.
    Orphan(Box<Live>),
    /// It has ended.
    Ended(RunStatus),
}

/// Fetches a run, and tells the loop.
pub(crate) fn spawn(core: &Arc<Core>, run: RunId) {
    let shared = Arc::clone(core);
    core.spawn(async move {
        let fetched = Core::patiently(|| fetch(&shared, run)).await;
        // A loop that is gone has no use for it.
        let _ = shared.send(Message::Fetched(run, fetched)).await;
    });
}

async fn fetch(core: &Core, run: RunId) -> Result<Fetched, Error> {
    let _permit = core.fetches.acquire().await.map_err(|_| Error::Closed)?;
    let row = core.reader.row(run).await?;
    if row.state.status.is_end() {
        return Ok(Fetched::Ended(row.state.status));
    }
    let blueprint = core.reader.blueprint(row.head.version).await?;
    let mut live = Live::empty(&blueprint, core.settings.inline);
    let last = core
        .reader
        .replay(run, u64::MAX, |it| {
            live.run.apply(it.at, &it.fact).map_err(|error| misfit(run, &error))?;
            for made in &it.fact.moves {
                live.trail.follow(made);
                live.ending |= matches!(made, Move::Ending(..));
            }
            Ok(())
        })
        .await?;
    if last < row.last_seq {
        // Nothing would ever happen in a run that lost its beginning, and the store takes nothing behind a lost end.
        let why = format!("its row counts {} facts and its journal has {last}", row.last_seq);
        return Err(Error::Damaged { what: format!("run {run}"), why });
    }
    live.seq = last;
    live.durable = last;
    match live.run.end() {
        Some(end) => Ok(Fetched::Ended(end.status)),
        None if is_orphan(core, &live).await? => Ok(Fetched::Orphan(Box::new(live))),
        None => Ok(Fetched::Unended(Box::new(live))),
    }
}

/// Whether nobody waits for a sub-flow's run any more: the one who did was killed, and what was to tell it died with
/// a process.
async fn is_orphan(core: &Core, live: &Live) -> Result<bool, Error> {
    let parent = live.run.started().and_then(|it| it.parent.as_ref()).filter(|it| !it.detached && !live.ending);
    let Some(parent) = parent else { return Ok(false) };
    Ok(core.store.run(parent.run).await?.is_none_or(|it| it.state.status.is_end()))
}
