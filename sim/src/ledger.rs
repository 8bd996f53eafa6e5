//! What is durable, run by run, and the invariants that it must keep.
//!
//! **Invariant:** the ledger learns of facts when they are durable, from the store's own bytes, before anybody else
//! does. Each rule that it checks stands in a function of its own, and a broken one is said in a sentence.

mod book;
mod late;
mod rules;
mod shape;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use drawloom_blueprint::{Blueprint, Move, Op, RunId, RunStatus, Value};
use drawloom_engine::{Effect, Input, Run};
use drawloom_queue::TaskId;
use drawloom_runtime::Recorded;
use drawloom_store::{RunHead, RunState};
use tokio::time::Instant;

use book::At;
pub(crate) use book::{Book, Checked};
pub(crate) use late::SLACK;
pub(crate) use shape::Shape;

use crate::flows::inline;

/// All that is durable.
#[derive(Default)]
pub(crate) struct Ledger {
    runs: BTreeMap<RunId, Entry>,
    deleted: BTreeSet<RunId>,
    shapes: BTreeMap<[u8; 32], Arc<Shape>>,
    /// What executors returned, by the number that is in it.
    returned: BTreeMap<i64, TaskId>,
    /// Executions under way in the process that owns the store.
    executing: BTreeSet<TaskId>,
    /// Moves that were committed.
    pub(crate) moves: u64,
}

/// A run.
struct Entry {
    head: RunHead,
    shape: Arc<Shape>,
    book: Book,
    replay: Run,
    parent: Option<drawloom_blueprint::Parent>,
    /// Numbers of signals that its facts hold.
    signals: BTreeSet<i64>,
    /// The last fact whose commit was acknowledged before `known_at`, and at it.
    known_before: u64,
    known: u64,
    known_at: Option<Instant>,
}

/// A run as the director sees it.
#[derive(Clone, Debug)]
pub(crate) struct Glance {
    /// The run.
    pub(crate) run: RunId,
    /// How it ended, if it has.
    pub(crate) ended: Option<RunStatus>,
}

impl Ledger {
    /// The runs that are there, oldest id first.
    #[must_use]
    pub(crate) fn glance(&self) -> Vec<Glance> {
        let glance =
            |(run, it): (&RunId, &Entry)| Glance { run: *run, ended: it.book.ended.as_ref().map(|it| it.0.status) };
        self.runs.iter().map(glance).collect()
    }

    /// Whether a run is durable, or was before somebody deleted it.
    #[must_use]
    pub(crate) fn knows(&self, run: RunId) -> bool {
        self.runs.contains_key(&run) || self.deleted.contains(&run)
    }

    /// Whether the facts of a run hold this signal.
    #[must_use]
    pub(crate) fn has_signal(&self, run: RunId, number: i64) -> bool {
        self.deleted.contains(&run) || self.runs.get(&run).is_some_and(|it| it.signals.contains(&number))
    }

    /// Whether somebody's wish to end a run is durable.
    #[must_use]
    pub(crate) fn is_ending(&self, run: RunId) -> bool {
        let ending = |it: &Entry| it.book.ending.is_some() || it.book.ended.is_some();
        self.deleted.contains(&run) || self.runs.get(&run).is_some_and(ending)
    }

    /// Whether a run was deleted.
    #[must_use]
    pub(crate) fn is_deleted(&self, run: RunId) -> bool {
        self.deleted.contains(&run)
    }

    /// Whether a run has, or had, its slot.
    #[must_use]
    pub(crate) fn is_admitted(&self, run: RunId) -> bool {
        self.runs.get(&run).is_some_and(|it| it.book.admitted)
    }

    /// How a run ended, if it has.
    #[must_use]
    pub(crate) fn end(&self, run: RunId) -> Option<RunStatus> {
        self.runs.get(&run)?.book.ended.as_ref().map(|it| it.0.status)
    }

    /// The number of the last fact of a run.
    #[must_use]
    pub(crate) fn last_seq(&self, run: RunId) -> u64 {
        self.runs.get(&run).map_or(0, |it| it.book.seq)
    }

    /// The ids of the steps in the root of a run.
    #[must_use]
    pub(crate) fn roots(&self, run: RunId) -> Vec<String> {
        let Some(it) = self.runs.get(&run) else { return Vec::new() };
        let blueprint = &it.shape.blueprint;
        blueprint.steps_of(Blueprint::ROOT).map(|step| blueprint.step(step).id.clone()).collect()
    }

    /// The tokens that somebody waits for in a run.
    #[must_use]
    pub(crate) fn tokens(&self, run: RunId) -> Vec<String> {
        use drawloom_blueprint::WaitFor::{Approval, Webhook};
        let Some(it) = self.runs.get(&run) else { return Vec::new() };
        let waiting = it.book.frames.iter().flatten().flat_map(|frame| &frame.steps).filter(|it| it.at == At::Waiting);
        let token = |it: &book::Step| match &it.wait {
            Some(Webhook(token) | Approval(token, _)) => Some(token.clone()),
            _ => None,
        };
        waiting.filter_map(token).collect()
    }

