//! Values for jq, and jq's values for steps.
//!
//! **Invariant:** what comes out is bounded: jq shares parts of a value, so that a small one may be endless to write.

use std::sync::Arc;

use drawloom_blueprint::{DEPTH_MAX, ErrorClass, StepError, Value};
use jaq_json::{Num, Val};
use jaq_std::ValT;

/// How large the outputs of a program may be together: bytes of text, and 16 for each value.
const ROOM: usize = 64 << 20;

/// A value for jq.
pub(super) fn to_jq(value: &Value) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(it) => Val::Bool(*it),
        Value::Int(it) => Val::Num(Num::from_integral(*it)),
        Value::UInt(it) => Val::Num(Num::from_integral(*it)),
        Value::Float(it) => Val::Num(Num::Float(*it)),
        Value::Str(it) => text(it),
        Value::List(it) => it.iter().map(to_jq).collect(),
        Value::Object(it) => Val::obj(it.iter().map(|(name, value)| (text(name), to_jq(value))).collect()),
    }
}

fn text(text: &str) -> Val {
    Val::utf8_str(text.as_bytes().to_vec())
}

/// The room that is left for outputs.
pub(super) struct Room(usize);

impl Room {
    pub(super) fn new() -> Self {
        Self(ROOM)
    }

    /// The value of an output.
    pub(super) fn take(&mut self, value: &Val) -> Result<Value, StepError> {
        self.at(value, 0)
    }

    fn at(&mut self, value: &Val, depth: usize) -> Result<Value, StepError> {
        self.need(16)?;
        if depth > DEPTH_MAX {
            return Err(failed(format!("the result of jq is nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(match value {
            Val::Null => Value::Null,
            Val::Bool(it) => Value::Bool(*it),
            Val::Num(it) => number(value, it),
            Val::BStr(it) | Val::TStr(it) => Value::Str(self.text(it)?),
            Val::Arr(it) => {
                let items: Result<Vec<Value>, _> = it.iter().map(|item| self.at(item, depth + 1)).collect();
                items?.into()
            }
            Val::Obj(it) => {
                let mut members = Vec::with_capacity(it.len());
                for (name, value) in it.iter() {
                    let (Val::TStr(name) | Val::BStr(name)) = name else {
                        return Err(failed(format!("the name of a member must be text, not {name}")));
                    };
                    members.push((self.text(name)?, self.at(value, depth + 1)?));
                }
                Value::object(members)
            }
        })
    }

    fn text(&mut self, bytes: &[u8]) -> Result<Arc<str>, StepError> {
        self.need(bytes.len())?;
        Ok(String::from_utf8_lossy(bytes).into())
    }

    fn need(&mut self, bytes: usize) -> Result<(), StepError> {
        self.0 = self
            .0
            .checked_sub(bytes)
            .ok_or_else(|| failed(format!("the result of jq is larger than {} MiB", ROOM >> 20)))?;
        Ok(())
    }
}

fn number(value: &Val, number: &Num) -> Value {
    if let Some(it) = number.as_isize() {
        return Value::Int(it as i64);
    }
    let float = || value.as_f64().map_or(Value::Null, Value::from);
    match number {
        Num::BigInt(it) => u64::try_from(&**it).map_or_else(|_| float(), Value::from),
        _ => float(),
    }
}

fn failed(message: String) -> StepError {
    StepError::new(ErrorClass::Failed, message).with_code("too_large")
}
