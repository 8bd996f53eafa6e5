//! The children of this process.
//!
//! **Invariant:** a child that has not answered to the end is killed, never used again.

use std::{
    ffi::OsString,
    io,
    num::NonZero,
    process::Stdio,
    sync::{Mutex, PoisonError},
    thread,
};

use drawloom_blueprint::{ErrorClass, StepError, Value};
use drawloom_queue::Stream;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Semaphore,
};

use super::{Answer, Request};
use crate::{halt::Halt, lines::Lines};

/// The longest answer that is read.
const ANSWER_MAX: u64 = 512 << 20;

/// Children at work and at rest; so many at once as there are processors, and two more.
pub(crate) struct Children {
    command: Vec<OsString>,
    places: Semaphore,
    idle: Mutex<Vec<Kid>>,
}

/// A child and its pipes.
struct Kid {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Children {
    /// Children that `command` starts.
    pub(crate) fn new(command: Vec<OsString>) -> Self {
        let places = thread::available_parallelism().map_or(1, NonZero::get) + 2;
        Self { command, places: Semaphore::new(places), idle: Mutex::default() }
    }

    /// Has a child do the work, unless the attempt has to end.
    pub(crate) async fn ask(&self, request: &Request, halt: &Halt, lines: &Lines) -> Result<Value, StepError> {
        let _place = halt.race(self.places.acquire()).await?;
        let mut line = serde_json::to_vec(request).map_err(|it| StepError::invalid(it.to_string()))?;
        line.push(b'\n');
        let mut kid = match self.rested() {
            Some(it) => it,
            None => self.start()?,
        };
        let answer = match halt.race(kid.converse(&line, lines)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                kid.end().await;
                return Err(broke_down(request.memory));
            }
            Err(stopped) => {
                kid.end().await;
                return Err(stopped);
            }
        };
        // Who has used up its memory does not give all of it back.
        if answer.as_ref().is_err_and(|it| it.code.as_deref() == Some("memory")) {
            kid.end().await;
        } else {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(kid);
        }
        Value::from_json(answer?.as_bytes())
            .map_err(|it| failed(format!("the result cannot be kept: {it}")).with_code("bad_result"))
    }

    /// A child at rest that still lives.
    fn rested(&self) -> Option<Kid> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut kid) = idle.pop() {
            if matches!(kid.process.try_wait(), Ok(None)) {
                return Some(kid);
            }
        }
        None
    }

    fn start(&self) -> Result<Kid, StepError> {
        let cannot =
            |why: &dyn std::fmt::Display| failed(format!("a process for the work could not be started: {why}"));
        let [program, args @ ..] = self.command.as_slice() else { return Err(cannot(&"no command is set")) };
        let mut process = Command::new(program)
            .args(args)
            .arg0("drawloom")
            .env_clear()
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|it| cannot(&it))?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(cannot(&"it has no pipes"));
        };
        Ok(Kid { process, input, output: BufReader::new(output) })
    }
}

impl Kid {
    /// Gives it the work and listens to the end.
    async fn converse(&mut self, line: &[u8], lines: &Lines) -> io::Result<Result<String, StepError>> {
        self.input.write_all(line).await?;
        let mut said = Vec::new();
        loop {
            said.clear();
            (&mut self.output).take(ANSWER_MAX).read_until(b'\n', &mut said).await?;
            if said.last() != Some(&b'\n') {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match serde_json::from_slice(&said)? {
                Answer::Output { error, text } => lines.send(if error { Stream::Err } else { Stream::Out }, &text),
                Answer::Done(it) => return Ok(it),
            }
        }
    }

    /// Kills it and waits until it is gone. That it may be gone already is no error.
    async fn end(mut self) {
        let _ = self.process.kill().await;
    }
}

fn broke_down(memory: u64) -> StepError {
    let message =
        format!("the work broke down: it used more memory than its {} MiB allow, or nested too deep", memory >> 20);
    failed(message).with_code("broke_down")
}

fn failed(message: impl Into<String>) -> StepError {
    StepError::new(ErrorClass::Failed, message)
}
