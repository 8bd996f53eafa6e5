//! Typed values, `{type: String, value: GET}`, as plain ones.

use serde_json::Value as Json;

/// The types that a value may be tagged with.
const TYPES: &[&str] = &[
    "Null",
    "Bool",
    "Boolean",
    "Number",
    "Integer",
    "Int",
    "Float",
    "String",
    "Json",
    "Array",
    "List",
    "Object",
    "Map",
    "Bytes",
    "Expression",
];

/// `value` without its tags, at any depth. What is inside a `Json` is plain already.
pub(super) fn plain(value: &Json) -> Json {
    match value {
        Json::Object(members) => {
            let tag = members.get("type").and_then(Json::as_str).filter(|it| is_type(it));
            let tagged = members.keys().all(|key| key == "type" || key == "value");
            match (tag, members.get("value")) {
                (Some("Null"), _) if tagged => Json::Null,
                (Some("Json"), Some(inner)) if tagged => inner.clone(),
                (Some(_), Some(inner)) if tagged => whole(plain(inner)),
                _ => {
                    members.iter().map(|(name, it)| (name.clone(), plain(it))).collect::<serde_json::Map<_, _>>().into()
                }
            }
        }
        Json::Array(items) => items.iter().map(plain).collect(),
        other => whole(other.clone()),
    }
}

fn is_type(name: &str) -> bool {
    TYPES.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// Numbers are all fractions in that format: `30.0` means 30.
fn whole(value: Json) -> Json {
    match value.as_f64() {
        Some(it) if !value.is_i64() && !value.is_u64() && it.fract() == 0.0 && it.abs() < 9.0e15 => (it as i64).into(),
        _ => value,
    }
}
