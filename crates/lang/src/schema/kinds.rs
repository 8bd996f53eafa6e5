//! The kinds' own schemas in that of a step: `with` depends on `uses`.

use serde_json::{Map, Value as Json, json};

use crate::Kinds;

/// Where a schema may say that a text with an expression is fine as well.
const EXPRESSION: &str = "#/$defs/Expression";

/// Makes the step in `schema` know `kinds`.
pub(super) fn insert(schema: &mut Json, kinds: &Kinds) {
    let known: Vec<Json> = kinds.names().map(Json::from).collect();
    if known.is_empty() {
        return;
    }
    let rules: Vec<Json> = kinds
        .names()
        .filter_map(|name| kinds.get(name))
        .map(|kind| {
            let with = relaxed(&kind.schema, Place::Root);
            let needs_some = kind.schema.get("required").and_then(Json::as_array).is_some_and(|it| !it.is_empty());
            let required = if needs_some { json!(["with"]) } else { json!([]) };
            json!({
                "if": { "properties": { "uses": { "const": kind.name } }, "required": ["uses"] },
                "then": { "properties": { "with": with }, "required": required }
            })
        })
        .collect();
    let Some(step) = schema.pointer_mut("/$defs/Step").and_then(Json::as_object_mut) else { return };
    step.insert("allOf".to_owned(), rules.into());
    if let Some(uses) = step.get_mut("properties").and_then(|it| it.get_mut("uses")).and_then(Json::as_object_mut) {
        uses.insert("enum".to_owned(), known.into());
    }
}

/// Where in a kind's schema a part stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The parameters as a whole, which are always an object.
    Root,
    /// A value, in whose place an expression may stand.
    Value,
}

/// A kind's schema says what its parameters are once they are resolved; in a flow an expression may stand for any.
fn relaxed(schema: &Json, place: Place) -> Json {
    let Some(members) = schema.as_object() else { return schema.clone() };
    let mut out = Map::new();
    for (keyword, value) in members {
        let value = match keyword.as_str() {
            "properties" | "patternProperties" | "$defs" => value.as_object().map_or_else(
                || value.clone(),
                |it| Json::Object(it.iter().map(|(name, it)| (name.clone(), relaxed(it, Place::Value))).collect()),
            ),
            "items" | "additionalProperties" | "contains" => relaxed(value, Place::Value),
            "anyOf" | "oneOf" | "allOf" => value
                .as_array()
                .map_or_else(|| value.clone(), |it| it.iter().map(|it| relaxed(it, Place::Root)).collect()),
            _ => value.clone(),
        };
        out.insert(keyword.clone(), value);
    }
    if place == Place::Root || takes_any_text(members) {
        return Json::Object(out);
    }
    // What people read stays outside, where an editor looks for it.
    let mut outer = Map::new();
    for keyword in ["title", "description", "default", "examples"] {
        outer.extend(out.shift_remove_entry(keyword));
    }
    outer.insert("anyOf".to_owned(), json!([out, { "$ref": EXPRESSION }]));
    Json::Object(outer)
}

/// Whether a text with an expression in it fits already.
fn takes_any_text(schema: &Map<String, Json>) -> bool {
    let text = match schema.get("type") {
        None => !schema.keys().any(|it| matches!(it.as_str(), "anyOf" | "oneOf" | "allOf" | "$ref" | "not")),
        Some(Json::String(it)) => it == "string",
        Some(Json::Array(it)) => it.iter().any(|it| it == "string"),
        Some(_) => false,
    };
    let bounds = ["enum", "const", "pattern", "format", "maxLength", "minLength"];
    text && !bounds.iter().any(|it| schema.contains_key(*it))
}
