//! Values from and to JSON text, through serde.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap, SerializeSeq},
};

use super::{Object, Value};

impl Value {
    /// Reads JSON text. Nesting is limited by `serde_json` to 128 levels.
    ///
    /// # Errors
    /// Where the text is not JSON; the error names line and column.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// The value as compact JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("invariant: a value has only JSON in it")
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl From<serde_json::Value> for Value {
    fn from(it: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match it {
            Json::Null => Self::Null,
            Json::Bool(it) => Self::Bool(it),
            Json::Number(it) => number(&it),
            Json::String(it) => it.into(),
            Json::Array(it) => it.into_iter().map(Self::from).collect(),
            Json::Object(it) => Self::object(it.into_iter().map(|(name, value)| (name, Self::from(value)))),
        }
    }
}

impl From<&Value> for serde_json::Value {
    fn from(it: &Value) -> Self {
        match it {
            Value::Null => Self::Null,
            Value::Bool(it) => Self::Bool(*it),
            Value::Int(it) => (*it).into(),
            Value::UInt(it) => (*it).into(),
            Value::Float(it) => (*it).into(),
            Value::Str(it) => Self::String(it.to_string()),
            Value::List(it) => Self::Array(it.iter().map(Self::from).collect()),
            Value::Object(it) => {
                Self::Object(it.iter().map(|(name, value)| (name.to_string(), Self::from(value))).collect())
            }
        }
    }
}

fn number(it: &serde_json::Number) -> Value {
    if let Some(it) = it.as_i64() {
        Value::Int(it)
    } else if let Some(it) = it.as_u64() {
        Value::UInt(it)
    } else {
        it.as_f64().map_or(Value::Null, Value::from)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(it) => serializer.serialize_bool(*it),
            Self::Int(it) => serializer.serialize_i64(*it),
            Self::UInt(it) => serializer.serialize_u64(*it),
            Self::Float(it) => serializer.serialize_f64(*it),
            Self::Str(it) => serializer.serialize_str(it),
            Self::List(it) => {
                let mut seq = serializer.serialize_seq(Some(it.len()))?;
                for item in it.iter() {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Object(it) => {
                let mut map = serializer.serialize_map(Some(it.len()))?;
                for (name, value) in it.iter() {
                    map.serialize_entry(&**name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(Value::Bool(it))
    }
    fn visit_i64<E>(self, it: i64) -> Result<Value, E> {
        Ok(Value::Int(it))
    }
    fn visit_u64<E>(self, it: u64) -> Result<Value, E> {
        Ok(it.into())
    }
    fn visit_f64<E>(self, it: f64) -> Result<Value, E> {
        Ok(it.into())
    }
    fn visit_str<E>(self, it: &str) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(Arc<str>, Value)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            entries.push((name.into(), value));
        }
        Ok(Value::Object(Object::new(entries)))
    }
}
