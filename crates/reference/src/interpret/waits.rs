//! Waits and sub-flows: steps that something outside ends.

use drawloom_blueprint::{ErrorClass, Outcome, StepError, Timestamp, Value, expr::push_text, parse_duration};
use drawloom_lang::model::{Step, SubFlow, Wait, WaitFor};

use super::{
    At, Said, State, Unsaid,
    steps::{Ended, Frame, Interpreter, micros, parameters, result},
};

impl Interpreter<'_> {
    pub(super) fn wait(&self, frame: &Frame, step: &Step, wait: &Wait, path: &str, at: At) -> Ended {
        let value = match frame.scope.node(wait.until.node(), at) {
            Ok(it) => it,
            Err(error) => return Ended::with(at, Err(error)),
        };
        let mut text = String::new();
        push_text(&mut text, &value);
        let mut took = None;
        let (end, mut value) = match &wait.until {
            WaitFor::Time(_) => match parse_duration(&text) {
                Ok(it) => (at + micros(it), Ok(Value::Null)),
                Err(message) => return Ended::with(at, Err(StepError::invalid(message))),
            },
            WaitFor::Instant(_) => match Timestamp::parse(&text) {
                Some(it) => (it.0.max(at), Ok(Value::Null)),
                None => return Ended::with(at, Err(StepError::invalid("no instant"))),
            },
            WaitFor::Signal(_) => {
                let taken = self.log.iter().any(|it| it.took.as_ref() == Some(&text));
                let (sent, payload) = self.outside.signal(&text);
                took = Some(text);
                (if taken { At::MAX } else { sent.0.max(at) }, Ok(payload))
            }
            WaitFor::Webhook(_) => {
                let (takes, payload) = self.outside.answer(path);
                (at + takes, Ok(payload))
            }
            WaitFor::Approval(_) => {
                let (takes, payload) = self.outside.answer(path);
                let refused = payload.get("approved") == Some(&Value::Bool(false));
                let error = || StepError::new(ErrorClass::Failed, "rejected").with_code("rejected");
                (at + takes, if refused { Err(error()) } else { Ok(payload) })
            }
        };
        let limit = wait.timeout.or(step.timeout).map_or(At::MAX, |it| at + micros(it.value));
        let mut end = end;
        if limit < end {
            (end, took) = (limit, None);
            value = Err(timeout());
        }
        if end > frame.cut.instant() {
            return Ended::without(frame.cut.instant(), State::Cancelled);
        }
        Ended { took, ..Ended::with(end, value) }
    }

    pub(super) fn sub_flow(&self, frame: &Frame, step: &Step, sub: &SubFlow, path: &str, at: At) -> Said<Ended> {
        let with = match parameters(&frame.scope, sub.with.as_ref(), at) {
            Ok(it) => it,
            Err(error) => return Ok(Ended::with(at, Err(error))),
        };
        let (takes, outcome) = if sub.detach.is_some_and(|it| it.value) {
            (0, Outcome::Success(Value::object([("run", Value::from("detached"))])))
        } else {
            self.outside.child(path, &with)
        };
        let (mut end, mut value) = (at + takes, result(outcome));
        let limit = step.timeout.map_or(At::MAX, |it| at + micros(it.value));
        if limit == end || (takes > 0 && end == frame.cut.instant()) {
            return Err(Unsaid(format!("`{path}` ends at its very limit")));
        }
        if limit < end {
            (end, value) = (limit, Err(timeout()));
        }
        if end > frame.cut.instant() {
            return Ok(Ended::without(frame.cut.instant(), State::Cancelled));
        }
        Ok(Ended::with(end, value))
    }
}

pub(super) fn timeout() -> StepError {
    StepError::new(ErrorClass::Timeout, "it took longer than its timeout")
}
