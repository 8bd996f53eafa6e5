//! Blueprints: bytes that claim to be a compiled flow.

use drawloom_blueprint::Blueprint;
use drawloom_lang::explain;

use crate::world;

/// Decodes the bytes; what reads must read back the same, can be shown, and runs without a panic.
pub fn blueprints(bytes: &[u8]) {
    let Ok(blueprint) = Blueprint::decode(bytes) else { return };
    let again = Blueprint::decode(&blueprint.encode()).expect("an encoding that reads back");
    assert_eq!(again, blueprint);
    let _ = explain::text(&blueprint, &[]);
    let _ = explain::json(&blueprint, &[]);
    world::drive(blueprint);
}
