//! The parameters of an attempt, evaluated when it is handed out and never journaled.

use std::{collections::BTreeMap, time::Duration};

use drawloom_blueprint::{Op, StepError, StepIx, Value};

use crate::{
    AttemptId, Run,
    chance::{Draw, Purpose},
    effect::Place,
    names::Here,
};

/// What an executor needs to know of an attempt.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The kind.
    pub kind: String,
    /// Its parameters, secrets included: never log them.
    pub with: Value,
    /// The longest that the attempt may take.
    pub timeout: Option<Duration>,
    /// The step's place in the run, for people.
    pub path: String,
    /// The source of chance in the attempt.
    pub seed: u64,
    /// How long its result may serve others, and under which key if the flow gives one.
    pub cache: Option<(Duration, Option<Value>)>,
}

impl Run {
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
        let path = self.path(at.frame, at.step);
        let seed = self.started().map_or(0, |it| it.seed);
        Ok(Resolved {
            kind: task.kind.clone(),
            with: eval(task.with)?,
            timeout: task.timeout,
            path,
            seed: Draw { seed, serial: id.serial, step: &self.blueprint.step(id.step).id, salt: id.attempt }
                .number(Purpose::Task),
            cache,
        })
    }
}
