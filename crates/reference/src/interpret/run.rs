//! The run as a whole: what ends it early, and what it returns.

use std::collections::BTreeMap;

use drawloom_blueprint::{ErrorClass, RunStatus, StepError, Timestamp, Value};
use drawloom_lang::model::Flow;

use super::{
    At, End, Outside, Said, Unsaid,
    blocks::Vars,
    cut::{Cut, caused, from_outside},
    eval::Scope,
    steps::{Frame, FrameEnd, Interpreter, Left, Undo, micros},
};

/// The patience for `finally` and `compensate` once a run is asked to end.
const GRACE: At = 5 * 60 * 1_000_000;

/// How the run is ended before its time.
struct Ending {
    status: RunStatus,
    error: Option<StepError>,
    at: At,
}

/// How a run of `flow` ends that starts at `start` with these inputs.
///
/// # Errors
/// Where the language does not say.
pub fn interpret(flow: &Flow, inputs: &Value, start: Timestamp, outside: &dyn Outside) -> Result<End, Unsaid> {
    let mut it = Interpreter { flow, outside, log: Vec::new() };
    let (left, scope) = it.root(inputs, start.0, Cut::never(), None)?;
    let Some((ending, cut)) = it.ending(start.0, left.at)? else {
        return Ok(it.end(&left, &scope, None));
    };
    it.log.clear();
    let (left, scope) = it.root(inputs, start.0, cut, Some(ending.status))?;
    if left.at > ending.at + GRACE {
        return Err(Unsaid("what is done at the end takes longer than the patience for it".to_owned()));
    }
    Ok(it.end(&left, &scope, Some(ending)))
}

impl Interpreter<'_> {
    fn root(&mut self, inputs: &Value, start: At, cut: Cut, ending: Option<RunStatus>) -> Said<(Left, Scope)> {
        let mut vars = Vars::from([("inputs".to_owned(), Some(inputs.clone()))]);
        let own = self.flow.vars.iter().map(|(name, node)| (name.value.as_str(), node.to_value()));
        vars.insert("vars".to_owned(), Some(Value::object(own)));
        let scope = Scope::new(None, vars);
        let frame =
            Frame { prefix: String::new(), scope: scope.clone(), start, cut, handled: false, after: Vec::new() };
        let mut left = self.frame(&self.flow.steps, &frame, Undo::Elsewhere)?;
        let badly = match ending {
            Some(status) => status != RunStatus::Succeeded,
            None => matches!(left.end, FrameEnd::Failed(_)),
        };
        if badly {
            left.at = self.undo(0, left.at)?;
        }
        Ok((left, scope))
    }

    /// What ends the run first, where anything does before it ends by itself.
    fn ending(&self, start: At, end: At) -> Said<Option<(Ending, Cut)>> {
        let triggers = (0..self.log.len()).filter(|it| self.log[*it].ends.is_some());
        let first = triggers.min_by_key(|it| self.log[*it].end);
        let limit = self.flow.limits.timeout.map_or(At::MAX, |it| start + micros(it.value));
        let cancel = self.outside.cancel().map_or(At::MAX, |it| it.0);
        let by_step = first.map_or(At::MAX, |it| self.log[it].end);
        let at = limit.min(cancel).min(by_step);
        if at == end && at != by_step {
            return Err(Unsaid(format!("the run ends at {at}, when it is stopped")));
        }
        if let (Some(first), true) = (first, at == by_step) {
            let Some((status, error)) = self.log[first].ends.clone() else { return Ok(None) };
            return Ok(Some((Ending { status, error, at }, caused(&self.log, first)?)));
        }
        if at > end {
            return Ok(None);
        }
        let cut = from_outside(&self.log, at)?;
        let timeout = StepError::new(ErrorClass::Timeout, "the run took too long").with_code("run_timeout");
        let (status, error) =
            if at == limit { (RunStatus::Failed, Some(timeout)) } else { (RunStatus::Cancelled, None) };
        Ok(Some((Ending { status, error, at }, cut)))
    }

    fn end(&self, left: &Left, scope: &Scope, ending: Option<Ending>) -> End {
        let steps: BTreeMap<_, _> =
            self.log.iter().map(|it| (it.path.clone(), (it.state, it.output.clone()))).collect();
        let stopped = ending.is_some();
        let (status, error) = match (ending, &left.end) {
            (Some(it), _) => (it.status, it.error),
            (None, FrameEnd::Failed(error)) => (RunStatus::Failed, Some(error.clone())),
            (None, _) => (RunStatus::Succeeded, None),
        };
        if status != RunStatus::Succeeded {
            return End { status, outputs: Value::Null, error, steps };
        }
        let mut outputs = Vec::new();
        for (name, node) in &self.flow.outputs {
            match scope.node(node, left.at) {
                Ok(it) => outputs.push((name.value.as_str(), it)),
                Err(_) if stopped => outputs.push((name.value.as_str(), Value::Null)),
                Err(error) => {
                    return End { status: RunStatus::Failed, outputs: Value::Null, error: Some(error), steps };
                }
            }
        }
        End { status, outputs: Value::object(outputs), error, steps }
    }
}
