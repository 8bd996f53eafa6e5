//! Random flows, compiled.

use std::{collections::BTreeMap, sync::Arc};

use drawloom_blueprint::{Blueprint, StepError, Value};
use drawloom_lang::{KindInfo, Kinds, Optimise, Options, Placement, Source, compile};

use crate::generate::Document;

/// The kind that simulated executors do.
pub(crate) const WORK: &str = "work";

/// The kind that the engine evaluates on the spot.
pub(crate) const NOTE: &str = "note";

/// Evaluates the inline kind.
///
/// # Errors
/// Where it is asked to fail, or there is no such kind.
pub(crate) fn inline(kind: &str, with: &Value) -> Result<Value, StepError> {
    match kind {
        NOTE if with.get("fail").is_some_and(Value::is_true) => Err(StepError::invalid("it was to fail")),
        NOTE => Ok(with.get("message").cloned().unwrap_or_default()),
        other => Err(StepError::invalid(format!("no inline kind {other}"))),
    }
}

/// Compiles a document.
///
/// # Errors
/// What the compiler says against it.
pub(crate) fn blueprint(document: &Document, optimise: Optimise) -> Result<Arc<Blueprint>, String> {
    let kind = |name: &str, placement| KindInfo {
        name: name.to_owned(),
        placement,
        place: None,
        schema: serde_json::json!({ "type": "object" }),
    };
    let kinds = Kinds::new([kind(WORK, Placement::Worker), kind(NOTE, Placement::Inline)]);
    let options = Options { optimise, kinds: &kinds, children: &BTreeMap::new() };
    match compile(&Source::new(format!("{}.json", document.name), document.json.to_string()), &options) {
        Ok(it) => Ok(Arc::new(it.blueprint)),
        Err(problems) => Err(format!("{problems:#?}")),
    }
}
