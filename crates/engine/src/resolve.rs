//! The parameters of an attempt, evaluated when it is handed out and never journaled.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use drawloom_blueprint::{Op, StepError, StepIx, Value};

use crate::{
    AttemptId, Run,
    chance::{Draw, task_seed},
    effect::Place,
    frame::Status,
    names::Here,
};

/// What an executor needs to know of an attempt.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The parameters, secrets included: never log them.
    pub with: Value,
    /// The longest that the attempt may take.
    pub timeout: Option<Duration>,
    /// The step's place in the run, for people.
    pub path: Arc<str>,
    /// The source of chance in the attempt.
    pub seed: u64,
    /// How long its result may serve others, and under which key if the flow gives one.
    pub cache: Option<(Duration, Option<Value>)>,
}

impl Run {
    /// Whether an attempt that was dispatched is still to begin: nothing has ended it or asked it to stop.
    #[must_use]
    pub fn may_begin(&self, id: AttemptId) -> bool {
        self.attempt(id).is_some_and(|at| self.status_of(at) == Some(Status::Running))
    }

    /// The kind that a task step uses; empty for another step.
    #[must_use]
    pub fn kind_of(&self, step: StepIx) -> &str {
        match self.blueprint.steps.get(step.ix()).map(|it| &it.op) {
            Some(Op::Task(task)) => &task.kind,
            _ => "",
        }
    }

    /// The names of the secrets that the parameters of a task step use.
    #[must_use]
    pub fn secrets_of(&self, step: StepIx) -> &[String] {
        match self.blueprint.steps.get(step.ix()).map(|it| &it.op) {
            Some(Op::Task(task)) => &task.secrets,
            _ => &[],
        }
    }

    /// The parameters of an attempt that was dispatched. `now()` in them is the time of the dispatch, so that
    /// handing it out again gives the same.
    ///
    /// # Errors
    /// What the attempt has failed with, where an expression has no value or the attempt has ended meanwhile.
    pub fn resolve(&self, id: AttemptId, secrets: &BTreeMap<String, String>) -> Result<Resolved, StepError> {
        let gone = || StepError::invalid("the attempt has ended");
        let at: Place = self.attempt(id).ok_or_else(gone)?;
        let Op::Task(task) = &self.blueprint.step(at.step).op else { return Err(gone()) };
        let now = self.step(at).and_then(|it| it.started).unwrap_or(self.state.started_at);
        let here = Here { run: self, frame: at.frame, now, secrets: Some(secrets), looping: None };
        let eval = |ix| {
            let value = self.blueprint.eval(ix, &here);
            value.map_err(|it| StepError::invalid(it.to_string()).with_code("expression"))
        };
        let cache = match &task.cache {
            Some(it) => Some((it.ttl, it.key.map(eval).transpose()?)),
            None => None,
        };
        let tasks = *self.tasks_seed.get_or_init(|| Draw::of_tasks(self.started().map_or(0, |it| it.seed)));
        let step = &self.blueprint.step(id.step).id;
        Ok(Resolved {
            with: eval(task.with)?,
            timeout: task.timeout,
            path: if self.is_root(at.frame) { step.as_str().into() } else { self.path(at.frame, at.step).into() },
            seed: task_seed(tasks, id.serial, step, id.attempt),
            cache,
        })
    }
}
