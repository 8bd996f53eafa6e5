//! The statuses that are no error.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// Ranges of statuses, both ends included.
pub(super) struct Expect(Vec<(u16, u16)>);

impl Default for Expect {
    fn default() -> Self {
        Self(vec![(200, 399)])
    }
}

impl Expect {
    pub(super) fn holds(&self, status: u16) -> bool {
        self.0.iter().any(|(from, to)| (*from..=*to).contains(&status))
    }
}

pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "integer", "array"],
        "items": {"type": ["string", "integer"]},
        "default": "200-399"
    })
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ranges = match Value::deserialize(deserializer)? {
            Value::Null => return Ok(Self::default()),
            Value::Array(all) => all.iter().map(range).collect(),
            Value::String(all) => all.split(',').map(|it| range(&it.into())).collect(),
            one => range(&one).map(|it| vec![it]),
        };
        ranges
            .map(Self)
            .ok_or_else(|| D::Error::custom("`expect` is a status, a range such as 200-299 or 2xx, or a list"))
    }
}

fn range(value: &Value) -> Option<(u16, u16)> {
    let status = |it: &str| it.trim().parse().ok().filter(|it| (100..=999).contains(it));
    if let Some(it) = value.as_u64() {
        return status(&it.to_string()).map(|it| (it, it));
    }
    let text = value.as_str()?.trim();
    if let Some(hundreds) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
        let first = status(&format!("{hundreds}00"))?;
        return Some((first, first + 99));
    }
    match text.split_once('-') {
        Some((from, to)) => Some((status(from)?, status(to)?)),
        None => status(text).map(|it| (it, it)),
    }
}
