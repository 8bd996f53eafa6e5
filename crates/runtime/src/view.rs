//! A run as people see it, read from its journal.

use std::collections::BTreeMap;

use drawloom_blueprint::{RunId, RunStatus, Started, StepError, Timestamp, Value};
use drawloom_engine::{History, StepView};
use serde::Serialize;

use crate::event::{maybe_text, text};

/// A run at some fact.
#[derive(Clone, Debug, Serialize)]
pub struct RunView {
    /// The run.
    #[serde(serialize_with = "text")]
    pub run: RunId,
    /// Its flow.
    pub flow: String,
    /// The hash of its version.
    pub hash: String,
    /// The number of its version, where it was published.
    pub number: Option<u32>,
    /// Its state.
    pub status: RunStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its inputs, defaults filled in.
    pub inputs: Value,
    /// Its outputs; null unless it succeeded.
    pub outputs: Value,
    /// Why it did not succeed.
    pub error: Option<StepError>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What started it.
    pub trigger: Value,
    /// The run that started it, where it is a sub-flow.
    #[serde(serialize_with = "maybe_text")]
    pub parent: Option<RunId>,
    /// The run it was forked from.
    #[serde(serialize_with = "maybe_text")]
    pub forked_from: Option<RunId>,
    /// Its steps in the order in which their frames were entered.
    pub steps: Vec<StepView>,
    /// How many steps of unlisted items there are, by the step's id and state.
    pub counted: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// How many facts were read.
    pub facts: u64,
}

impl RunView {
    /// The view of a run of which a history was read up to fact number `facts`; none before its first fact.
    pub(crate) fn of(history: &History, facts: u64) -> Option<Self> {
        let run = history.run();
        let started: &Started = run.started()?;
        let end = run.end();
        Some(Self {
            run: started.run,
            flow: started.flow.clone(),
            hash: started.version.to_string(),
            number: started.number,
            status: run.status(),
            started_at: run.started_at(),
            ended_at: run.ended_at(),
            inputs: started.inputs.clone(),
            outputs: end.map(|it| it.outputs.clone()).unwrap_or_default(),
            error: end.and_then(|it| it.error.clone()),
            labels: started.labels.clone(),
            trigger: started.trigger.clone(),
            parent: started.parent.as_ref().map(|it| it.run),
            forked_from: started.forked_from,
            steps: history.steps().to_vec(),
            counted: history.counted().clone(),
            facts,
        })
    }
}
