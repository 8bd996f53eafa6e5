//! Sub-flows: runs that steps of other runs start and wait for.
//!
//! **Invariant:** a sub-flow's run has the id that its parent's journal gave it, so a start that is repeated after
//! a crash finds the first one; the parent is told of the end as often as it takes, and counts it once.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use drawloom_blueprint::{ErrorClass, Parent, RunEnd, RunId, RunStatus, StepError, Value};
use drawloom_engine::{ChildStart, Input};

use crate::{
    Error, Start, Which,
    batch::Release,
    core::Core,
    inbox::{Given, GivenRule, Message},
    shard::Shard,
    start::{NewRun, Origin, new_run},
};

/// What is known of a sub-flow's run that is to start.
pub(crate) enum Fate {
    /// It may begin.
    New(Box<NewRun>),
    /// It began before.
    Unended,
    /// It began and ended before.
    Ended(Box<RunEnd>),
    /// It cannot begin.
    Refused(StepError),
}

/// Finds out about a sub-flow's run beside the loop.
fn look(core: &Arc<Core>, child: ChildStart) {
    let shared = Arc::clone(core);
    core.spawn(async move {
        let (run, parent) = (child.run, child.parent.clone());
        let fate = Core::patiently(|| fate(&shared, child.clone()))
            .await
            .unwrap_or_else(|error| Fate::Refused(refusal(&error)));
        // A loop that is gone asks again when it is back.
        let _ = shared.send(Message::Child { child: run, parent, fate }).await;
    });
}

async fn fate(core: &Core, child: ChildStart) -> Result<Fate, Error> {
    if let Some(row) = core.store.run(child.run).await? {
        if !row.state.status.is_end() {
            return Ok(Fate::Unended);
        }
        let run = core.reader.rebuild(child.run).await?;
        let end = run.end().ok_or_else(|| Error::NoRun(child.run.to_string()))?;
        return Ok(Fate::Ended(Box::new(end.clone())));
    }
    let version = match child.hash {
        Some(hash) => Which::Hash(hash),
        None => Which::Published { flow: child.flow, number: child.version },
    };
    let trigger = Value::object([("kind", Value::from("flow")), ("run", Value::from(child.parent.run.to_string()))]);
    let start = Start { version, inputs: child.inputs, trigger, labels: BTreeMap::new(), idempotency_key: None };
    let origin = Origin {
        run: Some(child.run),
        seed: Some(child.seed),
        parent: Some(child.parent),
        depth: child.depth,
        ..Origin::default()
    };
    Ok(Fate::New(Box::new(new_run(&*core.settings.world, core.reader.versions(), start, origin).await?)))
}

/// What a step fails with whose sub-flow cannot begin.
fn refusal(error: &Error) -> StepError {
    let class = match error {
        Error::Store(_) | Error::Full { .. } | Error::Stopped(_) | Error::Closed => ErrorClass::Unavailable,
        _ => ErrorClass::Invalid,
    };
    StepError::new(class, format!("the sub-flow cannot start: {error}")).with_code(error.code())
}

fn failed(error: StepError) -> Box<RunEnd> {
    Box::new(RunEnd { status: RunStatus::Failed, outputs: Value::Null, error: Some(error) })
}

impl Shard {
    /// Starts a sub-flow's run, unless that is under way.
    pub(crate) fn start_child(&mut self, child: ChildStart) {
        if self.runs.contains_key(&child.run) {
            self.child_began(child.run, child.parent);
        } else if let Entry::Vacant(place) = self.starting.entry(child.run) {
            place.insert(Vec::new());
            look(&self.core, child);
        }
    }

    /// Goes on with the start of a sub-flow's run now that its fate is known.
    pub(crate) fn child_known(&mut self, child: RunId, parent: Parent, fate: Fate) {
        let parked = self.starting.remove(&child).unwrap_or_default();
        match fate {
            Fate::New(new) => match self.begin(*new) {
                Ok(()) => self.child_began(child, parent),
                Err(error) => self.child_done(child, &parent, failed(refusal(&error))),
            },
            Fate::Unended => {
                self.touch(child);
                self.child_began(child, parent);
            }
            Fate::Ended(end) if !parent.detached => self.child_done(child, &parent, end),
            Fate::Ended(_) => self.child_began(child, parent),
            Fate::Refused(error) => self.child_done(child, &parent, failed(error)),
        }
        for given in parked {
            self.give(child, given);
        }
    }

    /// Nobody waits for the end of a detached run: its step ends once the start is durable.
    fn child_began(&mut self, child: RunId, parent: Parent) {
        if parent.detached {
            let outputs = Value::object([("run", Value::from(child.to_string()))]);
            let end = Box::new(RunEnd { status: RunStatus::Succeeded, outputs, error: None });
            self.batch.release(Release::Message(Box::new(Message::ChildDone { child, parent, end })));
        }
    }

    /// Tells the step that waits for a sub-flow how it ended.
    pub(crate) fn child_done(&mut self, child: RunId, parent: &Parent, end: Box<RunEnd>) {
        let input = Input::ChildEnded { frame: parent.frame, serial: parent.serial, step: parent.step, end };
        self.give(parent.run, Given { input, rule: GivenRule::Of(child), reply: None });
    }
}
