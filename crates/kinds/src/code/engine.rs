//! One call of a function in a fresh QuickJS runtime.
//!
//! **Invariant:** the runtime, with all that the code made, is gone when the call returns: nothing passes from one
//! call to the next.

use drawloom_blueprint::{StepError, Value};
use rquickjs::{CaughtError, Context, Ctx, Error, Function, Module, Object, Promise, Runtime, promise::PromiseState};
use serde::{Deserialize, Serialize};

use super::failure;

/// The name of the user's module in stack traces.
pub(super) const FILE: &str = "code.js";
/// How deep calls may nest, in bytes of stack.
const STACK: usize = 1 << 20;
/// The script that takes the machine's clock and chance away and adds the console.
const PRELUDE: &str = include_str!("prelude.js");

/// What is to be called, and how.
#[derive(Serialize, Deserialize)]
pub(crate) struct Call {
    /// The module.
    pub(crate) source: String,
    /// The function's argument, as JSON text.
    pub(crate) args: String,
    /// How many bytes of memory it may use.
    pub(crate) memory: usize,
    /// What the clock shows, in milliseconds since 1970.
    pub(crate) now_ms: i64,
    /// Where chance begins.
    pub(crate) seed: u64,
}

/// Calls the default export of a module and waits for what it returns. It ends when the code does: only its process can be
/// ended before that. `print` takes output, with whether it is an error.
pub(crate) fn call(call: &Call, print: impl Fn(bool, String) + 'static) -> Result<Value, StepError> {
    let runtime = Runtime::new().map_err(|it| failure::broken(&it))?;
    runtime.set_memory_limit(call.memory);
    runtime.set_max_stack_size(STACK);
    let context = Context::full(&runtime).map_err(|_| failure::memory(call.memory))?;
    context.with(|ctx| {
        within(&ctx, call, print).map_err(|it| match it {
            Trouble::Step(it) => it,
            Trouble::Thrown(it) => failure::thrown(&CaughtError::from_error(&ctx, it), call.memory),
            Trouble::Syntax(it) => failure::syntax(&CaughtError::from_error(&ctx, it), call.memory),
        })
    })
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

fn within(ctx: &Ctx<'_>, call: &Call, print: impl Fn(bool, String) + 'static) -> Result<Value, Trouble> {
    let tools = prepare(ctx, call, print)?;
    let args = ctx.json_parse(call.args.as_str())?;
    let module = Module::declare(ctx.clone(), FILE, call.source.as_str()).map_err(Trouble::Syntax)?;
    let (module, loaded) = module.eval()?;
    settle(ctx, &loaded)?;
    let export: rquickjs::Value<'_> = module.get("default").map_err(|_| Trouble::Step(failure::no_function()))?;
    if !export.is_function() {
        return Err(Trouble::Step(failure::no_function()));
    }
    let run: Function<'_> = tools.get("run")?;
    let returned: Promise<'_> = run.call((export, args))?;
    settle(ctx, &returned)?;
    let text: String = returned.result().unwrap_or(Err(Error::Unknown))?;
    Value::from_json(text.as_bytes()).map_err(|it| Trouble::Step(failure::bad_result(&it)))
}

/// Runs the prelude, which returns the tools that the call needs.
fn prepare<'js>(ctx: &Ctx<'js>, call: &Call, print: impl Fn(bool, String) + 'static) -> Result<Object<'js>, Error> {
    let print = Function::new(ctx.clone(), print)?;
    let setup: Function<'js> = ctx.eval(PRELUDE)?;
    // Numbers of JavaScript hold 32 bits of a seed each without loss.
    let (low, high) = (call.seed & 0xffff_ffff, call.seed >> 32);
    setup.call((call.now_ms as f64, low as f64, high as f64, print))
}

/// Runs jobs until the promise has settled. There is nothing to wait for but jobs.
fn settle(ctx: &Ctx<'_>, promise: &Promise<'_>) -> Result<(), Trouble> {
    while promise.state() == PromiseState::Pending {
        if !ctx.execute_pending_job() {
            return Err(Trouble::Step(failure::never_settles()));
        }
    }
    match promise.result::<rquickjs::Value<'_>>() {
        Some(Err(it)) => Err(Trouble::Thrown(it)),
        _ => Ok(()),
    }
}
