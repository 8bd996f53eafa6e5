//! Steps by their ids, found once for all runs of a blueprint.
//!
//! **Invariant:** it is derived from the steps alone, so it is neither kept nor compared; a copy of a blueprint,
//! which may be changed, starts without.

use std::{hash::BuildHasher, sync::OnceLock};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::{Step, StepIx};

/// The lookup of a blueprint; it is built at the first question.
#[derive(Debug, Default)]
pub struct Lookup(OnceLock<(DefaultHashBuilder, HashTable<StepIx>)>);

impl Lookup {
    /// The first of `steps` with this id.
    pub(crate) fn find(&self, steps: &[Step], id: &str) -> Option<StepIx> {
        let (hasher, table) = self.0.get_or_init(|| build(steps));
        table.find(hasher.hash_one(id), |at| steps.get(at.ix()).is_some_and(|it| it.id == id)).copied()
    }
}

fn build(steps: &[Step]) -> (DefaultHashBuilder, HashTable<StepIx>) {
    let hasher = DefaultHashBuilder::default();
    let mut table = HashTable::with_capacity(steps.len());
    for (step, at) in steps.iter().zip(0..) {
        let is_same = |it: &StepIx| steps[it.ix()].id == step.id;
        let hash = |it: &StepIx| hasher.hash_one(steps[it.ix()].id.as_str());
        table.entry(hasher.hash_one(step.id.as_str()), is_same, hash).or_insert(StepIx(at));
    }
    (hasher, table)
}

impl Clone for Lookup {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Lookup {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
