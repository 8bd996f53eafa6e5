//! What a child does.
//!
//! **Invariant:** one thread does nothing but read: when the parent is gone, the child ends in the middle of its work.

use std::{
    io::{self, BufRead, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::mpsc,
    thread,
};

use drawloom_blueprint::{StepError, Value};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Answer, Request, Work};
use crate::{code, perform::panicked, transform};

/// The stack of the work, for deep recursion in jq.
const STACK: usize = 512 << 20;
/// Memory that a child needs besides what its work does: the program, stacks, room for requests and answers.
const BESIDES: u64 = 1536 << 20;

/// Does requests from standard input until it ends.
///
/// A program whose executors come from this crate calls it, before anything else, when its only argument is
/// [`CHILD`](super::CHILD).
#[must_use]
pub fn child_main() -> ExitCode {
    let (send, requests) = mpsc::channel::<Vec<u8>>();
    let worker = thread::Builder::new().stack_size(STACK).spawn(move || {
        for line in requests {
            // A parent that does not listen any more has no use for this process.
            if !answer(&line) {
                std::process::exit(1);
            }
        }
    });
    if worker.is_err() {
        return ExitCode::FAILURE;
    }
    let mut stdin = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        match stdin.read_until(b'\n', &mut line) {
            Ok(1..) if send.send(line).is_ok() => {}
            _ => std::process::exit(0),
        }
    }
}

/// Does one request and says whether the answer could be given.
fn answer(line: &[u8]) -> bool {
    let result = match serde_json::from_slice::<Request>(line) {
        Ok(request) => {
            limit(request.memory);
            catch_unwind(AssertUnwindSafe(|| work(request.work))).unwrap_or_else(|it| Err(panicked(&*it)))
        }
        Err(error) => Err(StepError::invalid(format!("the request cannot be read: {error}"))),
    };
    say(&Answer::Done(result.map(|it| it.to_json()))).is_ok()
}

fn work(work: Work) -> Result<Value, StepError> {
    match work {
        Work::Transform(with) => transform::unbounded(&with),
        Work::Code(call) => code::call(&call, |error, text| {
            // The end of the answer will show that the parent is gone.
            let _ = say(&Answer::Output { error, text });
        }),
    }
}

fn say(answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// Limits the memory of this process. The limits of the work itself are finer; this is the net below them.
fn limit(memory: u64) {
    let before = getrlimit(Resource::As);
    let wanted = memory.saturating_add(BESIDES);
    let current = before.maximum.map_or(wanted, |it| it.min(wanted));
    let _ = setrlimit(Resource::As, Rlimit { current: Some(current), maximum: before.maximum });
}
