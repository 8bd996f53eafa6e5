//! A process group from its start to its end.
//!
//! **Invariant:** when [`run`] returns or is dropped, every process of the group has been killed, and the first one
//! has been reaped. A process that left the group (`setsid`) is out of reach, but cannot hold up the attempt.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use drawloom_blueprint::{ErrorClass, StepError};
use drawloom_queue::{Stopped, Stream};
use rustix::{
    io::Errno,
    process::{Pid, Signal},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    capture::{Capture, Captured},
    group::Group,
    input::{self, Input},
    plan::Plan,
};
use crate::{halt::Halt, lines::Splitter, perform::Attempt};

/// How long a group has to end by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// How long processes in the background may hold the pipes once the command has ended.
const LINGER: Duration = Duration::from_millis(100);
/// How long the kernel may take to do away with a killed group.
const REAP: Duration = Duration::from_secs(1);

/// A command that ended by itself.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: Captured,
    pub(super) stderr: Captured,
}

/// Starts the command and stays with it to its end.
pub(super) async fn run(mut plan: Plan, attempt: &Attempt) -> Result<Ended, StepError> {
    if let Some(why) = attempt.halt.now() {
        return Err(attempt.halt.error(why));
    }
    let input = Input::open(plan.stdin.take(), attempt).await?;
    let mut child = spawn(&plan, &input)?;
    let group = Group::new(child.id().and_then(|it| Pid::from_raw(it.cast_signed())));
    let pipes = Pipes { closed: CancellationToken::new(), give_up: CancellationToken::new() };
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let reading = async {
        let out = read(stdout, Splitter::new(Stream::Out), plan.whole, plan.stream.then_some(attempt), &pipes);
        let err = read(stderr, Splitter::new(Stream::Err), false, plan.stream.then_some(attempt), &pipes);
        let read = tokio::join!(out, err);
        pipes.closed.cancel();
        read
    };
    let (ended, (stdout, stderr), fed) = tokio::join!(
        supervise(&mut child, &group, &attempt.halt, &pipes),
        reading,
        input::feed(stdin, input, &pipes.give_up)
    );
    let status = match ended {
        Ok(status) => status.map_err(|it| failed("waiting for the command", &it))?,
        Err(why) => return Err(attempt.halt.error(why)),
    };
    fed?;
    let redactor = &attempt.task.redactor;
    Ok(Ended { status, stdout: stdout.end(redactor), stderr: stderr.end(redactor) })
}

fn spawn(plan: &Plan, input: &Input) -> Result<Child, StepError> {
    let mut command = Command::new(&plan.program);
    command.args(&plan.args).env_clear().envs(&plan.env).process_group(0).kill_on_drop(true);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if matches!(input, Input::Nothing) { Stdio::null() } else { Stdio::piped() });
    if let Some(folder) = &plan.workdir {
        if !folder.is_dir() {
            let message = format!("there is no folder `{}` to run in", folder.display());
            return Err(StepError::invalid(message).with_code("no_workdir"));
        }
        command.current_dir(folder);
    }
    command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::ExecutableFileBusy => {
            let message = format!("cannot start `{}`: {error}", plan.program.display());
            StepError::invalid(message).with_code("no_program")
        }
        io::ErrorKind::ArgumentListTooLong => {
            StepError::invalid("the command with its environment is too long; give large data by `stdin`")
                .with_code("too_long")
        }
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
            StepError::new(ErrorClass::Unavailable, format!("the machine cannot start a process just now: {error}"))
        }
        _ if is_out_of_files(&error) => {
            let advice = "raise the limit (`ulimit -n`), or set a lower `parallelism`";
            StepError::new(ErrorClass::Unavailable, format!("no process can be started just now: {error}; {advice}"))
                .with_code("no_files")
        }
        _ => failed("starting the command", &error),
    })
}

/// Whether this process, or the machine, has as many files open as it may.
fn is_out_of_files(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

fn failed(what: &str, error: &io::Error) -> StepError {
    StepError::new(ErrorClass::Failed, format!("{what} failed: {error}"))
}

/// What the parts that stay with a process tell each other of its pipes.
struct Pipes {
    /// Nobody has the writing ends any more.
    closed: CancellationToken,
    /// Nobody is to wait for that any longer.
    give_up: CancellationToken,
}

/// Waits for the end of the command, or brings it about, and then clears its group away.
async fn supervise(
    child: &mut Child,
    group: &Group,
    halt: &Halt,
    pipes: &Pipes,
) -> Result<io::Result<ExitStatus>, Stopped> {
    let ended = tokio::select! {
        biased;
        status = child.wait() => Ok(status),
        why = halt.wait() => Err(why),
    };
    if ended.is_err() {
        group.signal(Signal::TERM);
        let _ = timeout(GRACE, async { tokio::join!(child.wait(), group.gone()) }).await;
        group.signal(Signal::KILL);
        let _ = child.wait().await;
    }
    // What was written is read; what was left in the background may not keep the attempt.
    let _ = timeout(LINGER, pipes.closed.cancelled()).await;
    if group.signal(Signal::KILL) {
        let _ = timeout(REAP, group.gone()).await;
        let _ = timeout(LINGER, pipes.closed.cancelled()).await;
    }
    pipes.give_up.cancel();
    ended
}

async fn read(
    pipe: Option<impl AsyncRead + Unpin>,
    mut splitter: Splitter,
    whole: bool,
    stream: Option<&Attempt>,
    pipes: &Pipes,
) -> Capture {
    let mut capture = Capture::new(whole);
    let Some(mut pipe) = pipe else { return capture };
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        buffer.clear();
        let count = tokio::select! {
            biased;
            count = pipe.read_buf(&mut buffer) => count,
            () = pipes.give_up.cancelled() => break,
        };
        if !matches!(count, Ok(1..)) {
            break;
        }
        capture.push(&buffer);
        if let Some(attempt) = stream {
            splitter.push(&buffer, &attempt.lines);
        }
    }
    if let Some(attempt) = stream {
        splitter.end(&attempt.lines);
    }
    capture
}
