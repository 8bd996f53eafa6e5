//! What the compiler is told beside the document.

use std::collections::BTreeMap;

use crate::Source;

/// Settings of a compilation.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Whether the blueprint is optimised.
    pub optimise: Optimise,
    /// The kinds that task steps may use.
    pub kinds: &'a Kinds,
    /// The documents of sub-flows, by [`crate::child_path`].
    pub children: &'a BTreeMap<String, Source>,
}

/// Whether the blueprint is optimised. Both forms behave the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimise {
    /// Constants are folded, dead branches dropped, chains of inline steps fused.
    #[default]
    On,
    /// One op per step, as written.
    Off,
}

/// The kinds that task steps may use, by name.
#[derive(Clone, Debug, Default)]
pub struct Kinds(BTreeMap<String, KindInfo>);

/// What the compiler knows of a kind.
#[derive(Clone, Debug)]
pub struct KindInfo {
    /// Its name.
    pub name: String,
    /// Where it runs.
    pub placement: Placement,
    /// Where it runs with certain parameters, as they stand in the flow, where that makes a difference.
    pub place: Option<fn(&serde_json::Value) -> Placement>,
    /// The JSON Schema of its `with`: an object. Texts of a property with `"x-raw": true` are taken as they are written:
    /// expressions in them are the kind's own.
    pub schema: serde_json::Value,
}

/// Where a kind runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In the engine, on the spot.
    Inline,
    /// In the process that drives the run.
    Local,
    /// In any worker.
    Worker,
}

impl Kinds {
    /// A table of these kinds.
    #[must_use]
    pub fn new(kinds: impl IntoIterator<Item = KindInfo>) -> Self {
        Self(kinds.into_iter().map(|it| (it.name.clone(), it)).collect())
    }

    /// The kind of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&KindInfo> {
        self.0.get(name)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
