//! The JSON Schema of the flow language, for editors and other tools, made from Rust types.
//!
//! **Invariant:** the types here mirror the keys that the reader accepts, no more and no fewer (a test drives the
//! reader to compare); what only the compiler can tell, such as references, a schema does not try to say.

#![expect(dead_code, reason = "the types are never built: their schemas are what they are for")]

mod flow;
mod kinds;
mod policy;
mod step;
#[cfg(test)]
mod tests;
mod trigger;
mod value;

use schemars::{Schema, generate::SchemaSettings};
use serde_json::{Value as Json, json};

use crate::Kinds;

/// The name by which other schemas can refer to this one.
pub const ID: &str = "urn:drawloom:flow:1";

/// The schema of a flow whose task steps use `kinds`, in JSON Schema 2020-12.
#[must_use]
pub fn schema(kinds: &Kinds) -> Json {
    let mut root: Schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<flow::Flow>();
    root.insert("$id".to_owned(), ID.into());
    root.insert("title".to_owned(), "A Drawloom flow".into());
    root.insert("examples".to_owned(), json!([example()]));
    let mut schema = root.to_value();
    kinds::insert(&mut schema, kinds);
    schema
}

/// A small flow, to show what one looks like.
fn example() -> Json {
    json!({
        "drawloom": 1,
        "name": "hello",
        "inputs": { "name": { "type": "string", "default": "world" } },
        "steps": [{ "id": "greet", "uses": "log", "with": { "message": "Hello, {{ inputs.name }}!" } }],
        "outputs": { "greeting": "{{ greet }}" }
    })
}
