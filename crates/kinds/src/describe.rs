//! Descriptions of kinds, made from their Rust types.
//!
//! **Invariant:** the schemas hold no references and no combinators, so that a compiler can map each violation to
//! one place in a document; and a default is a value that may be given.

use drawloom_blueprint::Value;
use drawloom_queue::{KindInfo, Placement};
use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};

/// What a kind says of itself besides its types.
pub(crate) struct About {
    pub(crate) name: &'static str,
    /// Raised whenever the same parameters may give another result than before.
    pub(crate) version: u32,
    pub(crate) summary: &'static str,
    pub(crate) placement: Placement,
    pub(crate) docs: &'static str,
}

/// The description of a kind with parameters `W` that returns `R`.
pub(crate) fn describe<W: JsonSchema, R: JsonSchema>(about: &About) -> KindInfo {
    let &About { name, version, summary, placement, docs } = about;
    KindInfo { name, version, summary, placement, with: schema::<W>(), returns: schema::<R>(), docs }
}

fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|it| {
        it.meta_schema = None;
        it.inline_subschemas = true;
    });
    let settings = settings.with_transform(RecursiveTransform(drop_absence));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    Value::from(schema.to_value())
}

/// Takes a default of null away: it says that a parameter may be left out, not what it then is.
fn drop_absence(schema: &mut Schema) {
    if schema.get("default").is_some_and(serde_json::Value::is_null) {
        schema.remove("default");
    }
}
