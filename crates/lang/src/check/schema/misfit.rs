//! Violations of a schema, in plain words and at their places.

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value as Json;

use super::Subject;
use crate::{
    Data, Node, Span,
    check::suggest::{Suggest, shortened, some_of},
};

/// One way in which a value does not fit.
#[derive(Clone, Debug)]
pub(in crate::check) struct Misfit {
    pub(in crate::check) sort: Sort,
    pub(in crate::check) span: Span,
    pub(in crate::check) message: String,
    pub(in crate::check) help: Option<String>,
}

/// What sort of misfit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum Sort {
    /// A member that the schema does not know.
    Unknown,
    /// A member that it asks for.
    Missing,
    /// A value that it does not allow.
    Value,
}

/// Collects misfits.
pub(super) struct Report<'a, 's> {
    pub(super) schema: &'a Json,
    pub(super) subject: Subject<'a>,
    pub(super) suggest: &'s mut Suggest,
    pub(super) found: Vec<Misfit>,
}

/// A place in the value: its node, where it is pointed at, and its name.
struct Place<'a> {
    node: Option<&'a Node>,
    span: Span,
    name: String,
}

impl<'a> Report<'a, '_> {
    pub(super) fn add(&mut self, error: &ValidationError) {
        let place = self.place(error.instance_path().as_str());
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                unexpected.iter().for_each(|name| self.unknown(error, &place, name));
            }
            Kind::Required { property } => {
                let name = shortened(property.as_str().unwrap_or_default());
                let message = format!("`{name}` is missing in {}", place.name);
                self.push(Sort::Missing, place.span, message, self.described(error, &name));
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => match closest_way(context) {
                Some(way) => way.iter().for_each(|it| self.add(it)),
                None => {
                    let message = format!("{} {}", place.name, wanted_of(error, context));
                    self.push(Sort::Value, place.span, message, None);
                }
            },
            _ => {
                let help = self.choice(error);
                let message = format!("{} {}", place.name, wanted(error));
                self.push(Sort::Value, place.span, message, help);
            }
        }
    }

    fn push(&mut self, sort: Sort, span: Span, message: String, help: Option<String>) {
        self.found.push(Misfit { sort, span, message, help });
    }

    fn unknown(&mut self, error: &ValidationError, place: &Place<'a>, name: &str) {
        let members = place.node.and_then(Node::as_object);
        let key = members.and_then(|it| it.iter().find(|(key, _)| key.value == name)).map(|(key, _)| key.span);
        let known = self.properties(error);
        let help = self.suggest.like(name, known.iter().copied()).unwrap_or_else(|| match known.is_empty() {
            true => "nothing may stand here".to_owned(),
            false => format!("known here: {}", some_of(known)),
        });
        let message = format!("unknown field `{}` in {}", shortened(name), place.name);
        self.push(Sort::Unknown, key.unwrap_or(place.span), message, Some(help));
    }

    /// The part of the schema that holds the keyword that is violated.
    fn part(&self, error: &ValidationError) -> Option<&'a Json> {
        let path = error.schema_path().as_str();
        self.schema.pointer(&path[..path.rfind('/')?])
    }

    /// The names of the properties beside the keyword that is violated.
    fn properties(&self, error: &ValidationError) -> Vec<&'a str> {
        let properties = self.part(error).and_then(|it| it.get("properties")).and_then(Json::as_object);
        properties.map(|it| it.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// What the schema says about a property.
    fn described(&self, error: &ValidationError, name: &str) -> Option<String> {
        let text = self.part(error)?.get("properties")?.get(name)?.get("description")?.as_str()?;
        let first = text.lines().next().filter(|it| !it.is_empty())?;
        Some(format!("`{name}`: {}", first.trim_end_matches('.')))
    }

    /// The choice that was probably meant.
    fn choice(&mut self, error: &ValidationError) -> Option<String> {
        let Kind::Enum { options } = error.kind() else { return None };
        let written = error.instance().as_str()?.to_owned();
        let options = options.as_array()?.iter().filter_map(Json::as_str);
        self.suggest.like(&written, options)
    }

    /// The place that a JSON pointer leads to.
    fn place(&self, pointer: &str) -> Place<'a> {
        let mut at = Place { node: self.subject.node, span: self.subject.at, name: self.subject.name.to_owned() };
        let mut names = String::new();
        for part in pointer.split('/').skip(1) {
            let Some(node) = at.node else { return at };
            match &node.data {
                Data::Object(members) => {
                    let name = part.replace("~1", "/").replace("~0", "~");
                    let Some((key, value)) = members.iter().find(|(key, _)| key.value == name) else { return at };
                    if !names.is_empty() {
                        names.push('.');
                    }
                    names.push_str(&shortened(&name));
                    at.node = Some(value);
                    at.span = if matches!(value.data, Data::Object(_) | Data::List(_)) { key.span } else { value.span };
                }
                Data::List(items) => {
                    let Some(item) = part.parse::<usize>().ok().and_then(|it| items.get(it)) else { return at };
                    names.push_str(&format!("[{part}]"));
                    at.node = Some(item);
                    if !matches!(item.data, Data::Object(_) | Data::List(_)) {
                        at.span = item.span;
                    }
                }
                _ => return at,
            }
            at.name = format!("`{names}`");
        }
        at
    }
}

