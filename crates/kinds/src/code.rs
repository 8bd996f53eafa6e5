//! The kind `code`: a JavaScript function of the flow, away from everything but its arguments.
//!
//! **Invariant:** code sees no host objects, a clock that stands still and chance that repeats; it uses no more memory
//! than its step allows and ends when its attempt does.

mod engine;
mod failure;

use std::sync::Arc;

use async_trait::async_trait;
use drawloom_blueprint::{StepError, Value};
use drawloom_queue::{KindInfo, Placement};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

use crate::{
    child::{self, Children, Request},
    describe,
    perform::{Attempt, Work},
    with,
};

pub(crate) use engine::{Call, call};

/// What `code` takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct With {
    /// An ES module whose default export is a function. It may be asynchronous.
    source: String,
    /// The argument of the function; an empty object by default.
    #[serde(default)]
    #[schemars(with = "serde_json::Value")]
    #[expect(dead_code, reason = "taken from the task itself, as it may be large")]
    args: Option<Value>,
    /// The language of the source: `js`, which is the default.
    #[serde(default)]
    #[schemars(extend("default" = "js"))]
    #[expect(dead_code, reason = "there is one language so far; others are refused")]
    language: Language,
    /// How much memory it may use: bytes, or a text such as `64MiB`, which is the default.
    #[serde(default)]
    #[schemars(schema_with = "memory_schema")]
    memory: Memory,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Language {
    #[default]
    Js,
}

/// Bytes of memory.
#[derive(Clone, Copy)]
struct Memory(usize);

impl Memory {
    const LEAST: u64 = 1 << 20;
    const MOST: u64 = 4 << 30;
}

impl Default for Memory {
    fn default() -> Self {
        Self(64 << 20)
    }
}

fn memory_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["integer", "string"], "default": "64MiB"})
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let bytes = match &value {
            serde_json::Value::Null => return Ok(Self::default()),
            serde_json::Value::String(text) => bytes(text),
            other => other.as_u64(),
        };
        let wrong = || D::Error::custom("`memory` is from 1MiB to 4GiB, as bytes or as a text such as 64MiB");
        let bytes = bytes.filter(|it| (Memory::LEAST..=Memory::MOST).contains(it)).ok_or_else(wrong)?;
        usize::try_from(bytes).map(Self).map_err(|_| wrong())
    }
}

fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(unit)
}

/// What `code` returns: what the function returns.
#[derive(JsonSchema)]
#[schemars(transparent)]
#[expect(dead_code, reason = "its schema is what it is for")]
struct Returns(serde_json::Value);

/// The description of `code`.
pub(crate) fn info() -> KindInfo {
    describe::describe::<With, Returns>(&describe::About {
        name: "code",
        version: 1,
        summary: "Calls a JavaScript function written in the flow.",
        placement: Placement::Worker,
        docs: include_str!("code/code.md"),
    })
}

/// The work of `code`.
pub(crate) struct Code {
    pub(crate) children: Arc<Children>,
}

#[async_trait]
impl Work for Code {
    async fn work(&self, attempt: Attempt) -> Result<Value, StepError> {
        let with: With = with::read(&attempt.task.with, &["args"])?;
        let call = Call {
            source: with.source,
            args: attempt.task.with.get("args").map_or_else(|| "{}".to_owned(), Value::to_json),
            memory: with.memory.0,
            now_ms: attempt.started.0.div_euclid(1000),
            seed: attempt.task.seed,
        };
        let request = Request { memory: call.memory as u64, work: child::Work::Code(call) };
        self.children.ask(&request, &attempt.halt, &attempt.lines).await
    }
}
