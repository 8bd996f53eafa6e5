//! Parameters of a task, read into the types of its kind.
//!
//! **Invariant:** parameters that a kind does not know are refused, and every refusal is of class `invalid`.

use drawloom_blueprint::{StepError, Value};
use serde::de::DeserializeOwned;

/// Reads `with`. The members named in `apart` are read as null: they may be large, and the caller takes them from
/// `with` without a copy.
pub(crate) fn read<T: DeserializeOwned>(with: &Value, apart: &[&str]) -> Result<T, StepError> {
    let members = match with {
        Value::Object(it) => it.iter(),
        Value::Null => [].iter(),
        other => return Err(invalid(format!("`with` must be an object, not a {}", other.type_name()))),
    };
    let members = members
        .map(|(name, value)| match apart.contains(&&**name) {
            true => (name.to_string(), serde_json::Value::Null),
            false => (name.to_string(), serde_json::Value::from(value)),
        })
        .collect();
    serde_json::from_value(serde_json::Value::Object(members)).map_err(|it| invalid(format!("in `with`: {it}")))
}

/// The member `name`, null where there is none.
pub(crate) fn member(with: &Value, name: &str) -> Value {
    with.get(name).cloned().unwrap_or_default()
}

/// A value as people write it: text as it is, anything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_json(), str::to_owned)
}

/// An error in the parameters.
pub(crate) fn invalid(message: impl Into<String>) -> StepError {
    StepError::invalid(message).with_code("bad_with")
}
