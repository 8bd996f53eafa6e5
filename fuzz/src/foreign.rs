//! Documents of other tools.

use drawloom_lang::{Optimise, compile, foreign::load, parse, parse_bytes};

use crate::kinds::options;

/// Converts the bytes; what comes out must be a document of the flow language, whatever else is wrong with it.
pub fn foreign(bytes: &[u8]) {
    let Ok(source) = parse_bytes("fuzz.json", bytes) else { return };
    let Some(loaded) = load(&source) else { return };
    let (flow, problems) = parse(&loaded.source);
    assert!(flow.is_some(), "a conversion makes a document that can be read: {problems:?}\n{}", loaded.source.text());
    let _ = compile(&loaded.source, &options(Optimise::On));
}
