//! A run: its state, and what can be read from it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, OnceLock},
};

use drawloom_blueprint::{Blueprint, FrameRef, RunEnd, RunId, RunStatus, Started, StepError, StepIx, Timestamp, Value};

use crate::{
    AttemptId,
    effect::Place,
    frame::{Frame, Frames, Status, StepState},
};

/// Evaluates an inline kind: its name and resolved parameters to its output. Pure, bounded in time and memory.
pub type InlineKinds = fn(&str, &Value) -> Result<Value, StepError>;

/// One execution of a version.
#[derive(Clone)]
pub struct Run {
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) inline: InlineKinds,
    pub(crate) state: State,
    /// Work found while applying that no decision has looked at yet. Not state: recovery finds it again.
    pub(crate) todo: VecDeque<Work>,
    /// How many late or repeated inputs were dropped by this process.
    pub(crate) dropped: u64,
    /// What the seeds of its tasks come from. Not state: it follows from the run's seed.
    pub(crate) tasks_seed: OnceLock<u64>,
}

/// Everything that facts determine.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) started: Option<Box<Started>>,
    pub(crate) started_at: Timestamp,
    pub(crate) status: RunStatus,
    pub(crate) paused: bool,
    pub(crate) end: Option<Box<RunEnd>>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) frames: Frames,
    pub(crate) alarms: BTreeSet<(Timestamp, Alarm)>,
    /// Steps that wait for room, in the order in which they became ready.
    pub(crate) ready: VecDeque<Place>,
    /// Attempts under way.
    pub(crate) running: u32,
    /// Signals that nothing waited for when they came.
    pub(crate) kept: Vec<(String, Value)>,
    /// Steps that wait for a signal (`s:name`) or token (`t:token`), oldest first.
    pub(crate) waiting: BTreeMap<String, VecDeque<Place>>,
    /// Successes that can be undone, oldest first.
    pub(crate) undo: Vec<Place>,
    /// Frames that undo a step just now.
    pub(crate) undoing: u32,
    /// Steps of the root that were undone, or inside which something was.
    pub(crate) undone: BTreeSet<StepIx>,
    pub(crate) ending: Option<Ending>,
}

/// How the run will end once everything in it has stopped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ending {
    pub(crate) status: RunStatus,
    pub(crate) error: Option<Box<StepError>>,
}

/// A time that a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// The run's own limit.
    Run,
    /// The end of the patience after a cancel.
    Grace,
    /// The next attempt, the end of a wait or of a rest.
    Due(Place),
    /// The limit of a block.
    Deadline(Place),
}

/// Something to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// The needs of a step may have decided.
    Judge(Place),
    /// A frame inside a block was left, or the block can enter another.
    Advance(Place),
    /// All steps of a frame have ended.
    Close(FrameRef),
    /// There may be room for ready steps.
    Dispatch,
}

impl Run {
    /// A run of `blueprint` to which nothing has happened yet.
    #[must_use]
    pub fn new(blueprint: Arc<Blueprint>, inline: InlineKinds) -> Self {
        Self {
            blueprint,
            inline,
            state: State::default(),
            todo: VecDeque::new(),
            dropped: 0,
            tasks_seed: OnceLock::new(),
        }
    }

    /// Its id; zero before it started.
    #[must_use]
    pub fn id(&self) -> RunId {
        self.state.started.as_ref().map_or(RunId(0), |it| it.run)
    }

    /// How it began, once it has.
    #[must_use]
    pub fn started(&self) -> Option<&Started> {
        self.state.started.as_deref()
    }

    /// When it began.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.state.started_at
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        match self.state.status {
            RunStatus::Running if self.state.paused => RunStatus::Paused,
            it => it,
        }
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn end(&self) -> Option<&RunEnd> {
        self.state.end.as_deref()
    }

    /// When it ended, once it has.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.state.ended_at
    }

    /// Its blueprint.
    #[must_use]
    pub fn blueprint(&self) -> &Arc<Blueprint> {
        &self.blueprint
    }

    /// The next instant at which [`Input::Tick`](crate::Input::Tick) is wanted.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.state.alarms.first().map(|(at, _)| *at)
    }

    /// How many late or repeated inputs this process dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many attempts are under way.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.state.running
    }

    /// Whether all that facts determine is the same in both.
    #[must_use]
    pub fn same_state(&self, other: &Self) -> bool {
        self.state == other.state
    }

    /// The place of a step in the run, for people: `enrich[17].score`.
    #[must_use]
    pub fn path(&self, frame: FrameRef, step: StepIx) -> String {
        let id = self.blueprint.step(step).id.clone();
        if self.is_root(frame) {
            return id;
        }
        let mut parts = vec![id];
        for at in self.state.frames.ancestry(frame) {
            let Some(frame) = self.state.frames.get(at) else { break };
            if let Some(owner) = frame.owner {
                parts.push(self.entry_name(owner.step, frame));
            }
        }
        parts.reverse();
        parts.join(".")
    }

    /// Whether nothing is around a frame.
    pub(crate) fn is_root(&self, frame: FrameRef) -> bool {
        self.frame(frame).is_none_or(|it| it.owner.is_none())
    }

    /// The step of the root that is at a place or around it.
    pub(crate) fn root_step(&self, at: Place) -> StepIx {
        std::iter::successors(Some(at), |it| self.frame(it.frame)?.owner).last().map_or(at.step, |it| it.step)
    }

    fn entry_name(&self, owner: StepIx, frame: &Frame) -> String {
        use drawloom_blueprint::Op;
        let step = self.blueprint.step(owner);
        match &step.op {
            Op::ForEach(_) | Op::Loop(_) => format!("{}[{}]", step.id, frame.index),
            _ => format!("{}.{}", step.id, self.blueprint.scope(frame.scope).name),
        }
    }

    pub(crate) fn frame(&self, at: FrameRef) -> Option<&Frame> {
        self.state.frames.get(at)
    }

    /// The position of `step` in its frame.
    pub(crate) fn local(&self, step: StepIx) -> usize {
        let first = self.blueprint.scope(self.blueprint.step(step).scope).first;
        step.0.saturating_sub(first.0) as usize
    }

    pub(crate) fn step(&self, at: Place) -> Option<&StepState> {
        self.frame(at.frame)?.steps.get(self.local(at.step))
    }

    pub(crate) fn status_of(&self, at: Place) -> Option<Status> {
        self.step(at).map(|it| it.status)
    }

    /// The state of the attempt, if it is still the one under way.
    pub(crate) fn attempt(&self, id: AttemptId) -> Option<Place> {
        let place = Place { frame: id.frame, step: id.step };
        let frame = self.frame(id.frame).filter(|it| it.serial == id.serial)?;
        (self.blueprint.steps.get(id.step.ix())?.scope == frame.scope).then_some(())?;
        let step = self.step(place)?;
        let under_way = matches!(step.status, Status::Running | Status::Aborting);
        (under_way && step.attempt == id.attempt).then_some(place)
    }

    pub(crate) fn attempt_id(&self, at: Place) -> AttemptId {
        let serial = self.frame(at.frame).map_or(0, |it| it.serial);
        let attempt = self.step(at).map_or(0, |it| it.attempt);
        AttemptId { frame: at.frame, serial, step: at.step, attempt }
    }
}
