//! Transformations in a process of their own, for nothing else can be ended when it does not want to.
//!
//! Parent and child speak JSON over pipes: a line with the parameters in, the result out. The parent keeps its end
//! of the first pipe open; when that closes early, the parent is gone, and the child ends too.
//!
//! **Invariant:** the child has no environment, limited memory, and does not outlive its parent or its attempt.

use std::{
    ffi::OsString,
    io::{self, BufRead, Read, Write},
    process::{ExitCode, Stdio},
    thread,
};

use drawloom_blueprint::{ErrorClass, StepError, Value};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

use super::{in_process, operation};
use crate::{halt::Halt, perform::panicked};

/// The argument with which a program that has this crate does one transformation and ends.
pub const TRANSFORM_CHILD: &str = "__transform";

/// How much memory a child may use, its stack included.
const MEMORY: u64 = 2 << 30;
/// The stack of a child, for deep recursion in jq.
const STACK: usize = 512 << 20;
/// The longest answer that is read.
const ANSWER_MAX: u64 = 256 << 20;

/// Has a child do the transformation.
pub(super) async fn transform(command: &[OsString], with: &Value, halt: &Halt) -> Result<Value, StepError> {
    let [program, args @ ..] = command else { return Err(failed("no command is set for transformations")) };
    let mut child = Command::new(program)
        .args(args)
        .env_clear()
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|it| failed(format!("the transformation could not be started: {it}")))?;
    let answer = halt.race(converse(&mut child, with)).await;
    // Whatever happened, it has nothing left to do.
    let killed = child.kill().await;
    let answer = answer?.map_err(|it| failed(format!("the transformation could not be followed: {it}")))?;
    killed.map_err(|it| failed(format!("the transformation could not be ended: {it}")))?;
    match serde_json::from_slice::<Result<Value, StepError>>(&answer) {
        Ok(it) => it,
        Err(_) => Err(failed(format!("the transformation broke down; it may use {} GiB of memory", MEMORY >> 30))
            .with_code("out_of_memory")),
    }
}

async fn converse(child: &mut Child, with: &Value) -> io::Result<Vec<u8>> {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let mut line = with.to_json();
    line.push('\n');
    let mut answer = Vec::new();
    // A child that breaks down does not read all; that it has no answer says enough.
    let mut output = output.take(ANSWER_MAX);
    let (_, read) = tokio::join!(input.write_all(line.as_bytes()), output.read_to_end(&mut answer));
    read?;
    drop(input);
    Ok(answer)
}

fn failed(message: impl Into<String>) -> StepError {
    StepError::new(ErrorClass::Failed, message).with_code("transform")
}

/// Does one transformation, described on standard input, and answers on standard output.
///
/// A program whose executors come from this crate calls it, before anything else, when its only argument is
/// [`TRANSFORM_CHILD`].
#[must_use]
pub fn transform_child() -> ExitCode {
    let limit = Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
    if setrlimit(Resource::As, limit).is_err() {
        return ExitCode::FAILURE;
    }
    let mut line = Vec::new();
    let mut stdin = io::stdin().lock();
    if stdin.read_until(b'\n', &mut line).is_err() {
        return ExitCode::FAILURE;
    }
    drop(stdin);
    thread::spawn(|| {
        let _ = io::stdin().lock().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
    let work = move || {
        let result = Value::from_json(&line)
            .map_err(|it| failed(it.to_string()))
            .and_then(|with| operation::read(&with))
            .and_then(in_process);
        answer(&result)
    };
    let thread = thread::Builder::new().stack_size(STACK).spawn(work);
    match thread.map(thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Err(panic)) => answer(&Err(panicked(&*panic))).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        _ => ExitCode::FAILURE,
    }
}

fn answer(result: &Result<Value, StepError>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, result)?;
    out.flush()
}
