//! Forks and replays: new runs from old ones.
//!
//! **Invariant:** the old run stays as it is; what is taken over from it is in the new run's own journal.

use std::sync::Arc;

use drawloom_blueprint::{Blueprint, RunId, Started, Value};
use drawloom_engine::{Run, fork_plan};

use crate::{Begun, Error, Loom, Start, Which, start::Origin};

/// How a run is forked.
#[derive(Clone, Debug, Default)]
pub struct Fork {
    /// The steps from which on the work is done again, by id; empty: those that did not succeed.
    pub from: Vec<String>,
    /// The version that the new run has; none: that of the old one.
    pub version: Option<Which>,
    /// Inputs that differ from those of the old run.
    pub set: Vec<(String, Value)>,
}

/// What a fork keeps and does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkView {
    /// The ids of the steps whose success is taken over.
    pub keep: Vec<String>,
    /// The ids of the steps that are done again, or for the first time.
    pub redo: Vec<String>,
}

impl Loom {
    /// Makes a new run that takes over what succeeded in `run` and does not depend on the forked steps.
    ///
    /// # Errors
    /// Where the run cannot be read or the new one cannot start.
    pub async fn fork(&self, run: RunId, fork: Fork) -> Result<(Begun, ForkView), Error> {
        let (view, start, origin) = self.prepare_fork(run, fork).await?;
        let new = self.new_run(start, origin).await?;
        Ok((self.begin(new).await?, view))
    }

    /// What [`fork`](Self::fork) would keep and do. Starts nothing.
    ///
    /// # Errors
    /// As for the fork itself, but for its inputs, which are not checked.
    pub async fn plan_fork(&self, run: RunId, fork: Fork) -> Result<ForkView, Error> {
        Ok(self.prepare_fork(run, fork).await?.0)
    }

    async fn prepare_fork(&self, run: RunId, fork: Fork) -> Result<(ForkView, Start, Origin), Error> {
        let (old, started) = self.old_run(run).await?;
        let version = fork.version.unwrap_or(Which::Hash(started.version));
        let found = self.reader().versions().find(&version).await?;
        let plan = fork_plan(&old, &found.blueprint, &fork.from)?;
        let keep = plan.keep.iter().map(|(step, _)| found.blueprint.step(*step).id.clone()).collect();
        let number = if found.hash == started.version { started.number } else { None };
        let inputs = inputs(&found.blueprint, &started.inputs, fork.set);
        let start = Start { labels: started.labels.clone(), ..again("fork", version, inputs, run) };
        let origin = Origin { number, forked_from: Some(run), adopt: plan.keep, ..Origin::default() };
        Ok((ForkView { keep, redo: plan.redo }, start, origin))
    }

    /// Makes a new run of the same version with the same inputs.
    ///
    /// # Errors
    /// Where the run cannot be read or the new one cannot start.
    pub async fn replay(&self, run: RunId) -> Result<Begun, Error> {
        let (_, started) = self.old_run(run).await?;
        let start = again("replay", Which::Hash(started.version), started.inputs.clone(), run);
        let start = Start { labels: started.labels.clone(), ..start };
        let origin = Origin { number: started.number, forked_from: Some(run), ..Origin::default() };
        let new = self.new_run(start, origin).await?;
        self.begin(new).await
    }

    async fn old_run(&self, run: RunId) -> Result<(Run, Arc<Started>), Error> {
        let old = self.reader().rebuild(run).await?;
        let started = old.started().cloned().ok_or_else(|| Error::NoRun(run.to_string()))?;
        Ok((old, Arc::new(started)))
    }
}

fn again(kind: &str, version: Which, inputs: Value, run: RunId) -> Start {
    let trigger = Value::object([("kind", Value::from(kind)), ("run", Value::from(run.to_string()))]);
    Start { trigger, ..Start::of(version, inputs) }
}

/// The old inputs that the new version knows, and what is set in their place.
fn inputs(blueprint: &Blueprint, old: &Value, set: Vec<(String, Value)>) -> Value {
    let known = |name: &str| blueprint.inputs.iter().any(|it| it.name == name);
    let old = old.as_object().cloned().unwrap_or_default();
    let kept = old.iter().filter(|(name, _)| known(name)).map(|(name, value)| (name.to_string(), value.clone()));
    Value::object(kept.chain(set).collect::<Vec<_>>())
}
