//! Values into the template engine and back, without copying lists and objects on the way in.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use minijinja::{
    Environment, Error, ErrorKind,
    value::{Enumerator, Object, ObjectRepr, Rest, Value as JinjaValue, ValueKind},
};

use super::{ExprError, OUTPUT_MAX};
use crate::{DEPTH_MAX, Value};

/// A list or object of ours, seen by the template engine.
#[derive(Debug)]
struct Shared(Value);

impl Object for Shared {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        if matches!(self.0, Value::List(_)) { ObjectRepr::Seq } else { ObjectRepr::Map }
    }

    fn get_value(self: &Arc<Self>, key: &JinjaValue) -> Option<JinjaValue> {
        match &self.0 {
            Value::List(it) => it.get(key.as_usize()?).map(to_jinja),
            Value::Object(it) => it.get(key.as_str()?).map(to_jinja),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &self.0 {
            Value::List(it) => Enumerator::Seq(it.len()),
            Value::Object(it) => Enumerator::Values(it.iter().map(|(name, _)| JinjaValue::from(&**name)).collect()),
            _ => Enumerator::Empty,
        }
    }
}

/// Whether and why something undefined was used, where the engine gives no way to refuse on the spot.
#[derive(Clone, Debug, Default)]
pub(super) struct Questioned(Arc<Mutex<Option<String>>>);

impl Questioned {
    fn note(&self, why: &str) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert_with(|| why.to_owned());
    }

    pub(super) fn answer(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a name stands for that has no value: whatever is taken of it is missing too, `default` and
/// `is defined` see it as undefined, and every other use is an error.
#[derive(Debug)]
struct Missing {
    why: Arc<str>,
    questioned: Questioned,
}

impl Object for Missing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, _: &JinjaValue) -> Option<JinjaValue> {
        Some(JinjaValue::from_dyn_object(Arc::clone(self)))
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.questioned.note(&self.why);
        false
    }

    fn render(self: &Arc<Self>, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.questioned.note(&self.why);
        Ok(())
    }
}

pub(super) fn missing(why: &Arc<str>, questioned: &Questioned) -> JinjaValue {
    JinjaValue::from_object(Missing { why: Arc::clone(why), questioned: questioned.clone() })
}

fn is_undefined(value: &JinjaValue) -> bool {
    value.is_undefined() || value.downcast_object_ref::<Missing>().is_some()
}

/// Makes `default` and `is defined` see what is missing, and adds what Jinja has no filter for.
pub(super) fn install(env: &mut Environment<'static>) {
    env.add_filter("default", default);
    env.add_filter("d", default);
    env.add_test("defined", |it: &JinjaValue| !is_undefined(it));
    env.add_test("undefined", is_undefined);
    env.add_filter("fromjson", |text: &str| {
        let value = Value::from_json(text.as_bytes());
        value.map(|it| to_jinja(&it)).map_err(|it| Error::new(ErrorKind::InvalidOperation, format!("not JSON: {it}")))
    });
    env.add_filter("keys", |it: &JinjaValue| {
        pairs(it).map(|it| it.into_iter().map(|(key, _)| key).collect::<Vec<_>>())
    });
    env.add_filter("values", |it: &JinjaValue| {
        pairs(it).map(|it| it.into_iter().map(|(_, it)| it).collect::<Vec<_>>())
    });
    env.add_filter("tojson", |it: &JinjaValue| {
        from_jinja(it).map(|it| it.to_json()).map_err(|it| Error::new(ErrorKind::InvalidOperation, it.message))
    });
}

fn pairs(it: &JinjaValue) -> Result<Vec<(JinjaValue, JinjaValue)>, Error> {
    if it.kind() != ValueKind::Map {
        let message = format!("`keys` and `values` take an object, not a value of type {}", it.kind());
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    it.try_iter()?.map(|key| it.get_item(&key).map(|value| (key, value))).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "the engine hands arguments over by value")]
fn default(value: &JinjaValue, args: Rest<JinjaValue>) -> JinjaValue {
    let lax = args.get(1).is_some_and(JinjaValue::is_true);
    if is_undefined(value) || (lax && !value.is_true()) {
        args.first().cloned().unwrap_or_else(|| JinjaValue::from(""))
    } else {
        value.clone()
    }
}

pub(super) fn to_jinja(value: &Value) -> JinjaValue {
    match value {
        Value::Null => JinjaValue::from(()),
        Value::Bool(it) => (*it).into(),
        Value::Int(it) => (*it).into(),
        Value::UInt(it) => (*it).into(),
        Value::Float(it) => (*it).into(),
        Value::Str(it) => JinjaValue::from(Arc::clone(it)),
        Value::List(_) | Value::Object(_) => JinjaValue::from_object(Shared(value.clone())),
    }
}

/// The result of an evaluation as a value of ours.
pub(super) fn from_jinja(value: &JinjaValue) -> Result<Value, ExprError> {
    let mut room = OUTPUT_MAX;
    convert(value, DEPTH_MAX, &mut room)
}

fn convert(value: &JinjaValue, depth: usize, room: &mut usize) -> Result<Value, ExprError> {
    if let Some(it) = value.downcast_object_ref::<Shared>() {
        return Ok(it.0.clone());
    }
    if let Some(it) = value.downcast_object_ref::<Missing>() {
        return Err(ExprError::new(it.why.to_string()));
    }
    let depth = depth.checked_sub(1).ok_or_else(|| ExprError::new(format!("nested deeper than {DEPTH_MAX} levels")))?;
    let size = value.as_str().map_or(0, str::len) + size_of::<Value>();
    *room = room
        .checked_sub(size)
        .ok_or_else(|| ExprError::new(format!("the result is larger than {OUTPUT_MAX} bytes")))?;
    Ok(match value.kind() {
        ValueKind::Undefined => return Err(ExprError::new("the value is undefined")),
        ValueKind::None => Value::Null,
        ValueKind::Bool => value.is_true().into(),
        ValueKind::Number => number(value)?,
        ValueKind::String => value.as_str().unwrap_or_default().into(),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|it| ExprError::new(it.to_string()))?;
            items.map(|item| convert(&item, depth, room)).collect::<Result<Value, _>>()?
        }
        ValueKind::Map => {
            let keys = value.try_iter().map_err(|it| ExprError::new(it.to_string()))?;
            let members = keys.map(|key| {
                let member = value.get_item(&key).map_err(|it| ExprError::new(it.to_string()))?;
                Ok((key.to_string(), convert(&member, depth, room)?))
            });
            Value::object(members.collect::<Result<Vec<_>, ExprError>>()?)
        }
        other => return Err(ExprError::new(format!("the result is a {other}, which is no JSON"))),
    })
}

fn number(value: &JinjaValue) -> Result<Value, ExprError> {
    if value.is_integer() {
        if let Ok(it) = i64::try_from(value.clone()) {
            return Ok(it.into());
        }
        return u64::try_from(value.clone())
            .map(Value::from)
            .map_err(|_| ExprError::new("the number does not fit 64 bits"));
    }
    let it = f64::try_from(value.clone()).map_err(|it| ExprError::new(it.to_string()))?;
    if it.is_finite() { Ok(Value::Float(it)) } else { Err(ExprError::new("the number is not finite")) }
}
