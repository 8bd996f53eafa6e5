//! jq programs, by jaq: compiled once per process, run to the end.
//!
//! **Invariant:** a program that [`cost`] has not measured never runs in the engine's process: jq is a programming
//! language, and most of its programs may run for ever.

mod convert;
mod cost;
mod natives;

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    thread,
};

use drawloom_blueprint::{ErrorClass, StepError, Value};
use jaq_core::{
    Compiler, Ctx, Vars, data,
    load::{self, Arena, File, Loader, parse::Def},
    unwrap_valr,
};
use jaq_json::Val;

use crate::with;

type Data = data::JustLut<Val>;
type Program = jaq_core::Filter<Data>;

/// The longest program, in bytes, that is measured at all.
const MEASURED_MAX: usize = 8 * 1024;
/// The stack on which programs are read: enough for the deepest program that [`MEASURED_MAX`] bytes can hold.
const STACK: usize = 256 << 20;
/// How many programs are kept compiled.
const KEPT_MAX: usize = 256;
/// The name under which a rewritten program is defined.
const MAIN: &str = "drawloom_main";

/// How much of an error is shown, in bytes.
const SHOWN_MAX: usize = 500;
/// How much of an error is handed on where its secrets are not hidden yet, and none may be cut in two.
const TOLD_MAX: usize = 64 * 1024;

/// What became of a program that was to be done inline.
#[derive(Clone)]
enum Inline {
    Ready(Arc<Program>),
    Unbounded,
    Wrong(StepError),
}

static PROGRAMS: LazyLock<Mutex<HashMap<String, Inline>>> = LazyLock::new(Mutex::default);

/// Whether the program is made of such parts that its time and memory grow with its input and no faster. A program
/// that cannot be read is too: its error is found at once.
pub(super) fn is_bounded(program: &str) -> bool {
    !matches!(inline_program(program), Inline::Unbounded)
}

/// Runs a program in this thread, if it is bounded.
pub(super) fn inline(program: &str, input: &Value) -> Option<Result<Value, StepError>> {
    match inline_program(program) {
        Inline::Ready(program) => Some(run(&program, input).map_err(|mut it| {
            it.message.truncate(it.message.floor_char_boundary(SHOWN_MAX));
            it
        })),
        Inline::Wrong(error) => Some(Err(error)),
        Inline::Unbounded => None,
    }
}

/// Runs any program, however long it takes and whatever memory it needs.
pub(super) fn unbounded(program: &str, input: &Value) -> Result<Value, StepError> {
    run(&compile(program, Vec::new())?, input)
}

fn inline_program(program: &str) -> Inline {
    if program.len() > MEASURED_MAX {
        return Inline::Unbounded;
    }
    if let Some(it) = PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner).get(program) {
        return it.clone();
    }
    let it = on_large_stack(program);
    let mut programs = PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner);
    if programs.len() >= KEPT_MAX {
        programs.clear();
    }
    programs.insert(program.to_owned(), it.clone());
    it
}

/// Reading a program recurses as deep as the program nests, which a thread of its own has the room for.
fn on_large_stack(program: &str) -> Inline {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || prepare(program));
        let prepared = thread.ok().and_then(|it| it.join().ok());
        prepared.unwrap_or_else(|| Inline::Wrong(wrong("the jq program cannot be read")))
    })
}

fn prepare(program: &str) -> Inline {
    let Some(mut term) = load::parse(program, |it| it.term()) else {
        return match compile(program, Vec::new()) {
            // What begins with `def` or `import` is a program, but no term.
            Ok(_) => Inline::Unbounded,
            Err(error) => Inline::Wrong(error),
        };
    };
    if !cost::is_bounded(&mut term) {
        return match compile(program, Vec::new()) {
            Ok(_) => Inline::Unbounded,
            Err(error) => Inline::Wrong(error),
        };
    }
    match compile(MAIN, vec![Def { name: MAIN, args: Vec::new(), body: term }]) {
        Ok(it) => Inline::Ready(Arc::new(it)),
        Err(error) => Inline::Wrong(error),
    }
}

fn compile<'a>(program: &'a str, more: Vec<Def<&'a str>>) -> Result<Program, StepError> {
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let mut all: Vec<Def<&'a str>> = Vec::new();
    for def in defs {
        all.push(def);
    }
    all.extend(more);
    let arena = Arena::default();
    let modules = Loader::new(all).load(&arena, File { code: program, path: () });
    let modules = modules.map_err(|files| match files.into_iter().next() {
        Some((_, load::Error::Lex(it))) => {
            explain(program, it.first().map(|(expected, found)| (expected.as_str(), *found)))
        }
        Some((_, load::Error::Parse(it))) => {
            explain(program, it.first().map(|(expected, found)| (expected.as_str(), *found)))
        }
        Some((_, load::Error::Io(_))) => wrong("a jq program cannot import other files"),
        None => explain(program, None),
    })?;
    Compiler::default().with_funs(natives::all()).compile(modules).map_err(|files| {
        let first = files.into_iter().flat_map(|(_, errors)| errors).next();
        match first {
            Some((name, what)) => wrong(format!("the jq program uses an unknown {} `{name}`", what.as_str())),
            None => explain(program, None),
        }
    })
}

fn explain(program: &str, error: Option<(&str, &str)>) -> StepError {
    let Some((expected, found)) = error else { return wrong("the jq program cannot be read") };
    let at = load::span(program, found).start;
    let before = program.get(..at).unwrap_or(program);
    let (line, column) =
        (before.matches('\n').count() + 1, before.lines().last().map_or(0, |it| it.chars().count()) + 1);
    let found = found.chars().take(20).collect::<String>();
    let found = if found.is_empty() { "its end".to_owned() } else { format!("`{found}`") };
    wrong(format!("the jq program is wrong at line {line}, column {column}: expected {expected}, found {found}"))
}

fn wrong(message: impl Into<String>) -> StepError {
    with::invalid(message).with_code("jq_program")
}

fn run(program: &Program, input: &Value) -> Result<Value, StepError> {
    let context = Ctx::<Data>::new(&program.lut, Vars::new([]));
    let mut room = convert::Room::new();
    let mut outputs = Vec::new();
    for output in program.id.run((context, convert::to_jq(input))).map(unwrap_valr) {
        let output = output.map_err(|it| {
            let mut text = it.to_string();
            text.truncate(text.floor_char_boundary(TOLD_MAX));
            StepError::new(ErrorClass::Failed, format!("jq: {text}")).with_code("jq")
        })?;
        outputs.push(room.take(&output)?);
    }
    Ok(if outputs.len() == 1 { outputs.remove(0) } else { outputs.into() })
}
