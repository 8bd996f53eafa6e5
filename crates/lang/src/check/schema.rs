//! Values of a document against JSON Schemas, with expressions typed as far as they are known.
//!
//! **Invariant:** only what is wrong whatever the expressions give is reported.

mod instance;
mod misfit;

use jsonschema::Validator;
use serde_json::Value as Json;

use super::{suggest::Suggest, types::Types};
use crate::{Node, Span};

pub(super) use misfit::{Misfit, Sort};

/// The validator of a schema; nothing where the schema is not valid.
pub(super) fn validator(schema: &Json) -> Option<Validator> {
    jsonschema::options().should_validate_formats(true).build(schema).ok()
}

/// A schema with its validator.
#[derive(Clone, Copy)]
pub(super) struct Schema<'a> {
    pub(super) json: &'a Json,
    pub(super) validator: &'a Validator,
}

/// What is compared with a schema.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The value; an empty object where there is none.
    pub(super) node: Option<&'a Node>,
    /// Where to point at when the value itself is wrong.
    pub(super) at: Span,
    /// What the value is called in messages, such as `with`.
    pub(super) name: &'a str,
    /// The types of what expressions in it may use.
    pub(super) types: &'a Types<'a>,
}

/// How a value does not fit a schema.
pub(super) fn misfits(schema: Schema, subject: Subject, suggest: &mut Suggest) -> Vec<Misfit> {
    // A value that is wrong in thousands of ways is wrong in these.
    const MOST: usize = 50;
    let instance = instance::Instance::new(subject.node, subject.types);
    let errors = schema.validator.iter_errors(&instance.json);
    let certain = errors.filter(|it| instance.is_certain(it)).take(MOST);
    let mut report = misfit::Report { schema: schema.json, subject, suggest, found: Vec::new() };
    certain.for_each(|it| report.add(&it));
    report.found
}

/// Why a schema is none, where it is none.
pub(super) fn why_invalid(schema: &Json, subject: Subject, suggest: &mut Suggest) -> Vec<Misfit> {
    let error = jsonschema::options().should_validate_formats(true).build(schema).err();
    let mut report = misfit::Report { schema: &Json::Null, subject, suggest, found: Vec::new() };
    error.iter().for_each(|it| report.add(it));
    report.found
}
