//! The parameters of `transform`, and the one transformation that they name.
//!
//! **Invariant:** exactly one transformation is named, and its input is taken without a copy where it may be large.

use drawloom_blueprint::{StepError, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{csv, text::Algorithm};
use crate::with::{self, invalid};

/// What `transform` takes: one of its transformations, and what that is done to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what may be large is only checked here, and taken from the task itself")]
pub(super) struct With {
    /// A jq program, done to `input`. Its output; a list of its outputs unless there is exactly one.
    #[serde(default)]
    #[schemars(with = "String")]
    jq: Option<String>,
    /// A text that is read as JSON.
    #[serde(default)]
    json_parse: serde_json::Value,
    /// A value that is written as JSON.
    #[serde(default)]
    json_stringify: serde_json::Value,
    /// `{encode: VALUE}` or `{decode: TEXT}`; or `encode` or `decode`, done to `input`.
    #[serde(default)]
    #[schemars(schema_with = "base64_schema")]
    base64: serde_json::Value,
    /// `{sha256: VALUE}`, `{sha384: VALUE}` or `{sha512: VALUE}`; or a name alone, done to `input`.
    #[serde(default)]
    #[schemars(schema_with = "hash_schema")]
    hash: serde_json::Value,
    /// `{parse: TEXT}` or `{format: ROWS}`; or `parse` or `format`, done to `input`. Beside them may stand
    /// `delimiter` (a comma by default) and `header` (whether the first line has the names of columns, true by
    /// default; or the names).
    #[serde(default)]
    #[schemars(schema_with = "csv_schema")]
    csv: serde_json::Value,
    /// A Jinja template, taken as it is written and rendered with the names in `data`.
    #[serde(default)]
    #[schemars(with = "String", extend("x-raw" = true))]
    template: Option<String>,
    /// What `jq`, `base64`, `hash` or `csv` is done to.
    #[serde(default)]
    input: serde_json::Value,
    /// The names that `template` may use.
    #[serde(default)]
    data: serde_json::Value,
    /// For `json_stringify`: whether to indent.
    #[serde(default)]
    pretty: bool,
}

fn base64_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "object"], "properties": {"encode": true, "decode": {"type": "string"}},
        "additionalProperties": false, "minProperties": 1, "maxProperties": 1})
}

fn hash_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "object"], "properties": {"sha256": true, "sha384": true, "sha512": true},
        "additionalProperties": false, "minProperties": 1, "maxProperties": 1})
}

fn csv_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "object"], "properties": {
        "parse": {"type": "string"}, "format": {"type": "array"}, "delimiter": {"type": "string"},
        "header": {"type": ["boolean", "array"], "items": {"type": "string"}}},
        "additionalProperties": false})
}

/// A transformation with what it is done to.
pub(super) enum Operation {
    Jq { program: String, input: Value },
    JsonParse(Value),
    JsonStringify { value: Value, pretty: bool },
    Base64Encode(Value),
    Base64Decode(Value),
    Hash { algorithm: Algorithm, input: Value },
    CsvParse { text: Value, options: csv::Options },
    CsvFormat { rows: Value, options: csv::Options },
    Template { template: String, data: Value },
}

const NAMES: [&str; 7] = ["jq", "json_parse", "json_stringify", "base64", "hash", "csv", "template"];

/// Reads the parameters.
pub(super) fn read(with: &Value) -> Result<Operation, StepError> {
    const APART: [&str; 7] = ["json_parse", "json_stringify", "base64", "hash", "csv", "input", "data"];
    let it: With = with::read(with, &APART)?;
    let named: Vec<&str> = NAMES.into_iter().filter(|name| with.get(name).is_some()).collect();
    let [name] = named[..] else {
        let given = if named.is_empty() { "none".to_owned() } else { named.join(" and ") };
        return Err(invalid(format!("give exactly one of {}; {given} is given", NAMES.join(", "))));
    };
    for (member, of) in
        [("data", &["template"][..]), ("pretty", &["json_stringify"]), ("input", &["jq", "base64", "hash", "csv"])]
    {
        if with.get(member).is_some() && !of.contains(&name) {
            return Err(invalid(format!("`{member}` does not go with `{name}`")));
        }
    }
    let value = with::member(with, name);
    let input = || with::member(with, "input");
    Ok(match name {
        "jq" => Operation::Jq { program: it.jq.unwrap_or_default(), input: input() },
        "template" => {
            Operation::Template { template: it.template.unwrap_or_default(), data: with::member(with, "data") }
        }
        "json_parse" => Operation::JsonParse(value),
        "json_stringify" => Operation::JsonStringify { value, pretty: it.pretty },
        "base64" => match mode(name, &value, with, &[])? {
            ("encode", input) => Operation::Base64Encode(input),
            ("decode", input) => Operation::Base64Decode(input),
            (other, _) => return Err(unknown(name, other, "encode or decode")),
        },
        "hash" => {
            let (mode, input) = mode(name, &value, with, &[])?;
            let algorithm = Algorithm::named(mode).ok_or_else(|| unknown(name, mode, "sha256, sha384 or sha512"))?;
            Operation::Hash { algorithm, input }
        }
        _ => {
            let options = csv::Options::read(&value)?;
            match mode(name, &value, with, &["delimiter", "header"])? {
                ("parse", text) => Operation::CsvParse { text, options },
                ("format", rows) => Operation::CsvFormat { rows, options },
                (other, _) => return Err(unknown(name, other, "parse or format")),
            }
        }
    })
}

/// The mode of a transformation and what it is done to: `mode` beside `input`, or `{mode: input}`.
fn mode<'a>(name: &str, value: &'a Value, with: &Value, options: &[&str]) -> Result<(&'a str, Value), StepError> {
    match value {
        Value::Str(mode) => {
            let input = with.get("input").cloned();
            Ok((mode, input.ok_or_else(|| invalid(format!("`{name}: {mode}` is done to `input`, which is missing")))?))
        }
        Value::Object(members) if with.get("input").is_none() => {
            let mut modes = members.iter().filter(|(name, _)| !options.contains(&&**name));
            match (modes.next(), modes.next()) {
                (Some((mode, input)), None) => Ok((mode, input.clone())),
                _ => Err(invalid(format!("`{name}` has exactly one mode"))),
            }
        }
        Value::Object(_) => {
            Err(invalid(format!("`{name}` names what it is done to; `input` beside it would be a second one")))
        }
        other => Err(invalid(format!("`{name}` is a mode or an object, not a {}", other.type_name()))),
    }
}

fn unknown(name: &str, mode: &str, known: &str) -> StepError {
    invalid(format!("`{name}` knows {known}, not `{mode}`"))
}
