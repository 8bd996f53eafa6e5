//! Maps over items that are known when the step starts. Frames are entered as there is room for them.

use drawloom_blueprint::{ExprIx, ForEach, Move, OpenedAs, StepError, Value};

use super::Judge;
use crate::{block::Inside, effect::Place, run::Work};

/// Items under way at once where neither the map nor the run says: enough to keep a machine busy, few enough
/// to hold in memory.
const CONCURRENCY: u32 = 256;

impl Judge<'_> {
    pub(super) fn begin_for_each(&mut self, at: Place, it: &ForEach) {
        match self.items(at, it) {
            Ok((items, concurrency)) => {
                self.open(at, OpenedAs::ForEach { items, concurrency });
                self.advance(at);
            }
            Err(error) => self.fail(at, error),
        }
    }

    fn items(&self, at: Place, it: &ForEach) -> Result<(Value, Option<u32>), StepError> {
        let items = match self.eval(at.frame, it.items)? {
            Value::List(items) => items,
            Value::Object(object) => object
                .iter()
                .map(|(key, value)| Value::object([("key", Value::Str(key.clone())), ("value", value.clone())]))
                .collect(),
            other => {
                let message = format!("`for_each` goes over a list or an object, not over {}", other.type_name());
                return Err(StepError::invalid(message).with_code("for_each"));
            }
        };
        let concurrency = it.concurrency.map(|ix| self.count(at, ix, "concurrency")).transpose()?;
        let batch = it.batch.map(|ix| self.count(at, ix, "batch")).transpose()?;
        let items = match batch {
            Some(size) => items.chunks(size as usize).map(|it| Value::List(it.into())).collect(),
            None => Value::List(items),
        };
        Ok((items, concurrency))
    }

    /// A whole number from 1 on.
    pub(super) fn count(&self, at: Place, ix: ExprIx, name: &str) -> Result<u32, StepError> {
        match self.eval(at.frame, ix)? {
            Value::Int(it) if it >= 1 => Ok(u32::try_from(it).unwrap_or(u32::MAX)),
            other => {
                let message = format!("`{name}` is a whole number from 1 on, not {other}");
                Err(StepError::invalid(message).with_code("for_each"))
            }
        }
    }

    pub(super) fn advance_for_each(&mut self, at: Place, it: &ForEach) {
        let parallel = self.blueprint.limits.parallel_steps;
        loop {
            let Some(block) = self.run.step(at).and_then(|it| it.block.as_ref()) else { return };
            let Inside::ForEach(items) = &block.what else { return };
            let total = items.items.len() as u64;
            let gave_up = items.failed > 0 && !it.continue_on_failure;
            let limit = items.concurrency.or(parallel).unwrap_or(CONCURRENCY);
            let (open, next) = (block.open, items.next);
            if gave_up || next >= total {
                if open == 0 {
                    let error = items.errors.first().filter(|_| gave_up).map(|(_, error)| error.clone());
                    match error {
                        Some(error) => self.fail(at, error),
                        None => self.tell(Move::Closed(at.frame, at.step)),
                    }
                }
                return;
            }
            if open >= limit {
                return;
            }
            if !self.room_for_moves() {
                self.run.todo.push_back(Work::Advance(at));
                return;
            }
            self.enter(at, it.body, next);
        }
    }
}
