//! Frames and the steps in them.

use std::collections::BTreeMap;

use drawloom_blueprint::{ErrorClass, Outcome, Retry, RunStatus, StepError, Value, expr::push_text};
use drawloom_lang::model::{self, Body, Flow, OnUnhandled, Step, Task};

use super::{
    At, Outside, Said, State, Unsaid,
    cut::Cut,
    eval::Scope,
    list::{Listed, Need, Verdict, listed, verdict},
    log::Done,
};
use crate::generate::INLINE;

/// A run that is being worked out.
pub(super) struct Interpreter<'a> {
    pub(super) flow: &'a Flow,
    pub(super) outside: &'a dyn Outside,
    pub(super) log: Vec<Done<'a>>,
}

/// An instance of a list, about to be evaluated.
pub(super) struct Frame {
    /// What the paths of its steps begin with.
    pub(super) prefix: String,
    pub(super) scope: Scope,
    pub(super) start: At,
    pub(super) cut: Cut,
    /// Whether something around it handles failures in it.
    pub(super) handled: bool,
    /// What had to end before it began.
    pub(super) after: Vec<usize>,
}

/// How the steps of a frame ended.
#[derive(Clone, Debug)]
pub(super) enum FrameEnd {
    Succeeded(Value),
    Failed(StepError),
    Stopped,
}

/// A frame that was left.
pub(super) struct Left {
    pub(super) at: At,
    pub(super) end: FrameEnd,
    /// Whether it was stopped before it ended by itself, even where that changed nothing in it.
    pub(super) stopped: bool,
}

/// How a step ended.
pub(super) struct Ended {
    pub(super) at: At,
    pub(super) state: State,
    pub(super) value: Result<Value, StepError>,
    pub(super) took: Option<String>,
}

impl Ended {
    pub(super) fn with(at: At, value: Result<Value, StepError>) -> Self {
        let state = if value.is_ok() { State::Succeeded } else { State::Failed };
        Self { at, state, value, took: None }
    }

    pub(super) fn without(at: At, state: State) -> Self {
        Self { at, state, value: Ok(Value::Null), took: None }
    }
}

/// Who undoes the successes in a frame that ends badly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    /// The frame itself.
    Here,
    /// The frame itself, where it was stopped.
    IfStopped,
    /// Something around it.
    Elsewhere,
}

impl<'a> Interpreter<'a> {
    pub(super) fn frame(&mut self, steps: &'a [Step], frame: &Frame, undo: Undo) -> Said<Left> {
        let from = self.log.len();
        let list = listed(steps);
        let mut done: BTreeMap<usize, usize> = BTreeMap::new();
        while done.len() < list.len() {
            let open = |at: &usize| !done.contains_key(at) && list[*at].needs.iter().all(|it| done.contains_key(it));
            let next = (0..list.len()).find(open).ok_or_else(|| Unsaid("needs in a circle".to_owned()))?;
            let needs: Vec<(usize, bool)> = list[next].needs.iter().map(|it| (done[it], list[*it].goes_on)).collect();
            done.insert(next, self.step(frame, &list[next], &needs)?);
        }
        let at = done.values().map(|it| self.log[*it].end).max().unwrap_or(frame.start).max(frame.start);
        let failures: Vec<(usize, bool)> = done.iter().map(|(no, it)| (*it, list[*no].goes_on)).collect();
        let failure = self.first_failure(&failures)?;
        let end = if done.values().any(|it| self.log[*it].state == State::Cancelled) {
            FrameEnd::Stopped
        } else if let Some(error) = failure {
            FrameEnd::Failed(error)
        } else {
            let last = list.len().checked_sub(1).and_then(|it| self.log[done[&it]].output.clone());
            FrameEnd::Succeeded(last.unwrap_or_default())
        };
        let stopped = matches!(end, FrameEnd::Stopped) || frame.cut.catches(&frame.prefix, at);
        let badly = match end {
            FrameEnd::Succeeded(_) => false,
            FrameEnd::Failed(_) => true,
            FrameEnd::Stopped => !frame.cut.is_well(),
        };
        let undoes = badly && (undo == Undo::Here || (undo == Undo::IfStopped && stopped));
        let at = if undoes { self.undo(from, at)? } else { at };
        Ok(Left { at, end, stopped: stopped || frame.cut.catches(&frame.prefix, at) && undoes })
    }

