//! The kind `shell`: a command of the machine, in a process group of its own.
//!
//! **Invariant:** the command inherits nothing but PATH, HOME and LANG, and its process group is gone when the
//! attempt has ended.

mod capture;
mod group;
mod input;
mod plan;
mod process;
mod signals;

use std::collections::BTreeMap;

use async_trait::async_trait;
use drawloom_blueprint::{ErrorClass, StepError, Value};
use drawloom_queue::{KindInfo, Placement};
use schemars::JsonSchema;
use serde::Deserialize;

use self::{capture::Captured, process::Ended};
use crate::{
    describe,
    perform::{Attempt, Work},
    with,
};

/// What `shell` takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct With {
    /// A command, run by `sh -c`. Give this or `argv`.
    #[serde(default)]
    command: Option<String>,
    /// A program and its arguments, run without a shell.
    #[serde(default)]
    #[schemars(with = "Option<Vec<serde_json::Value>>")]
    argv: Option<Vec<Value>>,
    /// More environment variables. Text stays as it is; any other value is written as JSON.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    env: BTreeMap<String, Value>,
    /// Names of variables that the command inherits besides PATH, HOME and LANG.
    #[serde(default)]
    inherit_env: Vec<String>,
    /// The folder in which it runs.
    #[serde(default)]
    workdir: Option<String>,
    /// What it reads from standard input: text as it is, what a reference names, any other value as JSON.
    #[serde(default)]
    #[schemars(with = "serde_json::Value")]
    stdin: Option<Value>,
    /// The shell that runs `command`, `sh` by default.
    #[serde(default)]
    #[schemars(extend("default" = "sh"))]
    shell: Option<String>,
    /// How standard output becomes `output`: `json` reads it as JSON, `lines` as a list of lines; without it,
    /// `output` is the text without blanks around it.
    #[serde(default)]
    parse: Option<Parse>,
    /// Whether lines are shown as they come, which is the default.
    #[serde(default = "yes")]
    stream: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Parse {
    Json,
    Lines,
}

/// What `shell` returns.
#[derive(JsonSchema)]
struct Returns {
    /// Standard output; where it is longer than 1 MiB, its beginning and end.
    stdout: String,
    /// Standard error, likewise.
    stderr: String,
    /// The exit code, which is 0.
    exit_code: i32,
    /// Standard output without blanks around it, or parsed.
    #[schemars(with = "serde_json::Value")]
    output: Value,
}

/// The description of `shell`.
pub(crate) fn info() -> KindInfo {
    describe::describe::<With, Returns>(&describe::About {
        name: "shell",
        version: 1,
        summary: "Runs a command on the worker's machine.",
        placement: Placement::Worker,
        docs: include_str!("shell/shell.md"),
    })
}

/// The work of `shell`.
pub(crate) struct Shell;

#[async_trait]
impl Work for Shell {
    async fn work(&self, attempt: Attempt) -> Result<Value, StepError> {
        let with: With = with::read(&attempt.task.with, &[])?;
        let parse = with.parse;
        let plan = plan::plan(with, &attempt.task)?;
        let ended = process::run(plan, &attempt).await?;
        if !ended.status.success() {
            return Err(failure(&ended));
        }
        let output = output(&ended.stdout, parse)?;
        let returns = Returns { stdout: ended.stdout.text(), stderr: ended.stderr.text(), exit_code: 0, output };
        Ok(returns.into_value())
    }
}

impl Returns {
    fn into_value(self) -> Value {
        let Self { stdout, stderr, exit_code, output } = self;
        Value::object([
            ("stdout", stdout.into()),
            ("stderr", stderr.into()),
            ("exit_code", i64::from(exit_code).into()),
            ("output", output),
        ])
    }
}

fn output(stdout: &Captured, parse: Option<Parse>) -> Result<Value, StepError> {
    let failed = |message: String| StepError::new(ErrorClass::Failed, message).with_code("bad_output");
    let Some(parse) = parse else { return Ok(stdout.text().trim().into()) };
    let text = stdout.whole().ok_or_else(|| {
        failed(format!("standard output is longer than the {} MiB that can be parsed", capture::WHOLE_MAX >> 20))
    })?;
    match parse {
        Parse::Json => {
            Value::from_json(text.trim().as_bytes()).map_err(|it| failed(format!("standard output is not JSON: {it}")))
        }
        Parse::Lines => Ok(text.lines().map(Value::from).collect()),
    }
}

fn failure(ended: &Ended) -> StepError {
    let tail = [&ended.stderr, &ended.stdout].into_iter().map(Captured::tail).find(|it| !it.is_empty());
    let (how, code) = signals::describe(ended.status);
    let message = tail.map_or_else(|| how.clone(), |tail| format!("{how}: {tail}"));
    StepError::new(ErrorClass::Failed, message).with_code(code)
}
