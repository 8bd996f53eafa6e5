//! Why is this step not running? Answered from the state alone.

use drawloom_blueprint::{RunStatus, WaitFor};
use serde::Serialize;

use crate::{Run, block::Inside, effect::Place, frame::Status, run::Alarm};

/// One reason, for one instance of the step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Why {
    /// Which instance: `enrich[17].score`.
    pub path: String,
    /// Its status.
    pub status: String,
    /// The reason, in plain words.
    pub reason: String,
    /// The steps it is waiting for, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// When something is due, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// The run of a sub-flow it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

impl Run {
    /// Why the step named `id` is where it is: one answer per instance that the run still holds, at most 100.
    /// None if the flow has no such step.
    #[must_use]
    pub fn why(&self, id: &str) -> Option<Vec<Why>> {
        let step = self.blueprint.find(id)?;
        let scope = self.blueprint.step(step).scope;
        let frames = self.state.frames.iter().filter(|(_, it)| it.scope == scope).take(100);
        let mut answers: Vec<Why> = frames.map(|(frame, _)| self.why_at(Place { frame, step })).collect();
        if answers.is_empty() {
            answers.push(self.why_not_entered(id, scope));
        }
        Some(answers)
    }

    fn why_not_entered(&self, id: &str, scope: drawloom_blueprint::ScopeIx) -> Why {
        let owner = self.blueprint.scope(scope).owner.map(|it| self.blueprint.step(it).id.clone());
        let reason = match (&owner, self.state.end.is_some()) {
            (Some(owner), false) => format!(
                "`{owner}`, which it is in, is not there now: it has not begun, chose another way, or has ended"
            ),
            (Some(owner), true) => format!("the run has ended; the frames of `{owner}` are in its journal"),
            (None, _) => "the run has not started".to_owned(),
        };
        Why {
            path: id.to_owned(),
            status: "pending".to_owned(),
            reason,
            needs: owner.into_iter().collect(),
            due: None,
            run: None,
        }
    }

    fn why_at(&self, at: Place) -> Why {
        let path = self.path(at.frame, at.step);
        let Some(state) = self.step(at) else {
            return Why {
                path,
                status: "pending".to_owned(),
                reason: "it is not there".to_owned(),
                needs: Vec::new(),
                due: None,
                run: None,
            };
        };
        let mut why = Why {
            path,
            status: state.status.name().to_owned(),
            reason: String::new(),
            needs: Vec::new(),
            due: None,
            run: None,
        };
        match state.status {
            Status::Pending => self.why_pending(at, &mut why),
            Status::Ready => why.reason = self.why_no_room(),
            Status::Running => why.reason = format!("attempt {} is under way", state.attempt),
            Status::Aborting => why.reason = format!("attempt {} was asked to stop", state.attempt),
            Status::Retrying => {
                let error = state.error.as_ref().map_or_else(String::new, ToString::to_string);
                why.reason = format!("attempt {} failed ({error}); the next one waits for its time", state.attempt);
                why.due = state.due.map(|it| it.to_string());
            }
            Status::Waiting => self.why_waiting(at, &mut why),
            Status::Failed => {
                why.reason = state.error.as_ref().map_or_else(|| "it failed".to_owned(), ToString::to_string);
            }
            Status::Skipped => why.reason = "its `when` or `run_if` did not hold".to_owned(),
            Status::UpstreamFailed => {
                why.needs = self.needs_of(at, |it| matches!(it, Status::Failed | Status::UpstreamFailed));
                why.reason = "a step that it needs failed".to_owned();
            }
            Status::Cancelled => why.reason = "it was stopped".to_owned(),
            Status::Succeeded => why.reason = "it succeeded".to_owned(),
        }
        why
    }

    fn why_pending(&self, at: Place, why: &mut Why) {
        if self.state.status == RunStatus::Queued {
            "the run waits for a slot of its flow (`limits.concurrency`)".clone_into(&mut why.reason);
            return;
        }
        why.needs = self.needs_of(at, |it| !it.is_end());
        why.reason = match why.needs.as_slice() {
            [] => "it is about to begin".to_owned(),
            needs => format!(
                "it needs {}, which {} not ended",
                needs.join(", "),
                if needs.len() == 1 { "has" } else { "have" }
            ),
        };
    }

