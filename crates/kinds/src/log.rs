//! The kind `log`: a line for people, at no cost.
//!
//! **Invariant:** pure; what becomes of the message is the engine's affair.

use async_trait::async_trait;
use drawloom_blueprint::{StepError, Value};
use drawloom_queue::{KindInfo, Placement};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    describe,
    perform::{Attempt, Work},
    with,
};

/// What `log` takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct With {
    /// What to say. Text stays as it is; any other value is written as JSON.
    #[schemars(with = "serde_json::Value")]
    message: Value,
    /// How important it is: debug, info (the default), warn or error.
    #[serde(default)]
    #[schemars(extend("default" = "info"))]
    #[expect(dead_code, reason = "read by whoever shows the message; here it is only checked")]
    level: Level,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Level {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

/// What `log` returns: the message as text.
#[derive(JsonSchema)]
#[schemars(transparent)]
#[expect(dead_code, reason = "its schema is what it is for")]
struct Returns(String);

/// The description of `log`.
pub(crate) fn info() -> KindInfo {
    describe::describe::<With, Returns>(&describe::About {
        name: "log",
        version: 1,
        summary: "Writes a message to the run's log.",
        placement: Placement::Inline,
        docs: include_str!("log.md"),
    })
}

/// `log` as a task, which it is where the step has a compensation.
pub(crate) struct Log;

#[async_trait]
impl Work for Log {
    async fn work(&self, attempt: Attempt) -> Result<Value, StepError> {
        inline(&attempt.task.with)
    }
}

/// The message as text.
pub(crate) fn inline(with: &Value) -> Result<Value, StepError> {
    let mut it: With = with::read(with, &["message"])?;
    it.message = with::member(with, "message");
    Ok(match it.message {
        Value::Str(_) => it.message,
        other => other.to_json().into(),
    })
}
