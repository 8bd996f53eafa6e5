//! What is checked and evaluated before a run exists: inputs, labels, the key of its slot.

use std::collections::BTreeMap;

use drawloom_blueprint::{
    Blueprint, ExprIx, Started, Timestamp, Value,
    expr::{ExprError, Found, Names, push_text},
};
use serde::Serialize;

/// What is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("input `{name}`: {message}")]
pub struct InputProblem {
    /// The input's name.
    pub name: String,
    /// What is wrong, for people.
    pub message: String,
}

/// Checks the given inputs against their schemas and fills in defaults, in the order of the flow.
///
/// # Errors
/// Everything that is wrong: unknown names, missing values, values that do not fit their schema.
pub fn check_inputs(blueprint: &Blueprint, given: &Value) -> Result<Value, Vec<InputProblem>> {
    let mut problems = Vec::new();
    let empty = Value::object::<&str>([]);
    let given = if *given == Value::Null { &empty } else { given };
    let Some(object) = given.as_object() else {
        let message = format!("inputs are an object of names and values, not of type {}", given.type_name());
        return Err(vec![InputProblem { name: String::new(), message }]);
    };
    for (name, _) in object.iter() {
        if !blueprint.inputs.iter().any(|it| *it.name == **name) {
            let known: Vec<&str> = blueprint.inputs.iter().map(|it| it.name.as_str()).collect();
            let known = if known.is_empty() { "the flow has none".to_owned() } else { known.join(", ") };
            problems
                .push(InputProblem { name: name.to_string(), message: format!("there is no such input ({known})") });
        }
    }
    let mut checked = Vec::with_capacity(blueprint.inputs.len());
    for def in &blueprint.inputs {
        let Some(value) = object.get(&def.name).or(def.default.as_ref()) else {
            problems.push(InputProblem {
                name: def.name.clone(),
                message: "it must be given: it has no default".to_owned(),
            });
            continue;
        };
        problems.extend(
            misfits(&def.schema, value).into_iter().map(|message| InputProblem { name: def.name.clone(), message }),
        );
        checked.push((def.name.as_str(), value.clone()));
    }
    if problems.is_empty() { Ok(Value::object(checked)) } else { Err(problems) }
}

fn misfits(schema: &Value, value: &Value) -> Vec<String> {
    let validator = match jsonschema::options().should_validate_formats(true).build(&schema.into()) {
        Ok(it) => it,
        Err(error) => return vec![format!("its schema is not valid: {error}")],
    };
    let value = serde_json::Value::from(value);
    validator.iter_errors(&value).take(8).map(|error| error.to_string()).collect()
}

/// The object `run` in expressions.
pub(crate) fn run_object(started: &Started, at: Timestamp) -> Value {
    let number = started.number.map_or(Value::Null, |it| Value::from(u64::from(it)));
    Value::object([
        ("id", Value::from(started.run.to_string())),
        ("flow", Value::from(started.flow.as_str())),
        ("version", if number == Value::Null { Value::from(started.version.short()) } else { number }),
        ("hash", Value::from(started.version.to_string())),
        ("started_at", Value::from(at.to_string())),
        ("trigger", started.trigger.clone()),
        ("depth", Value::from(u64::from(started.depth))),
    ])
}

/// The names that exist before a run does.
struct Before<'a> {
    blueprint: &'a Blueprint,
    started: &'a Started,
    at: Timestamp,
}

impl Names for Before<'_> {
    fn find(&self, name: &str) -> Found {
        match name {
            "inputs" => Found::Value(self.started.inputs.clone()),
            "run" => Found::Value(run_object(self.started, self.at)),
            "vars" => Found::Value(self.blueprint.vars.clone()),
            _ => Found::Missing(format!("`{name}` is undefined before the run starts").into()),
        }
    }

    fn now(&self) -> Timestamp {
        self.at
    }
}

/// Evaluates the labels and the concurrency key of a run into `started`.
///
/// # Errors
/// Where an expression has no value.
pub fn prepare(blueprint: &Blueprint, started: &mut Started, at: Timestamp) -> Result<(), ExprError> {
    let text = |ix: ExprIx, started: &Started| -> Result<String, ExprError> {
        let mut text = String::new();
        push_text(&mut text, &blueprint.eval(ix, &Before { blueprint, started, at })?);
        Ok(text)
    };
    let mut labels = BTreeMap::new();
    for (name, ix) in &blueprint.labels {
        labels.insert(name.clone(), text(*ix, started)?);
    }
    let key = blueprint.limits.concurrency.as_ref().and_then(|it| it.key);
    let key = key.map(|ix| text(ix, started)).transpose()?;
    started.labels.extend(labels);
    started.concurrency_key = key;
    Ok(())
}