    fn why_no_room(&self) -> String {
        if self.state.paused {
            return "the run is paused".to_owned();
        }
        let limit = self.blueprint.limits.parallel_steps.unwrap_or_default();
        let holders: Vec<String> = self.holders().into_iter().take(5).collect();
        let more = if (self.state.running as usize) > holders.len() { ", …" } else { "" };
        format!("all {limit} of the run's `parallel_steps` are held, by {}{more}", holders.join(", "))
    }

    fn holders(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for (slot, frame) in self.state.frames.iter() {
            for (state, step) in frame.steps.iter().zip(self.blueprint.steps_of(frame.scope)) {
                if matches!(state.status, Status::Running | Status::Aborting) {
                    paths.push(self.path(slot, step));
                }
            }
        }
        paths
    }

    fn why_waiting(&self, at: Place, why: &mut Why) {
        let Some(state) = self.step(at) else { return };
        let Some(block) = &state.block else { return };
        let deadline = block.deadline.map(|it| it.to_string());
        why.due = state.due.map(|it| it.to_string()).or(deadline);
        why.reason = match &block.what {
            Inside::Wait(WaitFor::Until(_)) => "it waits for a time".to_owned(),
            Inside::Wait(WaitFor::Signal(name)) => format!("it waits for the signal `{name}`"),
            Inside::Wait(WaitFor::Webhook(_)) => "it waits for a call to its webhook".to_owned(),
            Inside::Wait(WaitFor::Approval(_, message)) => format!("it waits for an approval: {message}"),
            Inside::Flow { run, .. } => {
                why.run = Some(run.to_string());
                "it waits for a sub-flow".to_owned()
            }
            Inside::ForEach(it) => {
                let done = it.next.saturating_sub(u64::from(block.open));
                format!("{done} of {} items are done, {} under way", it.items.len(), block.open)
            }
            Inside::Loop { iterations, max, .. } => format!("iteration {iterations} of at most {max}"),
            _ => "the steps inside it have not ended".to_owned(),
        };
    }

    /// The steps that this one needs and whose status is as wanted.
    fn needs_of(&self, at: Place, wanted: fn(Status) -> bool) -> Vec<String> {
        let scope = self.blueprint.step(at.step).scope;
        let needed = self.blueprint.steps_of(scope).filter(|it| self.blueprint.next(*it).contains(&at.step));
        let wanted = needed.filter(|step| self.status_of(Place { frame: at.frame, step: *step }).is_some_and(wanted));
        wanted.map(|it| self.blueprint.step(it).id.clone()).collect()
    }

    /// What the run as a whole waits for.
    #[must_use]
    pub fn waits(&self) -> Vec<WaitView> {
        let mut waits = Vec::new();
        for places in self.state.waiting.values() {
            for at in places {
                let Some(Inside::Wait(wait)) = self.step(*at).and_then(|it| it.block.as_ref()).map(|it| &it.what)
                else {
                    continue;
                };
                let (kind, name) = match wait {
                    WaitFor::Until(_) => continue,
                    WaitFor::Signal(name) => ("signal", name.clone()),
                    WaitFor::Webhook(token) => ("webhook", token.clone()),
                    WaitFor::Approval(token, _) => ("approval", token.clone()),
                };
                waits.push(WaitView { path: self.path(at.frame, at.step), kind, name });
            }
        }
        for (due, alarm) in &self.state.alarms {
            if let Alarm::Due(at) = alarm {
                waits.push(WaitView { path: self.path(at.frame, at.step), kind: "time", name: due.to_string() });
            }
        }
        waits
    }
}

/// Something a run waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitView {
    /// The step.
    pub path: String,
    /// `signal`, `webhook`, `approval` or `time`.
    pub kind: &'static str,
    /// The signal's name, the token, or the instant.
    pub name: String,
}
