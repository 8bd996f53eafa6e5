//! The optimiser: passes over a blueprint, each a pure function that also says what it did.
//!
//! **Invariant:** the blueprint that comes out behaves as the one that went in on every input: the same steps
//! end in the same states with the same outputs and errors. Each pass argues in its own file why it keeps that.

mod change;
mod compact;
mod edges;
mod fold;
mod fuse;
mod prune;
mod renumber;

use drawloom_blueprint::Blueprint;

use self::change::Change;
use crate::{Optimise, PassReport};

/// A pass: a blueprint in, a blueprint and what was changed out.
type Pass = fn(Blueprint) -> (Blueprint, Vec<Change>);

/// The passes in their order: each finds more to do for the ones after it.
const PASSES: [(&str, Pass); 5] = [
    ("fold constants", fold::fold),
    ("drop dead branches", prune::prune),
    ("reduce edges", edges::reduce),
    ("drop what is unused", compact::compact),
    ("fuse inline steps", fuse::fuse),
];

/// The blueprint after the passes, and what each of them did.
pub(crate) fn optimise(blueprint: Blueprint, wanted: Optimise) -> (Blueprint, Vec<PassReport>) {
    if wanted == Optimise::Off {
        return (blueprint, Vec::new());
    }
    PASSES.iter().fold((blueprint, Vec::new()), |(blueprint, mut reports), (pass, run)| {
        let (blueprint, changes) = run(blueprint);
        reports.push(PassReport { pass, changes: changes.iter().map(ToString::to_string).collect() });
        (blueprint, reports)
    })
}

#[cfg(test)]
mod tests;
