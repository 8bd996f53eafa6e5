//! Templates: texts with holes, conditions and loops.
//!
//! **Invariant:** a template counts its instructions and its output, but not its memory: it runs only where that is
//! limited, in a process of its own.

use std::{
    io::{self, Write},
    sync::Arc,
};

use drawloom_blueprint::{ErrorClass, StepError, Value};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use crate::with::invalid;

/// How many instructions a template may take.
const FUEL: u64 = 20_000_000;
/// How long the text may become.
const OUTPUT_MAX: usize = 16 << 20;

/// The text that a template makes with these names.
pub(super) fn render(template: &str, data: &Value) -> Result<Value, StepError> {
    if !matches!(data, Value::Object(_) | Value::Null) {
        return Err(invalid(format!(
            "`data` is an object with the names that the template uses, not a {}",
            data.type_name()
        )));
    }
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(100);
    env.remove_global("debug");
    let template = env.template_from_str(template).map_err(|it| explain(&it).with_code("template_syntax"))?;
    let mut text = Bounded(Vec::new());
    template.render_captured_to(to_jinja(data), &mut text).map_err(|it| explain(&it))?;
    Ok(String::from_utf8_lossy(&text.0).into_owned().into())
}

fn to_jinja(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => ().into(),
        Value::Bool(it) => (*it).into(),
        Value::Int(it) => (*it).into(),
        Value::UInt(it) => (*it).into(),
        Value::Float(it) => (*it).into(),
        Value::Str(it) => Arc::clone(it).into(),
        Value::List(it) => it.iter().map(to_jinja).collect(),
        Value::Object(it) => {
            minijinja::Value::from_pairs(it.iter().map(|(name, value)| (Arc::clone(name), to_jinja(value))))
        }
    }
}

fn explain(error: &minijinja::Error) -> StepError {
    let what = match error.kind() {
        ErrorKind::OutOfFuel => format!("it takes more than {FUEL} instructions"),
        ErrorKind::WriteFailure => format!("its text is longer than {} MiB", OUTPUT_MAX >> 20),
        kind => error.detail().map_or_else(|| kind.to_string(), str::to_owned),
    };
    let place = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    let class = if error.kind() == ErrorKind::SyntaxError { ErrorClass::Invalid } else { ErrorClass::Failed };
    StepError::new(class, format!("the template failed{place}: {what}")).with_code("template")
}

/// Takes text up to a limit.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
