//! A value of a document as JSON, and the places in it that expressions will fill.

use std::collections::BTreeMap;

use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde_json::{Map, Value as Json};

use crate::{
    Data, Node,
    check::conditions::known_value,
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
    SomeText,
}

impl Instance {
    /// The value of a node; an empty object where there is none.
    pub(super) fn new(node: Option<&Node>) -> Self {
        let mut holes = BTreeMap::new();
        let json = node.map_or_else(|| Json::Object(Map::new()), |it| convert(it, &mut String::new(), &mut holes));
        Self { json, holes }
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
        if self.holes.contains_key(path) {
            return keyword == "type";
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

/// Documents nest no deeper than [`crate::limits::DEPTH`].
fn convert(node: &Node, path: &mut String, holes: &mut BTreeMap<String, Hole>) -> Json {
    let length = path.len();
    match &node.data {
        Data::Text(it) if has_expressions(&it.value) => {
            if let Some(value) = known_value(node) {
                return Json::from(&value);
            }
            let single = Template::parse(it, &mut Vec::new()).single().is_some();
            holes.insert(path.clone(), if single { Hole::Anything } else { Hole::SomeText });
            if single { Json::Null } else { Json::String(it.value.clone()) }
        }
        Data::List(items) => {
            let items = items.iter().enumerate().map(|(at, it)| {
                path.push_str(&format!("/{at}"));
                let item = convert(it, path, holes);
                path.truncate(length);
                item
            });
            Json::Array(items.collect())
        }
        Data::Object(members) => {
            let members = members.iter().map(|(name, it)| {
                path.push('/');
                path.push_str(&name.value.replace('~', "~0").replace('/', "~1"));
                let member = convert(it, path, holes);
                path.truncate(length);
                (name.value.clone(), member)
            });
            Json::Object(members.collect())
        }
        _ => Json::from(&node.to_value()),
    }
}
