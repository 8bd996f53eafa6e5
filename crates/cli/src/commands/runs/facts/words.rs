//! Moves in words: the place, what happened, and why; the same as JSON with stable names.
//!
//! **Invariant:** nothing that gives power is told: neither the seed of a run nor the token of a wait.

use std::collections::BTreeMap;

use drawloom_blueprint::{
    FrameRef, Move, Op, Opened, OpenedAs, RunEnd, ScopeIx, SkipReason, Started, StepError, StepIx, StopReason, Value,
    WaitFor,
};
use drawloom_engine::Run;
use serde_json::{Map, Value as Json, json};

use crate::output::letter;

/// So many letters of a value are told.
const VALUE_MAX: usize = 100;

/// A move, told.
pub(super) struct Told {
    /// Its name.
    name: &'static str,
    /// The path of the step it is about; none: it is about the run.
    step: Option<String>,
    /// What happened, for people.
    pub(super) text: String,
    /// Particulars, for machines.
    more: Map<String, Json>,
}

impl Told {
    fn of(name: &'static str, step: Option<String>, text: impl Into<String>) -> Self {
        Self { name, step, text: text.into(), more: Map::new() }
    }

    fn with(mut self, name: &str, value: Json) -> Self {
        if !value.is_null() {
            self.more.insert(name.to_owned(), value);
        }
        self
    }

    /// What it is about, for people.
    pub(super) fn place(&self) -> &str {
        self.step.as_deref().unwrap_or("run")
    }

    /// For machines.
    pub(super) fn json(&self) -> Json {
        let mut object = Map::from_iter([("move".to_owned(), json!(self.name))]);
        object.extend(self.step.as_ref().map(|it| ("step".to_owned(), json!(it))));
        object.extend(self.more.clone());
        Json::Object(object)
    }
}

/// The names of the open frames, but for the root.
#[derive(Default)]
pub(super) struct Frames(BTreeMap<FrameRef, String>);

impl Frames {
    fn name(&self, frame: FrameRef) -> Option<String> {
        self.0.get(&frame).cloned()
    }
}

/// Tells a move that `run` is about to make.
pub(super) fn tell(it: &Move, run: &Run, frames: &mut Frames) -> Told {
    match it {
        Move::Started(it) => started(it),
        Move::Admitted => Told::of("admitted", None, "admitted"),
        Move::Paused => Told::of("paused", None, "paused"),
        Move::Resumed => Told::of("resumed", None, "goes on"),
        Move::SignalKept(name, payload) => {
            Told::of("signal_kept", None, format!("signal `{name}` came and is kept: {}", short(payload)))
                .with("signal", json!(name))
                .with("payload", value(payload))
        }
        Move::SignalTaken(name) => {
            Told::of("signal_taken", None, format!("the kept signal `{name}` was taken")).with("signal", json!(name))
        }
        Move::Ending(status, error, until) => {
            let why = error.as_deref().map(because).unwrap_or_default();
            let text = format!("will be {} once all has stopped, at {until} at the latest{why}", status.name());
            Told::of("ending", None, text)
                .with("status", json!(status))
                .with("error", json!(error))
                .with("until", json!(until))
        }
        Move::Ended(end) => ended(end),
        Move::Left(frame) => {
            let name = frames.0.remove(frame);
            Told::of("left", name, "is done")
        }
        Move::Stopping(frame, reason) => {
            let why = stop_reason(*reason);
            Told::of("stopping", frames.name(*frame), format!("is being stopped: {why}")).with("reason", json!(reason))
        }
        Move::Entered { frame, step, scope, index, slot } => {
            let name = entered(run, (*frame, *step), *scope, *index);
            frames.0.insert(*slot, name.clone());
            Told::of("entered", Some(name), "entered").with("index", json!(index))
        }
        Move::Compensating { frame, step, slot } => {
            let path = run.path(*frame, *step);
            frames.0.insert(*slot, path.clone());
            Told::of("compensating", Some(path), "is being undone")
        }
        _ => of_step(it, run),
    }
}

/// Tells a move of one step.
fn of_step(it: &Move, run: &Run) -> Told {
    let at = |frame: &FrameRef, step: &StepIx| Some(run.path(*frame, *step));
    match it {
        Move::Ready(frame, step) => Told::of("ready", at(frame, step), "is ready, and waits for room"),
        Move::Dispatched(frame, step, attempt) => {
            Told::of("dispatched", at(frame, step), format!("attempt {attempt} handed out"))
                .with("attempt", json!(attempt))
        }
        Move::Opened(frame, step, it) => opened(at(frame, step), it),
        Move::Succeeded(frame, step, output) => {
            Told::of("succeeded", at(frame, step), with("succeeded", output)).with("output", value(output))
        }
        Move::Adopted(frame, step, output) => {
            Told::of("adopted", at(frame, step), with("taken over from the run it was forked from", output))
                .with("output", value(output))
        }
        Move::Closed(frame, step) => Told::of("closed", at(frame, step), "succeeded"),
        Move::Failed(frame, step, error) => {
            Told::of("failed", at(frame, step), format!("failed{}", because(error))).with("error", json!(error))
        }
        Move::Skipped(frame, step, reason) => {
            let why = match reason {
                SkipReason::When => "its `when` does not hold",
                SkipReason::RunIf => "its `run_if` does not hold",
                SkipReason::Stop => "the flow stopped",
            };
            Told::of("skipped", at(frame, step), format!("skipped: {why}")).with("reason", json!(reason))
        }
        Move::UpstreamFailed(frame, step) => {
            Told::of("upstream_failed", at(frame, step), "never started: a step that it needs failed")
        }
        Move::Cancelled(frame, step) => Told::of("cancelled", at(frame, step), "cancelled"),
        Move::Retrying { frame, step, error, due, lost } => {
            let lost_too = if *lost { " (its worker vanished, which uses up no attempt)" } else { "" };
            let text = format!("attempt failed{lost_too}; the next one is due at {due}{}", because(error));
            Told::of("retrying", at(frame, step), text)
                .with("error", json!(error))
                .with("due", json!(due))
                .with("lost", json!(lost))
        }
        Move::Resting(frame, step, due) => {
            Told::of("resting", at(frame, step), format!("rests until {due}")).with("due", json!(due))
        }
        Move::Aborting(frame, step) => Told::of("aborting", at(frame, step), "was asked to stop"),
        // All others are told where the run is.
        _ => Told::of("other", None, "something else happened"),
    }
}

