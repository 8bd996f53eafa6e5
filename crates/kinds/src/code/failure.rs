//! What went wrong in code, told in the user's own lines.
//!
//! **Invariant:** stack traces name lines of the user's module and no others.

use drawloom_blueprint::{ErrorClass, StepError};
use rquickjs::{CaughtError, Coerced, FromJs};

use super::engine::FILE;

/// How much of a message is handed on, in bytes. It is more than is shown: the secrets in it are not hidden yet, and none
/// may be cut in two.
const SHOWN_MAX: usize = 64 * 1024;

fn failed(message: impl Into<String>) -> StepError {
    StepError::new(ErrorClass::Failed, message)
}

/// The error for code that cannot be read.
pub(super) fn syntax(error: &CaughtError<'_>, limit: usize) -> StepError {
    match error {
        CaughtError::Exception(it) if name(it) == "SyntaxError" => {
            let place = it.stack().as_deref().and_then(place).unwrap_or_default();
            let message = format!("SyntaxError: {}{place}", it.message().unwrap_or_default());
            StepError::invalid(shorten(message)).with_code("syntax")
        }
        other => thrown(other, limit),
    }
}

/// The error for what code threw.
pub(super) fn thrown(error: &CaughtError<'_>, limit: usize) -> StepError {
    match error {
        CaughtError::Exception(it) => {
            let (name, text) = (name(it), it.message().unwrap_or_default());
            if name == "InternalError" && text.contains("out of memory") {
                return memory(limit);
            }
            let stack = it.stack().unwrap_or_default();
            let stack: String = own_lines(&stack).map(|it| format!("\n    {it}")).collect();
            failed(shorten(format!("{name}: {text}{stack}"))).with_code("thrown")
        }
        // When even the error finds no room, null is thrown.
        CaughtError::Value(it) if it.is_null() => memory(limit),
        CaughtError::Value(it) => {
            let text = Coerced::<String>::from_js(it.ctx(), it.clone());
            let text = text.map_or_else(|_| "something that cannot be shown".to_owned(), |it| it.0);
            failed(shorten(format!("the code threw: {text}"))).with_code("thrown")
        }
        CaughtError::Error(rquickjs::Error::Allocation) => memory(limit),
        CaughtError::Error(it) => broken(it),
    }
}

/// The error for code that needs more memory than it may use.
pub(super) fn memory(limit: usize) -> StepError {
    failed(format!("the code used more than {} MiB of memory (`memory`)", limit >> 20)).with_code("memory")
}

/// The error for a module without a function.
pub(super) fn no_function() -> StepError {
    StepError::invalid("the module's default export is no function; write `export default (args) => ...`")
        .with_code("no_function")
}

/// The error for a promise that nothing will settle.
pub(super) fn never_settles() -> StepError {
    failed("the code waits for a promise that nothing can settle: there are no timers and no I/O").with_code("thrown")
}

/// The error for a result that is JSON, but not for us.
pub(super) fn bad_result(error: &serde_json::Error) -> StepError {
    failed(format!("the result cannot be kept: {error}")).with_code("bad_result")
}

/// The error of the interpreter itself.
pub(super) fn broken(error: &rquickjs::Error) -> StepError {
    failed(format!("the code could not be run: {error}")).with_code("engine")
}

fn name(error: &rquickjs::Exception<'_>) -> String {
    let name = error.as_object().get::<_, Coerced<String>>("name");
    name.map_or_else(|_| "Error".to_owned(), |it| it.0)
}

fn own_lines(stack: &str) -> impl Iterator<Item = &str> {
    stack.lines().map(str::trim).filter(|it| it.contains(FILE)).take(20)
}

/// ` (line 3, column 5)`, from the first line of a stack.
fn place(stack: &str) -> Option<String> {
    let line = own_lines(stack).next()?;
    let (_, place) = line.rsplit_once(FILE)?;
    let mut numbers = place.trim_start_matches(':').trim_end_matches(')').split(':');
    let line: u32 = numbers.next()?.parse().ok()?;
    Some(match numbers.next().and_then(|it| it.parse::<u32>().ok()) {
        Some(column) => format!(" (line {line}, column {column})"),
        None => format!(" (line {line})"),
    })
}

fn shorten(mut message: String) -> String {
    if message.len() > SHOWN_MAX {
        message.truncate(message.floor_char_boundary(SHOWN_MAX));
        message.push_str("...");
    }
    message
}
