//! Inputs of a run from the command line: `--input name=value` and `--inputs FILE`.

use std::{io::Read, path::Path};

use drawloom_blueprint::{Blueprint, InputDef, Value};

use crate::failure::Failure;

/// The inputs that were given; single ones outweigh those of the file.
pub(crate) fn read(blueprint: &Blueprint, single: &[String], file: Option<&Path>) -> Result<Value, Failure> {
    let mut members: Vec<(String, Value)> = Vec::new();
    if let Some(path) = file {
        match from_file(path)? {
            Value::Object(object) => {
                members.extend(object.iter().map(|(name, value)| (name.to_string(), value.clone())));
            }
            other => {
                let message = format!("{}: inputs are an object, not of type {}", path.display(), other.type_name());
                return Err(Failure::usage(message));
            }
        }
    }
    for pair in single {
        let (name, text) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("`--input {pair}` is not of the form name=value")))?;
        let def = blueprint.inputs.iter().find(|it| it.name == name);
        members.push((name.to_owned(), def.map_or_else(|| Value::from(text), |def| by_type(def, text))));
    }
    Ok(Value::object(members))
}

fn from_file(path: &Path) -> Result<Value, Failure> {
    let wrong = |why| Failure::usage(format!("{}: not JSON: {why}", path.display()));
    Value::from_json(&bytes_of(path)?).map_err(wrong)
}

/// What a file holds, or standard input where it is called `-`.
pub(crate) fn bytes_of(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|why| Failure::usage(format!("{}: {why}", path.display())))
}

/// Reads a text by the type that the input's schema asks for: a text stays as it is where text is allowed and
/// nothing else fits, anything else is read as JSON. What does not fit is left to the schema to refuse.
fn by_type(def: &InputDef, text: &str) -> Value {
    let types: Vec<&str> = match def.schema.get("type") {
        Some(Value::Str(it)) => vec![it],
        Some(Value::List(it)) => it.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let json = Value::from_json(text.as_bytes()).ok();
    let fits = |json: &Value| {
        types.iter().any(|wanted| {
            matches!(
                (*wanted, json),
                ("integer", Value::Int(_) | Value::UInt(_))
                    | ("number", Value::Int(_) | Value::UInt(_) | Value::Float(_))
                    | ("boolean", Value::Bool(_))
                    | ("null", Value::Null)
                    | ("array", Value::List(_))
                    | ("object", Value::Object(_))
            )
        })
    };
    match json {
        Some(json) if fits(&json) => json,
        _ if types.contains(&"string") => Value::from(text),
        // Without a declared type, JSON where it is JSON.
        Some(json) if types.is_empty() => json,
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(schema: &str, text: &str) -> String {
        let schema = Value::from_json(schema.as_bytes()).expect("JSON");
        by_type(&InputDef { name: "n".to_owned(), schema, default: None }, text).to_json()
    }

    #[test]
    fn values_are_read_by_the_inputs_type() {
        for (schema, text, value) in [
            (r#"{"type":"integer"}"#, "7", "7"),
            (r#"{"type":"integer"}"#, "seven", r#""seven""#),
            (r#"{"type":"string"}"#, "7", r#""7""#),
            (r#"{"type":["string","null"]}"#, "null", "null"),
            (r#"{"type":"boolean"}"#, "true", "true"),
            (r#"{"type":"array"}"#, "[1,2]", "[1,2]"),
            (r#"{"type":"number"}"#, "1.5", "1.5"),
            ("{}", "{\"a\":1}", r#"{"a":1}"#),
            ("{}", "plain", r#""plain""#),
        ] {
            assert_eq!(read_one(schema, text), value, "{schema} {text}");
        }
    }
}
