//! What a document may cost: every bound of the reader and of expressions in one place.

/// The largest document, in bytes: a flow of 100,000 steps has room.
pub const DOCUMENT: usize = 32 * 1024 * 1024;
/// The longest text in a document, in bytes.
pub const SCALAR: usize = 4 * 1024 * 1024;
/// The deepest nesting of lists and objects.
pub const DEPTH: usize = drawloom_blueprint::DEPTH_MAX;
/// How many values a document may hold.
pub const NODES: usize = 5_000_000;
/// How many values anchors and aliases may repeat; 100 bytes of text count as one more value.
pub const ALIASED: usize = 100_000;
/// The longest name, in characters.
pub const NAME: usize = 200;
/// The most words and signs in one expression; its tree is no deeper than that.
pub const TOKENS: usize = drawloom_blueprint::expr::TOKENS_MAX;
/// The most problems that are reported for one document.
pub const DIAGNOSTICS: usize = 1_000;
/// How many needs the steps of a flow may have in all; a need of a group counts for each of its steps.
pub const NEEDS: usize = 1_000_000;
/// The deepest nesting of sub-flows.
pub const SUB_FLOWS: usize = 32;