    /// The error of the first failure that nothing handles. Steps that end the run do so with it.
    fn first_failure(&mut self, done: &[(usize, bool)]) -> Said<Option<StepError>> {
        let failed = done.iter().filter(|(it, goes_on)| self.log[*it].state == State::Failed && !goes_on);
        let failed: Vec<usize> = failed.map(|(it, _)| *it).collect();
        let Some(first) = failed.iter().min_by_key(|it| self.log[**it].end).copied() else { return Ok(None) };
        let at = self.log[first].end;
        if failed.iter().filter(|it| self.log[**it].end == at).count() > 1 {
            return Err(Unsaid(format!("two steps fail at {at} in one frame")));
        }
        let path = self.log[first].path.clone();
        let mut error = self.log[first].error.clone().unwrap_or_else(|| StepError::invalid("none"));
        error.step.get_or_insert(path);
        for it in failed {
            if let Some((_, ending)) = &mut self.log[it].ends {
                *ending = Some(error.clone());
            }
        }
        Ok(Some(error))
    }

    /// Undoes the successes since `from`, the last first, each to its end; gives the instant at which that is done.
    pub(super) fn undo(&mut self, from: usize, mut at: At) -> Said<At> {
        loop {
            let open = |it: &usize| self.log[*it].undo.is_some() && !self.log[*it].undone;
            let last = (from..self.log.len()).filter(open).max_by_key(|it| self.log[*it].end);
            let Some(last) = last else { return Ok(at) };
            self.log[last].undone = true;
            let path = format!("{}.compensate.", self.log[last].path);
            let Some((steps, scope, handled)) = self.log[last].undo.clone() else { return Ok(at) };
            let scope = Scope::new(Some(&scope), BTreeMap::new());
            let (cut, after) = (Cut::never(), (from..self.log.len()).collect());
            let frame = Frame { prefix: path, scope, start: at, cut, handled, after };
            at = self.frame(steps, &frame, Undo::Elsewhere)?.at;
        }
    }

    fn step(&mut self, frame: &Frame, it: &Listed<'a>, needs: &[(usize, bool)]) -> Said<usize> {
        let path = format!("{}{}", frame.prefix, it.step.id.value);
        let ends: Vec<Need> = needs
            .iter()
            .map(|(no, goes_on)| Need { end: self.log[*no].end, state: self.log[*no].state, goes_on: *goes_on })
            .collect();
        let (verdict, start) = verdict(it.rule, &ends, frame.start);
        // A hasty rule may not wait for all of them.
        let waited = needs.iter().map(|(no, _)| *no).filter(|no| self.log[*no].end <= start);
        let after: Vec<usize> = waited.chain(frame.after.iter().copied()).collect();
        let inside = self.log.len();
        let ended = if frame.cut.forbids(&path, start) {
            Ended::without(frame.cut.instant(), State::Cancelled)
        } else {
            match verdict {
                Verdict::Skip => Ended::without(start, State::Skipped),
                Verdict::UpstreamFailed => Ended::without(start, State::UpstreamFailed),
                Verdict::Run => self.if_wanted(frame, it, &path, start, &after)?,
            }
        };
        let (output, error) = match (ended.state, ended.value) {
            (State::Succeeded, Ok(value)) => (Some(value), None),
            (_, Err(error)) => (None, Some(error)),
            _ => (None, None),
        };
        let handled = frame.handled || it.goes_on;
        let ends = self.ends_run(it.step, ended.state, handled, error.as_ref());
        let undo = match &it.step.body {
            Body::Task(task) if ended.state == State::Succeeded => {
                task.compensate.as_deref().map(|steps| (steps, frame.scope.clone(), handled))
            }
            _ => None,
        };
        frame.scope.ended(&it.step.id.value, ended.at, output.clone());
        let (end, state, took) = (ended.at, ended.state, ended.took);
        self.log.push(Done { path, start, end, state, output, error, after, inside, ends, undo, undone: false, took });
        Ok(self.log.len() - 1)
    }

    fn ends_run(
        &self,
        step: &Step,
        state: State,
        handled: bool,
        error: Option<&StepError>,
    ) -> Option<(RunStatus, Option<StepError>)> {
        let stops = self.flow.limits.on_failure.is_some_and(|it| it.value == OnUnhandled::Stop);
        match (state, &step.body) {
            (State::Succeeded, Body::Stop(_)) => Some((RunStatus::Succeeded, None)),
            (State::Failed, body) if !handled && (stops || matches!(body, Body::Fail(_))) => {
                Some((RunStatus::Failed, error.cloned()))
            }
            _ => None,
        }
    }

