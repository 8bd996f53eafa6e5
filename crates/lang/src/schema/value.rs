//! Kinds of values: durations, conditions, ids and their like.

use std::borrow::Cow;

use drawloom_blueprint::{ErrorClass as Class, TriggerRule as Rule};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! value {
    ($(#[doc = $doc:literal] $name:ident $schema:expr;)*) => {
        $(
            #[doc = $doc]
            pub(super) struct $name;

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                    let make: fn(&mut SchemaGenerator) -> Schema = $schema;
                    let mut schema = make(generator);
                    schema.insert("description".to_owned(), $doc.trim().into());
                    schema
                }
            }
        )*
    };
}

value! {
    /// A text with an expression in it, such as `{{ inputs.limit }}`.
    Expression |_| json_schema!({ "type": "string", "pattern": "\\{\\{[\\s\\S]*\\}\\}" });
    /// A text, which may hold expressions between `{{` and `}}`.
    Text |_| json_schema!({ "type": "string" });
    /// A span of time, such as `500ms`, `5s`, `1m30s`, `2h` or `7d`.
    Duration |_| json_schema!({
        "type": "string",
        "pattern": "^\\s*(?=\\d)(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?\\s*$",
        "examples": ["500ms", "5s", "1m30s", "2h", "7d"]
    });
    /// An expression that holds or does not, or `true` or `false`.
    Condition |_| json_schema!({ "type": ["string", "boolean"] });
    /// A name in the flow: small letters, digits and `_`, beginning with a letter.
    Id |_| json_schema!({ "type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 200 });
    /// A name for people.
    Name |_| json_schema!({ "type": "string", "pattern": "\\S", "maxLength": 200 });
    /// A whole number of at least 1, or an expression that gives one.
    Amount |generator| json_schema!({
        "anyOf": [{ "type": "integer", "minimum": 1 }, generator.subschema_for::<Expression>()]
    });
    /// A time: a span from now, a number of seconds, or an expression.
    Time |_| json_schema!({ "type": ["string", "number"] });
    /// A message: text, a number, or `true` or `false`.
    Message |_| json_schema!({ "type": ["string", "number", "boolean", "null"] });
    /// Any value; the texts in it may hold expressions.
    Any |_| json_schema!({});
    /// Names and values; the texts in them may hold expressions.
    Object |_| json_schema!({ "type": ["object", "null"] });
    /// A class of errors.
    ErrorClass |_| json_schema!({ "type": "string", "enum": Class::ALL.map(Class::name) });
    /// When a step runs, given how the steps that it needs have ended.
    TriggerRule |_| json_schema!({ "type": "string", "enum": Rule::ALL.map(|(name, _)| name), "default": "all_success" });
}
