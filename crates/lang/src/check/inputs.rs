//! Inputs of a flow: their schemas and defaults; and values that are given for them by triggers and sub-flow steps.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::Value as Json;

use super::{
    conditions::known_value,
    schema::{self, Schema, Subject},
    suggest::{Suggest, shortened, some_of},
    types::Types,
};
use crate::{
    Code, Data, Diagnostic, Node, Span,
    model::{Flow, Input},
};

/// An input's schema with what checks values against it.
struct Known {
    json: Json,
    validator: Option<Validator>,
    is_needed: bool,
}

/// The inputs of a flow by name.
pub(super) struct Inputs<'a> {
    known: BTreeMap<&'a str, Known>,
    /// The types of what the values may use.
    types: &'a Types<'a>,
}

impl<'a> Inputs<'a> {
    /// Inputs given by name, schema and whether they have a default.
    pub(super) fn new(inputs: impl Iterator<Item = (&'a str, Json, bool)>, types: &'a Types<'a>) -> Self {
        let known = inputs.map(|(name, json, has_default)| {
            let validator = schema::validator(&json);
            (name, Known { json, validator, is_needed: !has_default })
        });
        Self { known: known.collect(), types }
    }

    /// The inputs of a flow itself.
    pub(super) fn of(flow: &'a Flow, types: &'a Types<'a>) -> Self {
        let input = |it: &'a Input| (it.name.value.as_str(), Json::from(&it.schema.to_value()), it.default.is_some());
        Self::new(flow.inputs.iter().map(input), types)
    }

    /// Reports values that are no inputs or do not fit them.
    pub(super) fn check_given(&self, given: &Node, code: Code, suggest: &mut Suggest, problems: &mut Vec<Diagnostic>) {
        for (key, node) in given.as_object().into_iter().flatten() {
            let name = shortened(&key.value);
            let Some(known) = self.known.get(key.value.as_str()) else {
                let names = self.known.keys().copied();
                let help = suggest.like(&key.value, names.clone()).unwrap_or_else(|| match self.known.is_empty() {
                    true => "the flow has no inputs".to_owned(),
                    false => format!("the inputs are {}", some_of(names)),
                });
                problems.push(Diagnostic::new(code, key.span, format!("unknown input `{name}`")).help(help));
                continue;
            };
            let name = format!("the input `{name}`");
            let subject = Subject { node: Some(node), at: place(node, key.span), name: &name, types: self.types };
            known.check(subject, code, suggest, problems);
        }
    }

    /// The names of inputs that must be given and are not.
    pub(super) fn missing(&self, given: Option<&Node>) -> Vec<&'a str> {
        let needed = self.known.iter().filter(|(_, it)| it.is_needed).map(|(name, _)| *name);
        needed.filter(|name| given.is_none_or(|it| it.get(name).is_none())).collect()
    }
}

impl Known {
    fn check(&self, subject: Subject, code: Code, suggest: &mut Suggest, problems: &mut Vec<Diagnostic>) {
        let Some(validator) = &self.validator else { return };
        for it in schema::misfits(Schema { json: &self.json, validator }, subject, suggest) {
            problems.push(Diagnostic::new(code, it.span, it.message).maybe_help(it.help));
        }
    }
}

/// Where to point at a value: its key where it spreads over lines.
fn place(node: &Node, key: Span) -> Span {
    if matches!(node.data, Data::Object(_) | Data::List(_)) { key } else { node.span }
}

/// Checks the schemas of a flow's inputs and their defaults.
pub(super) fn check(flow: &Flow, inputs: &Inputs, suggest: &mut Suggest, problems: &mut Vec<Diagnostic>) {
    for input in &flow.inputs {
        let Some(known) = inputs.known.get(input.name.value.as_str()) else { continue };
        if known.validator.is_none() {
            problems.push(invalid(input, &known.json, inputs.types, suggest));
        } else if let Some(default) = &input.default
            && known_value(default).is_some()
        {
            let name = format!("the default of `{}`", shortened(&input.name.value));
            let at = place(default, input.name.span);
            let subject = Subject { node: Some(default), at, name: &name, types: inputs.types };
            known.check(subject, Code::BadDefault, suggest, problems);
        }
    }
}

/// The types of JSON Schema, and what other languages call them.
const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];
const ELSEWHERE: [(&str, &str); 14] = [
    ("str", "string"),
    ("text", "string"),
    ("date", "string"),
    ("int", "integer"),
    ("i64", "integer"),
    ("long", "integer"),
    ("float", "number"),
    ("double", "number"),
    ("bool", "boolean"),
    ("list", "array"),
    ("dict", "object"),
    ("map", "object"),
    ("json", "object"),
    ("any", "no type at all"),
];

/// Why a schema is none.
fn invalid(input: &Input, json: &Json, types: &Types, suggest: &mut Suggest) -> Diagnostic {
    let name = shortened(&input.name.value);
    let wrong_type = bad_type(&input.schema);
    if let Some((text, span)) = wrong_type {
        let message = format!("`{}` is not a type of JSON Schema", shortened(text));
        let known = ELSEWHERE.iter().find(|(it, _)| *it == text).map(|(_, it)| format!("did you mean `{it}`?"));
        let help = match text {
            "any" => Some("leave `type` out to allow any value".to_owned()),
            "date" => Some("write `{ type: string, format: date }`".to_owned()),
            _ => known.or_else(|| suggest.like(text, TYPES)),
        };
        let help = help.unwrap_or_else(|| format!("the types are {}", some_of(TYPES)));
        return Diagnostic::new(Code::BadSchema, span, message).help(help);
    }
    let subject = Subject { node: Some(&input.schema), at: input.name.span, name: "it", types };
    let why = schema::why_invalid(json, subject, suggest).into_iter().next();
    let (span, why) = why.map_or((input.name.span, "it cannot be read".to_owned()), |it| (it.span, it.message));
    Diagnostic::new(Code::BadSchema, span, format!("the schema of `{name}` is not valid: {why}"))
}

/// The first `type` in a schema that is none, with its place.
fn bad_type(schema: &Node) -> Option<(&str, Span)> {
    let members = schema.as_object()?;
    for (key, node) in members {
        match (key.value.as_str(), &node.data) {
            ("type", Data::Text(it)) if !TYPES.contains(&it.value.as_str()) => return Some((&it.value, it.span)),
            ("properties" | "$defs" | "patternProperties", Data::Object(inner)) => {
                if let Some(found) = inner.iter().find_map(|(_, it)| bad_type(it)) {
                    return Some(found);
                }
            }
            ("items" | "additionalProperties" | "not" | "contains", Data::Object(_)) => {
                if let Some(found) = bad_type(node) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}
