//! The bytes of what is kept: journals and blueprints that were written must be read by every later version, and a
//! version's name is the hash of its bytes.
//!
//! A field or variant that gets another number still comes back from its own binary, but not from an older one. So
//! the hashes of many encodings stand in `pinned.txt`. A line that is new may be added; one that changed is a break of
//! the format, unless the generator in `arbitrary` was changed.

use drawloom_blueprint::{Fact, FlowHash, codec::encode};

use crate::arbitrary::{EXPRS, MOVES, OPS, Source};

/// The hash of what a variant looks like, many times over.
fn line(name: &str, variant: u64, bytes: impl Fn(u64) -> Vec<u8>) -> String {
    let all: Vec<u8> = (0..40).flat_map(|seed| bytes(seed * 1000 + variant)).collect();
    format!("{name} {variant} {}\n", FlowHash::of(&all))
}

#[test]
fn what_is_kept_looks_as_it_always_did() {
    let mut found = String::new();
    for variant in 0..MOVES {
        let bytes = |seed| Fact { moves: vec![Source(seed).fact_move(variant)] }.encode();
        found.push_str(&line("move", variant, bytes));
    }
    for variant in 0..OPS {
        found.push_str(&line("operation", variant, |seed| encode(&Source(seed).op(variant))));
    }
    for variant in 0..EXPRS {
        found.push_str(&line("expression", variant, |seed| encode(&Source(seed).expr(variant, 7))));
    }
    found.push_str(&line("value", 0, |seed| encode(&Source(seed).value(5))));
    found.push_str(&line("blueprint", 0, |seed| Source(seed).blueprint().encode()));
    let pinned = include_str!("pinned.txt");
    for (found, pinned) in found.lines().zip(pinned.lines()) {
        assert_eq!(found, pinned, "this is written otherwise than before");
    }
    assert_eq!(found.lines().count(), pinned.lines().count(), "all of it:\n{found}");
}