    /// Notes that a run is there from now on.
    pub(crate) fn open(&mut self, run: RunId, head: RunHead, blueprint: &Arc<Blueprint>) {
        let known = self.shapes.entry(head.version.0);
        let shape = Arc::clone(known.or_insert_with(|| Arc::new(Shape::new(Arc::clone(blueprint)))));
        let replay = Run::new(Arc::clone(blueprint), inline);
        let entry = Entry {
            head,
            shape,
            book: Book::default(),
            replay,
            parent: None,
            signals: BTreeSet::new(),
            known_before: 0,
            known: 0,
            known_at: None,
        };
        self.runs.insert(run, entry);
    }

    /// Notes facts that became durable.
    ///
    /// # Errors
    /// The invariant that they break.
    pub(crate) fn commit(&mut self, run: RunId, facts: &[Recorded], row: &RunState) -> Checked {
        for fact in facts {
            self.moves += fact.fact.moves.len() as u64;
            self.origins(run, &fact.fact.moves)?;
            let Some(entry) = self.runs.get_mut(&run) else { return Err(format!("run {run} is not open")) };
            for it in &fact.fact.moves {
                entry.signals.extend(signal_in(it));
                if let Move::Started(it) = it {
                    entry.parent.clone_from(&it.parent);
                }
            }
            let shape = Arc::clone(&entry.shape);
            let in_run = |why: String| format!("run {run}: {why}");
            entry.book.take(&shape, fact.seq, fact.at, &fact.fact.moves).map_err(in_run)?;
            entry.replay.apply(fact.at, &fact.fact).map_err(|it| in_run(it.to_string()))?;
            if fact.fact.moves.iter().any(|it| matches!(it, Move::Admitted)) {
                self.slots(run)?;
            }
        }
        self.row(run, row)
    }

    /// A success that is journaled is one that an executor returned for that very attempt.
    fn origins(&self, run: RunId, moves: &[Move]) -> Checked {
        for it in moves {
            let Move::Succeeded(slot, step, output) = it else { continue };
            let Some(entry) = self.runs.get(&run) else { continue };
            let Op::Task(task) = entry.shape.op(*step) else { continue };
            let Some(frame) = entry.book.frames.get(*slot as usize).and_then(Option::as_ref) else { continue };
            let Some(state) = frame.steps.get(entry.shape.local(*step)) else { continue };
            let found = match output.get("by") {
                Some(Value::Int(number)) => self.returned.get(number),
                _ => None,
            };
            let found = found
                .ok_or_else(|| format!("run {run}: `{}` has a result that nobody returned", entry.shape.name(*step)))?;
            let same =
                (found.run, found.serial, found.step, found.attempt) == (run, frame.serial, *step, state.attempt);
            if !same && task.cache.is_none() {
                let (name, attempt) = (entry.shape.name(*step), state.attempt);
                return Err(format!("run {run}: attempt {attempt} of `{name}` has the result of {found:?}"));
            }
        }
        Ok(())
    }

    /// No more runs hold slots than there are.
    fn slots(&self, run: RunId) -> Checked {
        let Some(it) = self.runs.get(&run) else { return Ok(()) };
        let Some(limit) = &it.shape.blueprint.limits.concurrency else { return Ok(()) };
        let shares = |other: &&Entry| {
            other.head.flow == it.head.flow
                && other.head.concurrency_key == it.head.concurrency_key
                && other.book.admitted
                && other.book.ended.is_none()
        };
        let holders = self.runs.values().filter(shares).count();
        if holders > limit.max as usize {
            return Err(format!("run {run}: {holders} runs hold {} slots of `{}`", limit.max, it.head.flow));
        }
        Ok(())
    }

    /// The row of a run agrees with what its facts say.
    fn row(&mut self, run: RunId, row: &RunState) -> Checked {
        let Some(it) = self.runs.get_mut(&run) else { return Ok(()) };
        let replay = &mut it.replay;
        if row.status != replay.status() || row.next_due != replay.next_due() || row.ended_at != replay.ended_at() {
            let facts = (replay.status(), replay.next_due(), replay.ended_at());
            return Err(format!("run {run}: its row {row:?} disagrees with its facts {facts:?}"));
        }
        if row.status.is_end() != it.book.ended.is_some() {
            return Err(format!("run {run}: its row says {} and its facts do not", row.status.name()));
        }
        if row.in_flight < replay.running() || (row.status.is_end() && row.in_flight > 0) {
            let running = replay.running();
            return Err(format!("run {run}: {running} attempts are under way and its row says {}", row.in_flight));
        }
        if row.in_flight > 0 && only_waits(replay) {
            return Err(format!("run {run}: it only waits, and its row says that {} are under way", row.in_flight));
        }
        if row.in_flight == 0 && row.status != RunStatus::Queued {
            let busy = |it: &Effect| matches!(it, Effect::Dispatch(_) | Effect::StartChild(_) | Effect::Abort(_));
            if let Some(effect) = replay.effects_after_recovery().iter().find(|it| busy(it)) {
                return Err(format!("run {run}: its row says that nothing is under way, but {effect:?} is"));
            }
            if let Some(step) = it.book.overlooked(&it.shape) {
                return Err(format!("run {run}: nothing is under way, and `{step}` could begin or be passed over"));
            }
        }
        Ok(())
    }

