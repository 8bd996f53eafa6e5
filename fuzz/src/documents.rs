//! Flow documents: read, check, compile both ways, say what is wrong, format.

use drawloom_blueprint::Blueprint;
use drawloom_lang::{Colour, Optimise, Source, compile, explain, fmt, parse_bytes, render, to_json};

use crate::{kinds::options, world};

/// Compiles the bytes as a document. What compiles must read back from its own encoding and run without a panic;
/// formatting must be a fixed point.
pub fn documents(bytes: &[u8]) {
    let Ok(source) = parse_bytes("fuzz.yaml", bytes) else { return };
    if let Ok(once) = fmt::format(&source) {
        let twice = fmt::format(&Source::new("fuzz.yaml", once.clone())).expect("what was formatted can be read");
        assert_eq!(once, twice, "formatting is a fixed point");
    }
    let plain = compile(&source, &options(Optimise::Off));
    let optimised = compile(&source, &options(Optimise::On));
    match (plain, optimised) {
        (Err(problems), Err(_)) => {
            let sources = [source];
            let _ = render(&problems, &sources, Colour::Off);
            let _ = to_json(&problems, &sources);
        }
        (Ok(plain), Ok(optimised)) => {
            for it in [plain, optimised] {
                let back = Blueprint::decode(&it.blueprint.encode()).expect("an encoding that reads back");
                assert_eq!(back, it.blueprint);
                let _ = explain::text(&it.blueprint, &it.explain);
                let _ = explain::json(&it.blueprint, &it.explain);
                world::drive(back);
            }
        }
        _ => panic!("a document compiles both ways or not at all"),
    }
}