fn started(it: &Started) -> Told {
    let number = it.number.map(|it| format!("@{it}")).unwrap_or_default();
    let hash = it.version.short();
    let parent = it.parent.as_ref().map(|it| it.run.to_string());
    let forked = it.forked_from.map(|it| it.to_string());
    let mut text = format!("started: {}{number} (version {hash}) with {}", it.flow, short(&it.inputs));
    text.extend(parent.iter().map(|it| format!(", for run {it}")));
    text.extend(forked.iter().map(|it| format!(", forked from run {it}")));
    Told::of("started", None, text)
        .with("flow", json!(it.flow))
        .with("version", it.number.map_or_else(|| json!(hash), |it| json!(it)))
        .with("inputs", value(&it.inputs))
        .with("trigger", value(&it.trigger))
        .with("labels", json!(it.labels))
        .with("concurrency_key", json!(it.concurrency_key))
        .with("parent", json!(parent))
        .with("forked_from", json!(forked))
}

fn ended(end: &RunEnd) -> Told {
    let text = match &end.error {
        Some(error) => format!("{}{}", end.status.name(), because(error)),
        None => with(end.status.name(), &end.outputs),
    };
    Told::of("ended", None, text)
        .with("status", json!(end.status))
        .with("outputs", value(&end.outputs))
        .with("error", json!(end.error))
}

/// The name of a frame: the block, and which of its scopes or items.
fn entered(run: &Run, (frame, step): (FrameRef, StepIx), scope: ScopeIx, index: u64) -> String {
    let path = run.path(frame, step);
    match &run.blueprint().step(step).op {
        Op::ForEach(_) | Op::Loop(_) => format!("{path}[{index}]"),
        _ => format!("{path}.{}", run.blueprint().scope(scope).name),
    }
}

fn opened(step: Option<String>, it: &Opened) -> Told {
    let (text, more) = match &it.what {
        OpenedAs::Parallel => ("began its branches".to_owned(), json!({ "as": "parallel" })),
        OpenedAs::Arm(arm) => (format!("took arm {arm}"), json!({ "as": "arm", "arm": arm })),
        OpenedAs::ForEach { items, concurrency } => {
            let count =
                items.as_list().map(|it| it.len()).or_else(|| items.as_object().map(drawloom_blueprint::Object::len));
            let count = count.unwrap_or_default();
            let at_once = concurrency.map(|it| format!(", at most {it} at once")).unwrap_or_default();
            (
                format!("began with {count} items{at_once}"),
                json!({ "as": "for_each", "items": count, "concurrency": concurrency }),
            )
        }
        OpenedAs::Loop(max) => (format!("began to loop, {max} times at most"), json!({ "as": "loop", "max": max })),
        OpenedAs::Flow { run, inputs } => (
            with(&format!("started the sub-flow's run {run}"), inputs),
            json!({ "as": "flow", "run": run.to_string(), "inputs": value(inputs) }),
        ),
        OpenedAs::Wait(it) => wait(it),
        OpenedAs::Try => ("began to try".to_owned(), json!({ "as": "try" })),
    };
    let limit = it.deadline.map(|it| format!(", until {it} at the latest")).unwrap_or_default();
    let mut told = Told::of("opened", step, format!("{text}{limit}")).with("deadline", json!(it.deadline));
    if let Json::Object(more) = more {
        told.more.extend(more);
    }
    told
}

fn wait(it: &WaitFor) -> (String, Json) {
    match it {
        WaitFor::Until(due) => (format!("waits until {due}"), json!({ "as": "wait", "for": "time", "due": due })),
        WaitFor::Signal(name) => {
            (format!("waits for signal `{name}`"), json!({ "as": "wait", "for": "signal", "signal": name }))
        }
        WaitFor::Webhook(_) => ("waits for a webhook".to_owned(), json!({ "as": "wait", "for": "webhook" })),
        WaitFor::Approval(_, message) => (
            format!("waits for an approval: {message}"),
            json!({ "as": "wait", "for": "approval", "message": message }),
        ),
    }
}

fn stop_reason(it: StopReason) -> &'static str {
    match it {
        StopReason::Cancel => "somebody cancelled the run",
        StopReason::Kill => "somebody killed the run",
        StopReason::Timeout => "its time is up",
        StopReason::Joined => "enough branches are done",
        StopReason::Failure => "a step beside it failed",
        StopReason::Flow => "the flow said so",
    }
}

fn because(error: &StepError) -> String {
    format!(": {error}")
}

/// What happened, and the value that came of it, if any.
fn with(what: &str, it: &Value) -> String {
    if *it == Value::Null { what.to_owned() } else { format!("{what}: {}", short(it)) }
}

fn short(it: &Value) -> String {
    let text = value(it).to_string();
    console::truncate_str(&text, VALUE_MAX, letter("…", "...")).into_owned()
}

fn value(it: &Value) -> Json {
    json!(it)
}
