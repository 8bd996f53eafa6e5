//! Expressions: what stands between `{{` and `}}`, and the lists, objects and texts around them.
//!
//! Most expressions are a constant or a plain path and never meet the template engine; the others are compiled
//! by `minijinja` at their first use in a process and kept.
//!
//! **Invariant:** evaluation does no I/O, takes bounded time (fuel) and bounded memory ([`OUTPUT_MAX`]), and an
//! undefined value is an error wherever it would be used.

mod bounded;
mod bridge;
mod jinja;

use std::{fmt, sync::Arc};

use minicbor::{Decode, Encode};

use crate::{Blueprint, DEPTH_MAX, ExprIx, Object, Timestamp, Value};

pub use jinja::{FILTERS, FUNCTIONS, Jinja, TESTS};

/// The largest text or list, in bytes, that an expression may make.
pub const OUTPUT_MAX: usize = 16 * 1024 * 1024;

/// The number of instructions that one evaluation may take.
pub const FUEL: u64 = 2_000_000;

/// The most words and signs in one expression; its tree is no deeper than that.
pub const TOKENS_MAX: usize = 1_000;

/// An expression in a blueprint's arena. Parts stand before the whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A value known at compile time.
    Const(Value),
    /// A name and what is taken of it: `fetch.body.items[0]`.
    Path {
        /// The top-level name.
        root: String,
        /// The way into its value.
        tail: Vec<Seg>,
    },
    /// Anything else between braces.
    Jinja(Jinja),
    /// The texts of these, one after the other.
    Text(Vec<ExprIx>),
    /// A list of these.
    List(Vec<ExprIx>),
    /// An object of these.
    Object(Vec<(Arc<str>, ExprIx)>),
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Seg {
    /// `.name` or `["name"]`
    #[n(0)]
    Name(#[n(0)] String),
    /// `[0]`; negative numbers count from the end.
    #[n(1)]
    Index(#[n(0)] i64),
}

/// What a top-level name stands for just now.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// This value.
    Value(Value),
    /// Nothing, for this reason (`step "a" was skipped`); `default` may stand in.
    Missing(Arc<str>),
}

/// Who knows what the top-level names stand for: a run at one place, or the compiler that folds constants.
pub trait Names {
    /// What `name` stands for.
    fn find(&self, name: &str) -> Found;

    /// The instant that `now()` gives: that of the fact that caused the evaluation.
    fn now(&self) -> Timestamp;
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", place.as_deref().map(|it| format!(", in `{{{{ {it} }}}}`")).unwrap_or_default())]
pub struct ExprError {
    /// What went wrong.
    pub message: String,
    /// The expression, shortened where it is long.
    pub place: Option<String>,
}

impl ExprError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None }
    }

    fn within(mut self, source: impl fmt::Display) -> Self {
        let source = source.to_string();
        let short: String = source.trim().chars().take(200).collect();
        self.place = Some(if short.len() < source.trim().len() { format!("{short}…") } else { short });
        self
    }
}

impl Expr {
    /// An expression for the template engine; `roots` are the top-level names that it reads.
    #[must_use]
    pub fn jinja(source: String, roots: Vec<String>) -> Self {
        Self::Jinja(Jinja::new(source, roots))
    }

    /// The expressions that this one is made of.
    #[must_use]
    pub fn parts(&self) -> Vec<ExprIx> {
        match self {
            Self::Text(parts) | Self::List(parts) => parts.clone(),
            Self::Object(parts) => parts.iter().map(|(_, ix)| *ix).collect(),
            Self::Const(_) | Self::Path { .. } | Self::Jinja(_) => Vec::new(),
        }
    }
}

impl Blueprint {
    /// The value of the expression at `ix`.
    ///
    /// # Errors
    /// Where something is undefined or of the wrong type, or a limit is reached.
    pub fn eval(&self, ix: ExprIx, names: &dyn Names) -> Result<Value, ExprError> {
        eval(&self.exprs, ix, names)
    }
}

