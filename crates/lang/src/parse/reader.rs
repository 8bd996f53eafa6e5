//! Reading typed values out of the tree, and saying what is wrong where they are something else.
//!
//! **Invariant:** a reader gives nothing only after it has reported why.

use std::{ops::RangeInclusive, time::Duration};

use drawloom_blueprint::parse_duration;

use crate::{
    Code, Data, Diagnostic, Node, Span, Spanned, Text, diagnostic::did_you_mean, limits, node::Members,
    template::has_expressions,
};

/// The problems found so far.
pub(super) struct Reader<'a> {
    pub(super) problems: &'a mut Vec<Diagnostic>,
}

/// A value with the key before it.
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) at: Span,
    pub(super) node: Node,
}

impl Reader<'_> {
    /// Keeps a problem, where there is still room for one.
    pub(super) fn report(&mut self, problem: Diagnostic) {
        if self.problems.len() < limits::DIAGNOSTICS {
            self.problems.push(problem);
        }
    }

    /// Reports that `expected` is not what was found.
    pub(super) fn wrong(&mut self, field: &Field, expected: &str) {
        self.wrong_node(&field.node, &format!("`{}`: expected {expected}", field.key), None);
    }

    pub(super) fn wrong_node(&mut self, node: &Node, expected: &str, help: Option<&str>) {
        let message = format!("{expected}, found {}", node.describe());
        let problem = Diagnostic::new(Code::WrongType, head(node), message);
        self.report(problem.maybe_help(help.map(str::to_owned)));
    }

    /// A text, which may hold expressions.
    pub(super) fn text(&mut self, field: Field) -> Option<Text> {
        match field.node.data {
            Data::Text(it) => Some(it),
            Data::Bool(_) | Data::Int(_) | Data::UInt(_) | Data::Float(_) => {
                let expected = format!("`{}`: expected a string", field.key);
                self.wrong_node(&field.node, &expected, Some("put it into quotes to have it as a text"));
                None
            }
            _ => {
                self.wrong(&field, "a string");
                None
            }
        }
    }

    /// A constant text.
    pub(super) fn string(&mut self, field: Field) -> Option<Spanned<String>> {
        self.text(field).map(|it| Spanned::new(it.value, it.span))
    }

    /// A constant text without expressions.
    pub(super) fn constant(&mut self, field: Field) -> Option<Spanned<String>> {
        let key = field.key;
        let it = self.string(field)?;
        if has_expressions(&it.value) {
            self.not_constant(key, it.span);
            return None;
        }
        Some(it)
    }

    fn not_constant(&mut self, key: &str, span: Span) {
        let message = format!("`{key}` must be a constant, not an expression");
        self.report(Diagnostic::new(Code::NotConstant, span, message));
    }

    /// A text that is a name for people or in paths: not blank, not long, without control characters.
    pub(super) fn name(&mut self, field: Field) -> Option<Spanned<String>> {
        let it = self.string(field)?;
        self.check_name(&it);
        Some(it)
    }

    pub(super) fn check_name(&mut self, name: &Spanned<String>) {
        let why = if name.trim().is_empty() {
            "a name must not be blank".to_owned()
        } else if name.chars().count() > limits::NAME {
            format!("a name has at most {} characters", limits::NAME)
        } else if name.contains(char::is_control) {
            "a name has no control characters or line breaks".to_owned()
        } else {
            return;
        };
        self.report(Diagnostic::new(Code::BadName, name.span, why));
    }

    /// A word by which expressions know something: `[a-z][a-z0-9_]*`.
    pub(super) fn check_id(&mut self, id: &Spanned<String>) {
        let fine = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
        let first = id.chars().next();
        let long = id.chars().count() > limits::NAME;
        if first.is_some_and(|it| it.is_ascii_lowercase()) && id.chars().all(fine) && !long {
            return;
        }
        let shown: String = id.chars().take(60).collect();
        let message = if long {
            format!("an id has at most {} characters", limits::NAME)
        } else {
            format!("`{shown}` is not a valid id: small letters, digits and `_`, beginning with a letter")
        };
        let help = slug(id).map(|it| format!("for example `{it}`"));
        self.report(Diagnostic::new(Code::BadId, id.span, message).maybe_help(help));
    }

    /// A word such as an id, checked.
    pub(super) fn id(&mut self, field: Field) -> Option<Spanned<String>> {
        let it = self.string(field)?;
        self.check_id(&it);
        Some(it)
    }

    /// A whole number within `range`.
    pub(super) fn whole(&mut self, field: &Field, range: RangeInclusive<i64>) -> Option<Spanned<i64>> {
        let value = match field.node.data {
            Data::Int(it) => it,
            Data::UInt(_) => i64::MAX,
            Data::Float(it) if it.fract() == 0.0 && it.abs() < 9e15 => it as i64,
            Data::Text(ref it) if has_expressions(&it.value) => {
                self.not_constant(field.key, it.span);
                return None;
            }
            _ => {
                self.wrong(field, "an integer");
                return None;
            }
        };
        if range.contains(&value) {
            return Some(Spanned::new(value, field.node.span));
        }
        let (low, high) = (range.start(), range.end());
        let bounds =
            if *high >= i64::from(u32::MAX) { format!("at least {low}") } else { format!("from {low} to {high}") };
        self.out_of_range(field, &bounds);
        None
    }

    /// A positive whole number.
    pub(super) fn count(&mut self, field: &Field) -> Option<Spanned<u32>> {
        let it = self.whole(field, 1..=i64::from(u32::MAX))?;
        u32::try_from(it.value).ok().map(|value| Spanned::new(value, it.span))
    }

    /// A number within `range`.
    pub(super) fn number(&mut self, field: &Field, range: RangeInclusive<f64>) -> Option<Spanned<f64>> {
        let value = match field.node.data {
            Data::Int(it) => it as f64,
            Data::UInt(it) => it as f64,
            Data::Float(it) => it,
            _ => {
                self.wrong(field, "a number");
                return None;
            }
        };
        if range.contains(&value) {
            return Some(Spanned::new(value, field.node.span));
        }
        self.out_of_range(field, &format!("from {} to {}", range.start(), range.end()));
        None
    }

    fn out_of_range(&mut self, field: &Field, bounds: &str) {
        let message = format!("`{}` must be {bounds}", field.key);
        self.report(Diagnostic::new(Code::OutOfRange, field.node.span, message));
    }

    /// A constant duration such as `1m30s`.
    pub(super) fn duration(&mut self, field: &Field) -> Option<Spanned<Duration>> {
        let span = field.node.span;
        match &field.node.data {
            Data::Text(it) if has_expressions(&it.value) => self.not_constant(field.key, it.span),
            Data::Text(it) => match parse_duration(&it.value) {
                Ok(value) => return Some(Spanned::new(value, span)),
                Err(why) => {
                    let why = if it.value.chars().count() > 100 { "this is not a duration".to_owned() } else { why };
                    self.report(Diagnostic::new(Code::BadDuration, span, format!("`{}`: {why}", field.key)));
                }
            },
            Data::Int(it) => {
                let message = format!("`{}`: a duration needs a unit", field.key);
                let problem = Diagnostic::new(Code::BadDuration, span, message);
                self.report(problem.help(format!("for seconds write {}s", it.saturating_abs())));
            }
            _ => self.wrong(field, "a duration such as 500ms, 5s, 1m30s, 2h or 7d"),
        }
        None
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(&mut self, field: &Field, choices: &[(&str, T)]) -> Option<Spanned<T>> {
        let names = || choices.iter().map(|(name, _)| *name);
        let Some(word) = field.node.as_str() else {
            self.wrong(field, &format!("one of {}", list(names())));
            return None;
        };
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
            return Some(Spanned::new(*value, field.node.span));
        }
        let shown: String = word.chars().take(60).collect();
        let message = format!("`{}`: `{shown}` is none of {}", field.key, list(names()));
        let problem = Diagnostic::new(Code::UnknownChoice, field.node.span, message);
        self.report(problem.maybe_help(did_you_mean(word, names())));
        None
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, field: &Field) -> Option<Spanned<bool>> {
        if let Data::Bool(it) = field.node.data {
            return Some(Spanned::new(it, field.node.span));
        }
        self.wrong(field, "true or false");
        None
    }

    /// Names and values; nothing written is none of them.
    pub(super) fn members(&mut self, field: Field, expected: &str) -> Option<Members> {
        match field.node.data {
            Data::Object(it) => Some(it),
            Data::Null => Some(Members::new()),
            _ => {
                self.wrong(&field, expected);
                None
            }
        }
    }

    /// A free-form object, kept as it is.
    pub(super) fn object(&mut self, field: Field, expected: &str) -> Option<Node> {
        match field.node.data {
            Data::Object(_) => Some(field.node),
            Data::Null => Some(Node::new(Data::Object(Members::new()), field.at)),
            _ => {
                self.wrong(&field, expected);
                None
            }
        }
    }
}

/// The part of a node that is underlined: all of it where it is short, else its beginning.
pub(super) fn head(node: &Node) -> Span {
    match &node.data {
        Data::Object(members) => members.first().map_or(node.span, |(key, _)| key.span),
        Data::List(items) => items.first().map_or(node.span, head),
        _ => node.span,
    }
}

/// Words as they stand in a message: `a`, `b`, `c`.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}

/// What an id could be called instead.
fn slug(id: &str) -> Option<String> {
    let mut slug = String::new();
    for it in id.chars().take(60) {
        let it = it.to_ascii_lowercase();
        if it.is_ascii_lowercase() || (it.is_ascii_digit() && !slug.is_empty()) {
            slug.push(it);
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
    }
    let slug = slug.trim_end_matches('_');
    (!slug.is_empty()).then(|| slug.to_owned())
}