/// Of several ways that a value might have gone, the one that it went furthest.
fn closest_way<'e>(ways: &'e [Vec<ValidationError<'static>>]) -> Option<&'e [ValidationError<'static>]> {
    let is_null = |way: &[ValidationError]| {
        let [one] = way else { return false };
        matches!(one.kind(), Kind::Type { kind: TypeKind::Single(jsonschema::JsonType::Null) })
    };
    let ways: Vec<&'e [ValidationError<'static>]> =
        ways.iter().map(Vec::as_slice).filter(|it| !it.is_empty() && !is_null(it)).collect();
    if let [one] = ways[..] {
        return Some(one);
    }
    let depth = |way: &[ValidationError]| {
        way.iter().map(|it| it.instance_path().as_str().matches('/').count()).min().unwrap_or(0)
    };
    let deepest = ways.iter().map(|it| depth(it)).max()?;
    let mut best = ways.into_iter().filter(|it| depth(it) == deepest);
    let first = best.next()?;
    best.next().is_none().then_some(first)
}

/// What the violated ways ask for, behind the name of the value.
fn wanted_of(error: &ValidationError, ways: &[Vec<ValidationError<'static>>]) -> String {
    let types: Option<Vec<&str>> = ways
        .iter()
        .map(|way| match way.first()?.kind() {
            Kind::Type { kind: TypeKind::Single(it) } => Some(type_name(it.as_str())),
            _ => None,
        })
        .collect();
    match types {
        Some(types) => format!("must be {}, not {}", types.join(" or "), describe(error.instance())),
        None => {
            let ways: Vec<String> = ways.iter().filter_map(|it| it.first()).map(wanted).collect();
            ways.join(", or ")
        }
    }
}

/// What a violated keyword asks for, behind the name of the value.
fn wanted(error: &ValidationError) -> String {
    match error.kind() {
        Kind::Type { kind } => {
            let types: Vec<&str> = match kind {
                TypeKind::Single(it) => vec![type_name(it.as_str())],
                TypeKind::Multiple(it) => it.iter().map(|it| type_name(it.as_str())).collect(),
            };
            format!("must be {}, not {}", types.join(" or "), describe(error.instance()))
        }
        Kind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let shown: Vec<String> =
                options.iter().map(|it| it.as_str().map_or(it.to_string(), str::to_owned)).collect();
            format!("must be one of {}", some_of(shown.iter().map(String::as_str)))
        }
        Kind::Constant { expected_value } => format!("must be `{}`", shortened(&expected_value.to_string())),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("must have at least {}", counted(*limit, "character")),
        Kind::MaxLength { limit } => format!("must have at most {}", counted(*limit, "character")),
        Kind::MinItems { limit } => format!("must have at least {}", counted(*limit, "item")),
        Kind::MaxItems { limit } => format!("must have at most {}", counted(*limit, "item")),
        Kind::MinProperties { limit } => format!("must have at least {}", counted(*limit, "member")),
        Kind::MaxProperties { limit } => format!("must have at most {}", counted(*limit, "member")),
        Kind::Pattern { pattern } => format!("must match `{}`", shortened(pattern)),
        Kind::Format { format } if format == "regex" => "must be a regular expression".to_owned(),
        Kind::Format { format } => format!("must be of the format `{}`", shortened(format)),
        Kind::UniqueItems => "must not have the same item twice".to_owned(),
        Kind::Contains => "lacks an item that it must have".to_owned(),
        Kind::FalseSchema => "must not be there".to_owned(),
        Kind::Required { property } => format!("must have `{}`", shortened(property.as_str().unwrap_or_default())),
        Kind::PropertyNames { error } => format!("has a member whose name is not allowed: it {}", wanted(error)),
        Kind::Not { .. } => "must not have this form".to_owned(),
        Kind::OneOfMultipleValid { .. } => "fits several forms, of which it may fit only one".to_owned(),
        Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } => "has a member too many".to_owned(),
        Kind::Referencing(_) => "has a `$ref` that leads nowhere, or out of the document".to_owned(),
        _ => "does not fit the schema".to_owned(),
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("one {what}") } else { format!("{count} {what}s") }
}

fn type_name(name: &str) -> &'static str {
    match name {
        "null" => "null",
        "boolean" => "a boolean",
        "integer" => "an integer",
        "number" => "a number",
        "string" => "a string",
        "array" => "a list",
        _ => "an object",
    }
}

/// What a value is, for messages.
fn describe(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(it) if it.is_f64() => "a number",
        Json::Number(_) => "an integer",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