/// The value of the expression at `ix` of an arena. Parts stand before the whole, so this ends.
///
/// # Errors
/// Where something is undefined or of the wrong type, or a limit is reached.
pub fn eval(arena: &[Expr], ix: ExprIx, names: &dyn Names) -> Result<Value, ExprError> {
    let value = eval_part(arena, ix, names)?;
    // What wraps other values may nest deeper than they do, a little more each time a loop comes by.
    let wraps = matches!(&arena[ix.ix()], Expr::List(_) | Expr::Object(_) | Expr::Jinja(_));
    if wraps && value.is_deeper_than(DEPTH_MAX) {
        return Err(ExprError::new(format!("the value is nested deeper than {DEPTH_MAX} levels")));
    }
    Ok(value)
}

fn eval_part(arena: &[Expr], ix: ExprIx, names: &dyn Names) -> Result<Value, ExprError> {
    match &arena[ix.ix()] {
        Expr::Const(it) => Ok(it.clone()),
        Expr::Path { root, tail } => walk(names.find(root), tail).map_err(|it| it.within(PathText { root, tail })),
        Expr::Jinja(it) => it.eval(names).map_err(|error| error.within(&it.source)),
        Expr::List(parts) => {
            let mut items = Vec::with_capacity(parts.len());
            for part in parts {
                items.push(eval_part(arena, *part, names)?);
            }
            Ok(items.into())
        }
        Expr::Object(parts) => {
            // Collecting results would not know how many there are.
            let mut members = Vec::with_capacity(parts.len());
            for (name, part) in parts {
                members.push((Arc::clone(name), eval_part(arena, *part, names)?));
            }
            Ok(Value::Object(Object::new(members)))
        }
        Expr::Text(parts) => {
            let mut text = String::new();
            for part in parts {
                push_text(&mut text, &eval_part(arena, *part, names)?);
                if text.len() > OUTPUT_MAX {
                    return Err(ExprError::new(format!("the text is longer than {OUTPUT_MAX} bytes")));
                }
            }
            Ok(text.into())
        }
    }
}

/// Writes a value into a text: texts as they are, everything else as JSON (`null` as nothing would hide faults).
pub fn push_text(text: &mut String, value: &Value) {
    match value {
        Value::Str(it) => text.push_str(it),
        other => text.push_str(&other.to_json()),
    }
}

fn walk(root: Found, tail: &[Seg]) -> Result<Value, ExprError> {
    let mut at = match root {
        Found::Value(it) => it,
        Found::Missing(why) => return Err(ExprError::new(why.to_string())),
    };
    for seg in tail {
        let next = match (seg, &at) {
            (Seg::Name(name), Value::Object(it)) => it.get(name),
            (Seg::Index(index), Value::List(it)) => position(*index, it.len()).map(|at| &it[at]),
            _ => None,
        };
        match next {
            Some(it) => at = it.clone(),
            None => return Err(ExprError::new(missing(seg, &at))),
        }
    }
    Ok(at)
}

/// The position that an index means in a list of `len` items; negative ones count from the end.
fn position(index: i64, len: usize) -> Option<usize> {
    let len = i64::try_from(len).ok()?;
    let at = if index < 0 { len + index } else { index };
    (0..len).contains(&at).then(|| usize::try_from(at).ok())?
}

/// Why `seg` leads nowhere from `from`.
fn missing(seg: &Seg, from: &Value) -> String {
    match (seg, from) {
        (Seg::Name(name), Value::Object(it)) => {
            let known: Vec<&str> = it.iter().take(8).map(|(name, _)| &**name).collect();
            let more = if it.len() > 8 { ", …" } else { "" };
            format!("`{name}` is undefined (there is: {}{more})", known.join(", "))
        }
        (Seg::Index(index), Value::List(it)) => format!("there is no item {index} in a list of {}", it.len()),
        (Seg::Name(name), other) => {
            format!("`{name}` is undefined: this is of type {}, not an object", other.type_name())
        }
        (Seg::Index(index), other) => {
            format!("there is no item {index}: this is of type {}, not a list", other.type_name())
        }
    }
}

struct PathText<'a> {
    root: &'a str,
    tail: &'a [Seg],
}

impl fmt::Display for PathText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.root)?;
        for seg in self.tail {
            match seg {
                Seg::Name(it) => write!(f, ".{it}")?,
                Seg::Index(it) => write!(f, "[{it}]")?,
            }
        }
        Ok(())
    }
}