    /// Notes that the owner knows how far a run is durable.
    pub(crate) fn acknowledge(&mut self, run: RunId, now: Instant) {
        if let Some(it) = self.runs.get_mut(&run) {
            if it.known_at != Some(now) {
                it.known_before = it.known;
                it.known_at = Some(now);
            }
            it.known = it.book.seq;
        }
    }

    /// Notes that a new owner has read all that is durable.
    pub(crate) fn acknowledge_all(&mut self) {
        self.executing.clear();
        for it in self.runs.values_mut() {
            it.known_before = it.book.seq;
            it.known = it.book.seq;
        }
    }

    /// Notes that a run was deleted.
    pub(crate) fn delete(&mut self, run: RunId) {
        if self.runs.remove(&run).is_some() {
            self.deleted.insert(run);
        }
    }

    /// An execution begins in the process that owns the store.
    ///
    /// # Errors
    /// Where it must not.
    pub(crate) fn begins(&mut self, task: TaskId, now: Instant) -> Checked {
        let Some(it) = self.runs.get(&task.run) else {
            return if self.deleted.contains(&task.run) {
                Err(format!("{task:?} begins in a run that was deleted"))
            } else {
                Err(format!("{task:?} begins before its run is durable"))
            };
        };
        let name = it.shape.name(task.step);
        if it.book.done.contains(&(task.serial, task.step)) {
            return Err(format!(
                "`{name}` of run {} is executed again after its success was journaled: {task:?}",
                task.run
            ));
        }
        if task.serial > it.book.serial {
            return Err(format!("`{name}` of run {} begins before the commit of its frame: {task:?}", task.run));
        }
        // What is acknowledged at this very instant may not have been heard yet.
        let heard = if it.known_at.is_some_and(|at| at < now) { it.known } else { it.known_before };
        if let Some((_, seq)) = &it.book.ended
            && *seq <= heard
        {
            return Err(format!("`{name}` begins in run {}, which has ended: {task:?}", task.run));
        }
        let frame = it.book.frames.get(task.frame as usize).and_then(Option::as_ref);
        if let Some(frame) = frame.filter(|it| it.serial == task.serial)
            && let Some(step) = frame.steps.get(it.shape.local(task.step))
        {
            if task.attempt > step.attempt {
                return Err(format!("attempt {} of `{name}` begins before its commit: {task:?}", task.attempt));
            }
            let over = step.at != At::Running || task.attempt < step.attempt;
            if over && step.since <= heard {
                return Err(format!("attempt {} of `{name}` begins after its end was known: {task:?}", task.attempt));
            }
        }
        if !self.executing.insert(task) {
            return Err(format!("`{name}` of run {} is executed twice at once: {task:?}", task.run));
        }
        Ok(())
    }

    /// An execution ends in the process that owns the store.
    pub(crate) fn ends(&mut self, task: TaskId) {
        self.executing.remove(&task);
    }

    /// An execution returns a result with this number, in whatever process: it may come back from the cache.
    pub(crate) fn returns(&mut self, task: TaskId, number: i64) {
        self.returned.insert(number, task);
    }

    /// How many executions are under way.
    #[must_use]
    pub(crate) fn executing(&self) -> usize {
        self.executing.len()
    }
}

/// Whether a run has nothing under way and nothing more to decide, so that it may leave memory until its time has come
/// or somebody calls.
fn only_waits(run: &Run) -> bool {
    if run.running() > 0 {
        return false;
    }
    let mut next = run.clone();
    let goes_on = |it: &Effect| matches!(it, Effect::Dispatch(_) | Effect::StartChild(_) | Effect::Abort(_));
    !next.effects_after_recovery().iter().any(goes_on) && next.handle(Input::Continue, run.started_at()).fact.is_none()
}

/// The number of a signal that a move holds.
fn signal_in(it: &Move) -> Option<i64> {
    let number = |value: &Value| match value.get("sig") {
        Some(Value::Int(it)) => Some(*it),
        _ => None,
    };
    match it {
        Move::SignalKept(_, value) | Move::Succeeded(_, _, value) => number(value),
        Move::Failed(_, _, error) => error.message.strip_prefix("rejected: sig ").and_then(|it| it.parse().ok()),
        _ => None,
    }
}
