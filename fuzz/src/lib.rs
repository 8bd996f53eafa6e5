//! What each fuzz target does with its bytes. Every function here is total: a panic is a finding.

mod blueprints;
mod documents;
mod expressions;
mod facts;
mod foreign;
mod kinds;
mod world;

pub use blueprints::blueprints;
pub use documents::documents;
pub use expressions::expressions;
pub use facts::facts;
pub use foreign::foreign;
