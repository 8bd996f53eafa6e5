//! Starts: everything that is checked and evaluated before a run exists.
//!
//! **Invariant:** a start that is refused leaves nothing behind but, at most, a version in the catalog.

use std::{collections::BTreeMap, sync::Arc};

use drawloom_blueprint::{Blueprint, FlowHash, Parent, RunId, Started, StepIx, Value};
use drawloom_engine::{check_inputs, prepare};

use crate::{
    Error, World, clock,
    versions::{Found, Versions},
};

/// A run to start.
#[derive(Clone, Debug)]
pub struct Start {
    /// What it runs.
    pub version: Which,
    /// Its inputs as given: an object, or null for none.
    pub inputs: Value,
    /// Who or what starts it: an object with a `kind`.
    pub trigger: Value,
    /// Labels besides those of the flow, which win.
    pub labels: BTreeMap<String, String>,
    /// Where a run was started with the same key before, that run is found and none is started.
    pub idempotency_key: Option<String>,
}

impl Start {
    /// A start by hand.
    #[must_use]
    pub fn of(version: Which, inputs: Value) -> Self {
        let trigger = Value::object([("kind", Value::from("manual"))]);
        Self { version, inputs, trigger, labels: BTreeMap::new(), idempotency_key: None }
    }
}

/// A version that is meant.
#[derive(Clone, Debug)]
pub enum Which {
    /// This one. It is kept in the catalog, unpublished.
    Blueprint {
        /// The version.
        blueprint: Arc<Blueprint>,
        /// The document that it was compiled from.
        source: Option<String>,
    },
    /// The one with this hash, which is in the catalog.
    Hash(FlowHash),
    /// A published one.
    Published {
        /// The flow's name.
        flow: String,
        /// The number; none: the active one.
        number: Option<u32>,
    },
}

/// A run that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The run.
    pub run: RunId,
    /// Whether this start made it, or found it by its idempotency key.
    pub is_new: bool,
}

/// A run that may begin.
pub(crate) struct NewRun {
    pub(crate) started: Box<Started>,
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) adopt: Vec<(StepIx, Value)>,
}

/// Where a run comes from, besides its start.
#[derive(Default)]
pub(crate) struct Origin {
    pub(crate) run: Option<RunId>,
    pub(crate) seed: Option<u64>,
    /// The number of a version that is named by its hash.
    pub(crate) number: Option<u32>,
    pub(crate) parent: Option<Parent>,
    pub(crate) depth: u32,
    pub(crate) forked_from: Option<RunId>,
    pub(crate) adopt: Vec<(StepIx, Value)>,
}

/// Checks a start and evaluates what must be known before the run is.
pub(crate) async fn new_run(
    world: &dyn World,
    versions: &Versions,
    start: Start,
    origin: Origin,
) -> Result<NewRun, Error> {
    let Found { blueprint, hash, number } = versions.find(&start.version).await?;
    let inputs = check_inputs(&blueprint, &start.inputs).map_err(Error::Inputs)?;
    let mut started = Box::new(Started {
        run: origin.run.map_or_else(|| clock::new_run_id(world), Ok)?,
        flow: blueprint.flow.clone(),
        version: hash,
        number: number.or(origin.number),
        inputs,
        trigger: start.trigger,
        seed: origin.seed.map_or_else(|| clock::new_seed(world), Ok)?,
        parent: origin.parent,
        labels: start.labels,
        concurrency_key: None,
        forked_from: origin.forked_from,
        depth: origin.depth,
    });
    prepare(&blueprint, &mut started, world.now()).map_err(Error::Prepare)?;
    Ok(NewRun { started, blueprint, idempotency_key: start.idempotency_key, adopt: origin.adopt })
}
