//! The kind `transform`: one value becomes another.
//!
//! **Invariant:** what is done inline takes time and memory in proportion to its input. Anything else is done in a
//! process of its own, which a deadline or a cancellation kills.

mod csv;
mod jq;
mod operation;
mod template;
mod text;

use std::sync::Arc;

use async_trait::async_trait;
use drawloom_blueprint::{StepError, Value};
use drawloom_queue::{KindInfo, Placement};

use self::operation::{Operation, With};
use crate::{
    child::{self, Children, Request},
    describe,
    perform::{Attempt, Work, panicked},
    with,
};

/// How much memory a jq program or a template may use.
const MEMORY: u64 = 1 << 30;

/// What `transform` returns: whatever the transformation makes.
#[derive(schemars::JsonSchema)]
#[schemars(transparent)]
#[expect(dead_code, reason = "its schema is what it is for")]
struct Returns(serde_json::Value);

/// The description of `transform`.
pub(crate) fn info() -> KindInfo {
    describe::describe::<With, Returns>(&describe::About {
        name: "transform",
        version: 1,
        summary: "Makes one value of another: jq, JSON, base64, hashes, CSV, templates.",
        placement: Placement::Inline,
        docs: include_str!("transform/transform.md"),
    })
}

/// Where a `transform` with these parameters, as they stand in the flow, is done.
pub(crate) fn placement(with: &serde_json::Value) -> Placement {
    let Some(with) = with.as_object() else { return Placement::Local };
    let jq_is_cheap = match with.get("jq") {
        None => true,
        Some(serde_json::Value::String(it)) => !it.contains("{{") && jq::is_bounded(it),
        // A program of another type is an error, which is quickly found.
        Some(_) => true,
    };
    if jq_is_cheap && !with.contains_key("template") { Placement::Inline } else { Placement::Local }
}

/// Does a transformation on the spot.
pub(crate) fn inline(with: &Value) -> Result<Value, StepError> {
    match operation::read(with)? {
        Operation::Jq { program, input } => jq::inline(&program, &input).unwrap_or_else(|| Err(needs_executor("jq"))),
        Operation::Template { .. } => Err(needs_executor("template")),
        other => in_process(other),
    }
}

fn needs_executor(what: &str) -> StepError {
    with::invalid(format!("this `{what}` cannot be done inline, as it might take for ever")).with_code("needs_executor")
}

/// Does what is bounded whatever its parameters are.
fn in_process(operation: Operation) -> Result<Value, StepError> {
    match operation {
        Operation::JsonParse(it) => text::json_parse(&it),
        Operation::JsonStringify { value, pretty } => text::json_stringify(&value, pretty),
        Operation::Base64Encode(it) => Ok(text::base64_encode(&it)),
        Operation::Base64Decode(it) => text::base64_decode(&it),
        Operation::Hash { algorithm, input } => Ok(text::hash(algorithm, &input)),
        Operation::CsvParse { text, options } => csv::parse(&text, &options),
        Operation::CsvFormat { rows, options } => csv::format(&rows, &options),
        Operation::Jq { program, input } => jq::unbounded(&program, &input),
        Operation::Template { template, data } => template::render(&template, &data),
    }
}

/// Does any transformation, however long it takes: the parameters are JSON text.
pub(crate) fn unbounded(with: &str) -> Result<Value, StepError> {
    let with = Value::from_json(with.as_bytes()).map_err(|it| with::invalid(it.to_string()))?;
    in_process(operation::read(&with)?)
}

/// The work of `transform`, where it is not done inline.
pub(crate) struct Transform {
    pub(crate) children: Arc<Children>,
}

#[async_trait]
impl Work for Transform {
    async fn work(&self, attempt: Attempt) -> Result<Value, StepError> {
        let operation = operation::read(&attempt.task.with)?;
        match operation {
            Operation::Jq { .. } | Operation::Template { .. } => {
                let work = child::Work::Transform(attempt.task.with.to_json());
                self.children.ask(&Request { memory: MEMORY, work }, &attempt.halt, &attempt.lines).await
            }
            other => tokio::task::spawn_blocking(move || in_process(other))
                .await
                .unwrap_or_else(|it| Err(panicked(&*it.into_panic()))),
        }
    }
}
