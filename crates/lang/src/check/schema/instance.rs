//! A value of a document as JSON, and the places in it that expressions will fill.

use std::collections::BTreeMap;

use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde_json::{Map, Value as Json};

use crate::{
    Data, Node, Text,
    check::{
        conditions::known_value,
        types::{Type, Types},
    },
    template::{Template, has_expressions},
};

/// A value with placeholders.
pub(super) struct Instance {
    pub(super) json: Json,
    /// What is known of each placeholder, by its JSON pointer.
    holes: BTreeMap<String, Hole>,
}

/// What is known of the value of an expression.
#[derive(Clone, Copy, PartialEq)]
enum Hole {
    Anything,
    Of(Type),
}

impl Instance {
    /// The value of a node; an empty object where there is none.
    pub(super) fn new(node: Option<&Node>, types: &Types) -> Self {
        let mut reading = Reading { types, path: String::new(), holes: BTreeMap::new() };
        let json = node.map_or_else(|| Json::Object(Map::new()), |it| reading.convert(it));
        Self { json, holes: reading.holes }
    }

    /// Whether a violation is one whatever the expressions give.
    pub(super) fn is_certain(&self, error: &ValidationError) -> bool {
        let path = error.instance_path().as_str();
        if self.holes.get(path) == Some(&Hole::Anything) {
            return false;
        }
        if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } = error.kind() {
            return context.iter().all(|way| way.iter().any(|it| self.is_certain(it)));
        }
        let keyword = error.kind().keyword();
        if let Some(hole) = self.holes.get(path) {
            return *hole != Hole::Anything && keyword == "type";
        }
        if self.holes.is_empty() {
            return true;
        }
        // Whether `if` holds may hang on an expression.
        let conditional = error.evaluation_path().as_str().split('/').any(|it| matches!(it, "then" | "else"));
        let structural = matches!(
            keyword,
            "type"
                | "required"
                | "additionalProperties"
                | "propertyNames"
                | "minProperties"
                | "maxProperties"
                | "minItems"
                | "maxItems"
                | "additionalItems"
                | "falseSchema"
        );
        !conditional && (structural || !self.has_holes_below(path))
    }

    fn has_holes_below(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.holes.range(below.clone()..).next().is_some_and(|(it, _)| it.starts_with(&below))
    }
}

/// A value while it is converted.
struct Reading<'a> {
    types: &'a Types<'a>,
    path: String,
    holes: BTreeMap<String, Hole>,
}

impl Reading<'_> {
    /// Documents nest no deeper than [`crate::limits::DEPTH`].
    fn convert(&mut self, node: &Node) -> Json {
        match &node.data {
            Data::Text(it) if has_expressions(&it.value) => {
                known_value(node).map_or_else(|| self.hole(it), |it| Json::from(&it))
            }
            Data::List(items) => items.iter().enumerate().map(|(at, it)| self.part(&at.to_string(), it)).collect(),
            Data::Object(members) => {
                let members = members.iter().map(|(name, it)| {
                    let part = self.part(&name.value.replace('~', "~0").replace('/', "~1"), it);
                    (name.value.clone(), part)
                });
                Json::Object(members.collect())
            }
            _ => Json::from(&node.to_value()),
        }
    }

    fn part(&mut self, name: &str, node: &Node) -> Json {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(name);
        let part = self.convert(node);
        self.path.truncate(length);
        part
    }

    /// A placeholder of the type that the expressions in a text give.
    fn hole(&mut self, text: &Text) -> Json {
        let template = Template::parse(text, &mut Vec::new());
        let of = template.single().map_or(Some(Type::Text), |it| self.types.of(&it.ast));
        self.holes.insert(self.path.clone(), of.map_or(Hole::Anything, Hole::Of));
        match of {
            None => Json::Null,
            Some(Type::Bool) => Json::Bool(false),
            Some(Type::Int | Type::Number) => Json::from(0),
            Some(Type::Text) => Json::String(String::new()),
            Some(Type::List) => Json::Array(Vec::new()),
            Some(Type::Object) => Json::Object(Map::new()),
        }
    }
}
