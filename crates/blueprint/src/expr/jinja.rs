//! Expressions that need the template engine.
//!
//! **Invariant:** one environment serves the whole process; it holds no state of any run.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock, OnceLock},
};

use minijinja::{
    Environment, Error, ErrorKind, Expression, UndefinedBehavior, machinery::tokenize, syntax::SyntaxConfig,
    value::Value as JinjaValue,
};

use super::{ExprError, FUEL, Found, Names, TOKENS_MAX, bounded, bridge};
use crate::{Timestamp, Value};

/// The filters that an expression may use.
pub const FILTERS: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "bool",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "format",
    "fromjson",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "keys",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "capitalize",
    "tojson",
    "trim",
    "unique",
    "upper",
    "urlencode",
    "values",
    "zip",
];

/// The tests (`x is …`) that an expression may use.
pub const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
    "upper",
];

/// The functions that an expression may call.
pub const FUNCTIONS: &[&str] = &["dict", "now", "range"];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(64);
    for name in ["safe", "escape", "e", "pprint"] {
        env.remove_filter(name);
    }
    for name in ["debug", "namespace"] {
        env.remove_global(name);
    }
    bounded::install(&mut env);
    bridge::install(&mut env);
    env
});

type Compiled = Result<Expression<'static, 'static>, String>;

/// Compiles an expression. Its tree is walked by recursion, so that one with very many words is refused before.
fn compile(source: &str) -> Compiled {
    let tokens = tokenize(source, true, SyntaxConfig::default()).map_while(Result::ok);
    if tokens.take(TOKENS_MAX + 1).count() > TOKENS_MAX {
        return Err(format!("the expression has more than {TOKENS_MAX} words and signs"));
    }
    ENVIRONMENT.compile_expression_owned(source.to_owned()).map_err(|it| explain(&it))
}

/// An expression for the template engine, compiled when it is first evaluated.
#[derive(Clone)]
pub struct Jinja {
    /// The text between the braces.
    pub source: String,
    /// The top-level names that it reads.
    pub roots: Vec<String>,
    compiled: Arc<OnceLock<Compiled>>,
}

impl Jinja {
    pub(super) fn new(source: String, roots: Vec<String>) -> Self {
        Self { source, roots, compiled: Arc::default() }
    }

    pub(super) fn eval(&self, names: &dyn Names) -> Result<Value, ExprError> {
        let compiled = self.compiled.get_or_init(|| compile(&self.source));
        let compiled = compiled.as_ref().map_err(|it| ExprError::new(it.clone()))?;
        // The engine refuses to take a member of what is undefined, also where a `default` stands behind. Only then is
        // it asked again, with stand-ins for whatever is missing, and it is checked that no other use was made of them.
        match self.attempt(compiled, names, Lookups::Strict) {
            Err(Stopped::Undefined(error)) => self.attempt(compiled, names, Lookups::Lenient).map_err(|_| error),
            Err(Stopped::Otherwise(error)) => Err(error),
            Ok(value) => Ok(value),
        }
    }

    fn attempt(
        &self,
        compiled: &Expression<'static, 'static>,
        names: &dyn Names,
        lookups: Lookups,
    ) -> Result<Value, Stopped> {
        let questioned = bridge::Questioned::default();
        let asked = (lookups == Lookups::Lenient).then_some(&questioned);
        let context = self.roots.iter().map(|root| {
            let value = match names.find(root) {
                Found::Value(it) => bridge::within(&it, asked),
                Found::Missing(_) if root == "now" => now(names.now()),
                Found::Missing(why) => bridge::missing(&why, &questioned),
            };
            (root.as_str(), value)
        });
        let context: BTreeMap<&str, JinjaValue> = context.collect();
        let result = compiled.eval(JinjaValue::from(context)).map_err(|it| match it.kind() {
            ErrorKind::UndefinedError => Stopped::Undefined(ExprError::new(explain(&it))),
            _ => Stopped::Otherwise(ExprError::new(explain(&it))),
        })?;
        if let Some(why) = questioned.answer() {
            return Err(Stopped::Otherwise(ExprError::new(why)));
        }
        bridge::from_jinja(&result).map_err(Stopped::Otherwise)
    }
}

/// What is taken of something undefined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lookups {
    /// That is an error.
    Strict,
    /// It is undefined too.
    Lenient,
}

/// Why an attempt gave no value.
enum Stopped {
    /// Something undefined was used.
    Undefined(ExprError),
    Otherwise(ExprError),
}

/// The function `now()`: the text of the instant, as RFC 3339 in UTC.
fn now(instant: Timestamp) -> JinjaValue {
    JinjaValue::from_function(move || instant.to_string())
}

/// The engine's message without its own framing, in the words of the flow language.
fn explain(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => format!("the expression takes too long (more than {FUEL} instructions)"),
        (ErrorKind::UndefinedError, Some(detail)) => detail.to_owned(),
        (ErrorKind::UndefinedError, None) => "a value is undefined".to_owned(),
        (ErrorKind::InvalidOperation | ErrorKind::SyntaxError, Some(detail)) => detail.to_owned(),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    }
}

impl PartialEq for Jinja {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Jinja {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jinja({:?}, {:?})", self.source, self.roots)
    }
}
