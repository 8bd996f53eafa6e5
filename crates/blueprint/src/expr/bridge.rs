//! Values into the template engine and back, without copying lists and objects on the way in.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use minijinja::{
    Environment, Error, ErrorKind,
    value::{Enumerator, Object, ObjectRepr, Value as JinjaValue, ValueKind},
};

use super::{ExprError, OUTPUT_MAX, Seg};
use crate::{DEPTH_MAX, Value};

/// A list or object of ours, seen by the template engine. Where there is somebody to ask in the end, what it lacks is
/// [`Missing`]; otherwise it is undefined, of which nothing more can be taken.
#[derive(Debug)]
struct Shared(Value, Option<Questioned>);

impl Object for Shared {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        if matches!(self.0, Value::List(_)) { ObjectRepr::Seq } else { ObjectRepr::Map }
    }

    fn get_value(self: &Arc<Self>, key: &JinjaValue) -> Option<JinjaValue> {
        let (found, seg) = match &self.0 {
            Value::List(it) => (it.get(key.as_usize()?), Seg::Index(key.as_i64()?)),
            Value::Object(it) => (it.get(key.as_str()?), Seg::Name(key.as_str()?.to_owned())),
            _ => return None,
        };
        match found {
            Some(it) => Some(within(it, self.1.as_ref())),
            None => self.1.as_ref().map(|it| it.member(&super::missing(&seg, &self.0).into())),
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
pub(super) struct Questioned(Arc<Mutex<Questions>>);

#[derive(Debug, Default)]
struct Questions {
    noted: Option<String>,
    /// The members that are missing and have neither been replaced by a default nor asked for members of their own.
    open: BTreeMap<usize, Arc<str>>,
    count: usize,
}

/// How many missing members one evaluation may come by.
const MISSING_MAX: usize = 1_000;

impl Questioned {
    fn questions(&self) -> MutexGuard<'_, Questions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, why: &str) {
        self.questions().noted.get_or_insert_with(|| why.to_owned());
    }

    /// A member that is missing; using it otherwise than with `default` or `is defined` is noted.
    fn member(&self, why: &Arc<str>) -> JinjaValue {
        let mut questions = self.questions();
        questions.count += 1;
        let number = questions.count;
        questions.open.insert(number, Arc::clone(why));
        if number > MISSING_MAX {
            questions.noted.get_or_insert_with(|| why.to_string());
        }
        let it = Missing { why: Arc::clone(why), number: Some(number), questioned: self.clone() };
        JinjaValue::from_object(it)
    }

    pub(super) fn answer(&self) -> Option<String> {
        let questions = self.questions();
        questions.noted.clone().or_else(|| questions.open.values().next().map(ToString::to_string))
    }
}

/// What a name stands for that has no value: whatever is taken of it is missing too, `default` and
/// `is defined` see it as undefined, and every other use is an error.
#[derive(Debug)]
struct Missing {
    why: Arc<str>,
    /// Its number, where it is a member of something that is there.
    number: Option<usize>,
    questioned: Questioned,
}

impl Missing {
    /// Says that it was used in a way that allows for its being missing.
    fn settle(&self) {
        if let Some(number) = self.number {
            self.questioned.questions().open.remove(&number);
        }
    }
}

impl Object for Missing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, _: &JinjaValue) -> Option<JinjaValue> {
        if self.number.is_none() {
            return Some(JinjaValue::from_dyn_object(Arc::clone(self)));
        }
        self.settle();
        Some(self.questioned.member(&self.why))
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
    JinjaValue::from_object(Missing { why: Arc::clone(why), number: None, questioned: questioned.clone() })
}

fn is_undefined(value: &JinjaValue) -> bool {
    let missing = value.downcast_object_ref::<Missing>();
    missing.into_iter().for_each(Missing::settle);
    value.is_undefined() || missing.is_some()
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

fn default(value: &JinjaValue, other: Option<JinjaValue>, lax: Option<JinjaValue>) -> JinjaValue {
    let lax = lax.is_some_and(|it| it.is_true());
    if is_undefined(value) || (lax && !value.is_true()) {
        other.unwrap_or_else(|| JinjaValue::from(""))
    } else {
        value.clone()
    }
}

/// A value of ours for the template engine, which refuses on the spot to take anything of what is not there.
pub(super) fn to_jinja(value: &Value) -> JinjaValue {
    within(value, None)
}

/// The same; where there are `questions`, what is not there is asked about in the end.
pub(super) fn within(value: &Value, questions: Option<&Questioned>) -> JinjaValue {
    match value {
        Value::Null => JinjaValue::from(()),
        Value::Bool(it) => (*it).into(),
        Value::Int(it) => (*it).into(),
        Value::UInt(it) => (*it).into(),
        Value::Float(it) => (*it).into(),
        Value::Str(it) => JinjaValue::from(Arc::clone(it)),
        Value::List(_) | Value::Object(_) => JinjaValue::from_object(Shared(value.clone(), questions.cloned())),
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
