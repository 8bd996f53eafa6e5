//! The keys of a flow.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{
    policy::{Defaults, Limits},
    step::Step,
    trigger::Trigger,
    value::{Any, Message, Name, Object, Text},
};

/// A flow: what to do, in which order, with which inputs.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Flow {
    /// The version of the flow language.
    #[schemars(extend("const" = 1))]
    drawloom: u64,
    /// The flow's name.
    name: Name,
    /// What the flow is for.
    description: Option<Text>,
    /// Labels of its runs, by which they can be found.
    labels: Option<BTreeMap<String, Message>>,
    /// What a run is given: a JSON Schema for each input. A `default` makes it optional.
    inputs: Option<BTreeMap<String, Input>>,
    /// Constants, read as `vars.name`.
    vars: Option<Object>,
    /// Policies of every task step that does not state its own.
    defaults: Option<Defaults>,
    /// Limits of each run.
    limits: Option<Limits>,
    /// What starts runs.
    triggers: Option<Vec<Trigger>>,
    /// What a run does. Steps run in order unless `needs` says otherwise.
    steps: Vec<Step>,
    /// What a run returns.
    outputs: Option<BTreeMap<String, Any>>,
}

/// An input: a JSON Schema, or the name of its type alone.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Input {
    /// The name of a type.
    Type(InputType),
    /// A JSON Schema.
    Schema(InputSchema),
    /// Anything.
    Anything(()),
}

/// The types of JSON.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum InputType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`
    Boolean,
    /// A list.
    Array,
    /// Names and values.
    Object,
    /// Nothing.
    Null,
}

/// A JSON Schema; the keywords named here are only the most usual ones.
#[derive(JsonSchema)]
pub(super) struct InputSchema {
    /// The type, or a list of types.
    r#type: Option<Any>,
    /// What it is for.
    description: Option<String>,
    /// The value where none is given.
    default: Option<Any>,
    /// The only values that are allowed.
    r#enum: Option<Vec<Any>>,
    /// The form of a text: `date`, `date-time`, `email`, `uri`, …
    format: Option<String>,
    /// The smallest number.
    minimum: Option<f64>,
    /// The largest number.
    maximum: Option<f64>,
}
