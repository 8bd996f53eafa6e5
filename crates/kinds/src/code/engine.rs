//! One call of a function in a fresh QuickJS runtime.
//!
//! **Invariant:** the runtime, with all that the code made, is gone when the call returns: nothing passes from one
//! call to the next.

use std::{cell::Cell, rc::Rc};

use drawloom_blueprint::{StepError, Value};
use drawloom_queue::{Stopped, Stream};
use rquickjs::{CaughtError, Context, Ctx, Error, Function, Module, Object, Promise, Runtime, promise::PromiseState};

use super::failure;
use crate::{halt::Halt, lines::Lines};

/// The name of the user's module in stack traces.
pub(super) const FILE: &str = "code.js";
/// How deep calls may nest, in bytes of stack. Threads that run code have 2 MiB.
const STACK: usize = 768 * 1024;
/// The script that takes the machine's clock and chance away and adds the console.
const PRELUDE: &str = include_str!("prelude.js");

/// What is to be called, and how.
pub(super) struct Call {
    pub(super) source: String,
    pub(super) args: Value,
    pub(super) memory: usize,
    pub(super) now_ms: i64,
    pub(super) seed: u64,
}

/// Calls the default export of a module and waits for what it returns.
pub(super) fn call(call: &Call, halt: &Halt, lines: &Lines) -> Result<Value, StepError> {
    let stopped: Rc<Cell<Option<Stopped>>> = Rc::default();
    let runtime = Runtime::new().map_err(|it| failure::broken(&it))?;
    runtime.set_memory_limit(call.memory);
    runtime.set_max_stack_size(STACK);
    let (seen, watched) = (Rc::clone(&stopped), halt.clone());
    runtime.set_interrupt_handler(Some(Box::new(move || {
        if seen.get().is_none() {
            seen.set(watched.now());
        }
        seen.get().is_some()
    })));
    let context = Context::full(&runtime).map_err(|_| failure::memory(call.memory))?;
    let result = context.with(|ctx| {
        let done = within(&ctx, call, halt, lines);
        done.map_err(|it| match it {
            Trouble::Step(it) => it,
            Trouble::Thrown(it) => failure::thrown(&CaughtError::from_error(&ctx, it), call.memory),
            Trouble::Syntax(it) => failure::syntax(&CaughtError::from_error(&ctx, it), call.memory),
        })
    });
    // What an interruption looks like inside the code says nothing.
    match stopped.get() {
        Some(why) => Err(halt.error(why)),
        None => result,
    }
}

/// What can go wrong in a call.
enum Trouble {
    Step(StepError),
    Thrown(Error),
    Syntax(Error),
}

impl From<Error> for Trouble {
    fn from(it: Error) -> Self {
        Self::Thrown(it)
    }
}

fn within(ctx: &Ctx<'_>, call: &Call, halt: &Halt, lines: &Lines) -> Result<Value, Trouble> {
    let tools = prepare(ctx, call, lines)?;
    let args = ctx.json_parse(call.args.to_json())?;
    let module = Module::declare(ctx.clone(), FILE, call.source.as_str()).map_err(Trouble::Syntax)?;
    let (module, loaded) = module.eval()?;
    settle(ctx, &loaded, halt)?;
    let export: rquickjs::Value<'_> = module.get("default").map_err(|_| Trouble::Step(failure::no_function()))?;
    if !export.is_function() {
        return Err(Trouble::Step(failure::no_function()));
    }
    let run: Function<'_> = tools.get("run")?;
    let returned: Promise<'_> = run.call((export, args))?;
    settle(ctx, &returned, halt)?;
    let text: String = returned.result().unwrap_or(Err(Error::Unknown))?;
    Value::from_json(text.as_bytes()).map_err(|it| Trouble::Step(failure::bad_result(&it)))
}

/// Runs the prelude, which returns the tools that the call needs.
fn prepare<'js>(ctx: &Ctx<'js>, call: &Call, lines: &Lines) -> Result<Object<'js>, Error> {
    let lines = lines.clone();
    let print = Function::new(ctx.clone(), move |error: bool, text: String| {
        lines.send(if error { Stream::Err } else { Stream::Out }, &text);
    })?;
    let setup: Function<'js> = ctx.eval(PRELUDE)?;
    // Numbers of JavaScript hold 32 bits of a seed each without loss.
    let (low, high) = (call.seed & 0xffff_ffff, call.seed >> 32);
    setup.call((call.now_ms as f64, low as f64, high as f64, print))
}

/// Runs jobs until the promise has settled. There is nothing to wait for but jobs.
fn settle(ctx: &Ctx<'_>, promise: &Promise<'_>, halt: &Halt) -> Result<(), Trouble> {
    let mut jobs = 0_u32;
    while promise.state() == PromiseState::Pending {
        jobs = jobs.wrapping_add(1);
        if jobs.is_multiple_of(1024)
            && let Some(why) = halt.now()
        {
            return Err(Trouble::Step(halt.error(why)));
        }
        if !ctx.execute_pending_job() {
            return Err(Trouble::Step(failure::never_settles()));
        }
    }
    match promise.result::<rquickjs::Value<'_>>() {
        Some(Err(it)) => Err(Trouble::Thrown(it)),
        _ => Ok(()),
    }
}