    fn if_wanted(&mut self, frame: &Frame, it: &Listed<'a>, path: &str, at: At, after: &[usize]) -> Said<Ended> {
        for when in &it.when {
            match frame.scope.node(when, at) {
                Ok(value) if value.is_true() => {}
                Ok(_) => return Ok(Ended::without(at, State::Skipped)),
                Err(error) => return Ok(Ended::with(at, Err(error))),
            }
        }
        let scope = &frame.scope;
        let text = |node| {
            scope.node(node, at).map(|it| {
                let mut text = String::new();
                push_text(&mut text, &it);
                StepError::new(ErrorClass::Failed, text).with_code("fail")
            })
        };
        Ok(match &it.step.body {
            Body::Task(task) if task.uses.value == INLINE && task.compensate.is_none() => {
                let with = parameters(scope, task.with.as_ref(), at);
                Ended::with(at, with.and_then(|with| result(self.outside.inline(&with))))
            }
            Body::Task(task) => self.task(frame, task, path, at),
            Body::Set(members) => Ended::with(at, scope.members(members, at)),
            Body::Fail(message) => Ended::with(at, Err(text(message).unwrap_or_else(|it| it))),
            Body::Stop(message) => Ended::with(at, scope.node(message, at)),
            Body::Wait(wait) => self.wait(frame, it.step, wait, path, at),
            Body::Flow(sub) => self.sub_flow(frame, it.step, sub, path, at)?,
            _ => self.block(frame, it, path, at, after)?,
        })
    }

    fn task(&self, frame: &Frame, task: &Task, path: &str, start: At) -> Ended {
        let retry = policy(task.retry.as_ref(), self.flow.defaults.retry.as_ref());
        let mut at = start;
        for attempt in 1.. {
            if at > frame.cut.instant() {
                break;
            }
            let with = parameters(&frame.scope, task.with.as_ref(), at);
            let (takes, outcome) = self.outside.attempt(path, attempt, with.as_ref().unwrap_or(&Value::Null));
            at += takes;
            if at > frame.cut.instant() {
                break;
            }
            let outcome = with.and_then(|_| result(outcome));
            let Err(error) = &outcome else { return Ended::with(at, outcome) };
            let retried = match error.class {
                ErrorClass::Invalid | ErrorClass::Cancelled => false,
                class => retry.on.is_empty() || retry.on.contains(&class),
            };
            if attempt >= retry.attempts || !retried {
                return Ended::with(at, outcome);
            }
            let tries = i32::try_from(attempt - 1).unwrap_or(i32::MAX);
            let delay = retry.delay.mul_f64(retry.backoff.powi(tries)).min(retry.max_delay);
            at += micros(delay);
        }
        Ended::without(frame.cut.instant(), State::Cancelled)
    }
}

/// Parameters; none are an empty object.
pub(super) fn parameters(scope: &Scope, with: Option<&drawloom_lang::Node>, at: At) -> Result<Value, StepError> {
    with.map_or_else(|| Ok(Value::object::<&str>([])), |it| scope.node(it, at))
}

pub(super) fn result(outcome: Outcome) -> Result<Value, StepError> {
    match outcome {
        Outcome::Success(it) => Ok(it),
        Outcome::Failure(it) => Err(it),
    }
}

pub(super) fn micros(duration: std::time::Duration) -> At {
    At::try_from(duration.as_micros()).unwrap_or(At::MAX / 4)
}

/// What a step says, then what the flow says, field by field.
fn policy(own: Option<&model::Retry>, default: Option<&model::Retry>) -> Retry {
    let Some(any) = own.or(default) else { return Retry::default() };
    let pick = |own: Option<&model::Retry>, default: Option<&model::Retry>| model::Retry {
        span: any.span,
        attempts: own.and_then(|it| it.attempts).or(default.and_then(|it| it.attempts)),
        delay: own.and_then(|it| it.delay).or(default.and_then(|it| it.delay)),
        backoff: own.and_then(|it| it.backoff).or(default.and_then(|it| it.backoff)),
        max_delay: own.and_then(|it| it.max_delay).or(default.and_then(|it| it.max_delay)),
        jitter: own.and_then(|it| it.jitter).or(default.and_then(|it| it.jitter)),
        on: own.and_then(|it| it.on.clone()).or_else(|| default.and_then(|it| it.on.clone())),
    };
    pick(own, default).policy()
}
