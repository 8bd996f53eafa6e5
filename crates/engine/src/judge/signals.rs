//! Waits, and what ends them.

use drawloom_blueprint::{ErrorClass, Move, OpenedAs, StepError, Timestamp, Value, Wait, WaitFor, parse_duration};

use super::{Judge, steps::text};
use crate::{block::Inside, chance::Purpose, effect::Place};

/// So many signals are kept for steps that do not wait yet.
const KEPT_MAX: usize = 1_000;

impl Judge<'_> {
    pub(super) fn begin_wait(&mut self, at: Place, it: &Wait) {
        let what = match self.wait_for(at, it) {
            Ok(it) => it,
            Err(error) => return self.fail(at, error),
        };
        if let WaitFor::Signal(name) = &what
            && let Some((_, payload)) = self.run.state.kept.iter().find(|(kept, _)| kept == name).cloned()
        {
            self.tell(Move::SignalTaken(name.clone()));
            return self.succeed(at, payload);
        }
        self.open(at, OpenedAs::Wait(what));
    }

    fn wait_for(&self, at: Place, it: &Wait) -> Result<WaitFor, StepError> {
        let wrong = |message: String| StepError::invalid(message).with_code("wait");
        Ok(match it {
            Wait::For(ix) => {
                let wait = match self.eval(at.frame, *ix)? {
                    Value::Str(it) => parse_duration(&it).map_err(wrong)?,
                    other => std::time::Duration::try_from_secs_f64(seconds(&other).ok_or_else(|| {
                        wrong(format!("`wait.for` is a duration such as 5s, or a number of seconds, not {other}"))
                    })?)
                    .map_err(|it| wrong(it.to_string()))?,
                };
                WaitFor::Until(self.now.after(wait))
            }
            Wait::Until(ix) => {
                let value = self.eval(at.frame, *ix)?;
                let instant = match &value {
                    Value::Str(it) => Timestamp::parse(it),
                    #[expect(clippy::cast_possible_truncation, reason = "an instant beyond the range is its end")]
                    other => seconds(other).map(|it| Timestamp((it * 1e6) as i64)),
                };
                let help = "an instant such as 2030-01-31T12:00:00Z, or a number of seconds since 1970";
                WaitFor::Until(instant.ok_or_else(|| wrong(format!("`wait.until` is {help}, not {value}")))?)
            }
            Wait::Signal(ix) => WaitFor::Signal(text(&self.eval(at.frame, *ix)?)),
            Wait::Webhook(_) => WaitFor::Webhook(self.wait_token(at)),
            Wait::Approval(ix) => WaitFor::Approval(self.wait_token(at), text(&self.eval(at.frame, *ix)?)),
        })
    }

    /// A token that cannot be guessed without the run's seed, which never leaves the journal.
    fn wait_token(&self, at: Place) -> String {
        self.draw(at, 0).digest(Purpose::Token).to_string()
    }

    pub(super) fn signal(&mut self, name: String, payload: Value) -> bool {
        if let Some(at) = self.waiting_at(&format!("s:{name}")) {
            self.succeed(at, payload);
        } else if self.run.state.kept.len() < KEPT_MAX {
            self.tell(Move::SignalKept(name, payload));
        } else {
            return false;
        }
        true
    }

    pub(super) fn token(&mut self, token: &str, payload: Value) -> bool {
        let Some(at) = self.waiting_at(&format!("t:{token}")) else { return false };
        let wait = self.run.step(at).and_then(|it| it.block.as_ref()).map(|it| &it.what);
        let is_question = matches!(wait, Some(Inside::Wait(WaitFor::Approval(..))));
        if is_question && payload.get("approved") == Some(&Value::Bool(false)) {
            let why = payload.get("comment").and_then(Value::as_str).unwrap_or("no reason was given").to_owned();
            self.fail(at, StepError::new(ErrorClass::Failed, format!("rejected: {why}")).with_code("rejected"));
        } else {
            self.succeed(at, payload);
        }
        true
    }

    fn waiting_at(&self, key: &str) -> Option<Place> {
        self.run.state.waiting.get(key)?.front().copied()
    }
}

fn seconds(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "seconds beyond 2^53 are out of range anyway")]
        Value::Int(it) => Some(*it as f64),
        Value::Float(it) => Some(*it),
        _ => None,
    }
}
