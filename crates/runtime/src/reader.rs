//! Reads runs from the journal alone: live view, history, time travel.
//!
//! **Invariant:** owns nothing and writes nothing, so it works beside the process that runs the runs.

use std::sync::Arc;

use drawloom_blueprint::{Blueprint, Fact, FlowHash, RunId, RunStatus, Timestamp};
use drawloom_engine::{History, InlineKinds, Run, WaitView, Why};
use drawloom_store::{IdPrefix, RunFilter, RunRow, Store};

use crate::{Error, RunView, blobs, versions::Versions};

/// A fact of a run, with the values that stand beside the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its number.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    pub fact: Fact,
}

/// Reads runs of a store. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    store: Arc<dyn Store>,
    versions: Arc<Versions>,
    inline: InlineKinds,
}

impl Reader {
    /// A reader of `store`. Reading evaluates nothing; `inline` is only held by the runs that are rebuilt.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, inline: InlineKinds) -> Self {
        let versions = Arc::new(Versions::new(Arc::clone(&store)));
        Self { store, versions, inline }
    }

    pub(crate) fn versions(&self) -> &Versions {
        &self.versions
    }

    /// The run whose id begins with `prefix`.
    ///
    /// # Errors
    /// Where there is none, or several.
    pub async fn find(&self, prefix: &str) -> Result<RunId, Error> {
        let none = || Error::NoRun(prefix.to_owned());
        let ids = self.store.ids(IdPrefix::parse(prefix).ok_or_else(none)?, 5).await?;
        match ids.as_slice() {
            [] => Err(none()),
            [run] => Ok(*run),
            _ => Err(Error::Ambiguous { prefix: prefix.to_owned(), runs: ids }),
        }
    }

    /// The row of a run.
    ///
    /// # Errors
    /// Where there is no such run, or the store cannot be read.
    pub async fn row(&self, run: RunId) -> Result<RunRow, Error> {
        self.store.run(run).await?.ok_or_else(|| Error::NoRun(run.to_string()))
    }

    /// The version with this hash.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub async fn blueprint(&self, hash: FlowHash) -> Result<Arc<Blueprint>, Error> {
        self.versions.get(hash).await
    }

    /// A page of facts after number `after`; an empty one is the end.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn facts(&self, run: RunId, after: u64) -> Result<Vec<Recorded>, Error> {
        let page = self.store.facts(run, after).await?;
        let mut facts = Vec::with_capacity(page.len());
        for it in page {
            let fact = blobs::read(&it.fact, &*self.store).await.map_err(|error| in_run(run, error))?;
            facts.push(Recorded { seq: it.seq, at: it.at, fact });
        }
        Ok(facts)
    }

    /// The run as of its last fact.
    ///
    /// # Errors
    /// Where there is no such run, or it cannot be read.
    pub async fn view(&self, run: RunId) -> Result<RunView, Error> {
        self.state_at(run, u64::MAX).await
    }

    /// The run as it was after fact number `seq`.
    ///
    /// # Errors
    /// Where there is no such run, or it cannot be read.
    pub async fn state_at(&self, run: RunId, seq: u64) -> Result<RunView, Error> {
        let blueprint = self.blueprint(self.row(run).await?.head.version).await?;
        let mut history = History::new(blueprint, self.inline);
        let read =
            self.replay(run, seq, |it| history.apply(it.at, &it.fact).map_err(|error| misfit(run, &error))).await?;
        RunView::of(&history, read).ok_or_else(|| Error::NoRun(run.to_string()))
    }

    /// The run, rebuilt from its facts.
    pub(crate) async fn rebuild(&self, run: RunId) -> Result<Run, Error> {
        Ok(self.rebuild_as_of(&self.row(run).await?, u64::MAX).await?.0)
    }

    /// The run, rebuilt from its facts up to number `last`, and the number of the last one there was.
    pub(crate) async fn rebuild_as_of(&self, row: &RunRow, last: u64) -> Result<(Run, u64), Error> {
        let mut it = Run::new(self.blueprint(row.head.version).await?, self.inline);
        let apply = |fact: &Recorded| it.apply(fact.at, &fact.fact).map_err(|error| misfit(row.run, &error));
        let read = self.replay(row.run, last, apply).await?;
        Ok((it, read))
    }

    /// Reads facts up to number `last`, in order, and returns the number of the last one.
    pub(crate) async fn replay(
        &self,
        run: RunId,
        last: u64,
        mut apply: impl FnMut(&Recorded) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let mut after = 0;
        loop {
            let page = self.facts(run, after).await?;
            for it in &page {
                if it.seq > last {
                    return Ok(after);
                }
                apply(it)?;
                after = it.seq;
            }
            if page.is_empty() || after >= last {
                return Ok(after);
            }
        }
    }

    /// Why a step is where it is, one answer per instance of it.
    ///
    /// # Errors
    /// Where there is no such run or step, or it cannot be read.
    pub async fn why(&self, run: RunId, step: &str) -> Result<Vec<Why>, Error> {
        let it = self.rebuild(run).await?;
        let mut answers = it.why(step).ok_or_else(|| Error::NoStep { run, step: step.to_owned() })?;
        if it.status() == RunStatus::Queued {
            let holders = self.slot_holders(run).await?;
            for answer in &mut answers {
                answer.reason.push_str(&held_by(&holders));
            }
        }
        Ok(answers)
    }

    /// The unended runs that hold the slots which `run` waits for.
    async fn slot_holders(&self, run: RunId) -> Result<Vec<RunId>, Error> {
        let row = self.row(run).await?;
        let filter = RunFilter {
            flow: Some(row.head.flow.clone()),
            status: vec![RunStatus::Running, RunStatus::Paused],
            ..RunFilter::default()
        };
        let rows = self.store.runs(&filter, None, 1_000).await?;
        Ok(rows.iter().filter(|it| it.head.concurrency_key == row.head.concurrency_key).map(|it| it.run).collect())
    }

    /// What the run as a whole waits for.
    ///
    /// # Errors
    /// Where there is no such run, or it cannot be read.
    pub async fn waits(&self, run: RunId) -> Result<Vec<WaitView>, Error> {
        Ok(self.rebuild(run).await?.waits())
    }
}

fn held_by(holders: &[RunId]) -> String {
    match holders {
        [] => String::new(),
        _ => {
            let names: Vec<String> = holders.iter().take(5).map(ToString::to_string).collect();
            format!("; held by {}{}", names.join(", "), if holders.len() > 5 { ", …" } else { "" })
        }
    }
}

pub(crate) fn misfit(run: RunId, error: &drawloom_engine::ApplyError) -> Error {
    Error::Damaged { what: format!("run {run}"), why: error.to_string() }
}

fn in_run(run: RunId, error: Error) -> Error {
    match error {
        Error::Damaged { what, why } => Error::Damaged { what: format!("{what} of run {run}"), why },
        other => other,
    }
}
