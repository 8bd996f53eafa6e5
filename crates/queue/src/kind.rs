//! What a kind says of itself.

use drawloom_blueprint::Value;

/// Where tasks of a kind are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// By the engine, on the spot: no I/O, bounded time.
    Inline,
    /// In the process that owns the run.
    Local,
    /// By any worker.
    Worker,
}

impl Placement {
    /// The name in listings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Local => "local",
            Self::Worker => "worker",
        }
    }
}

/// The description of a kind: the one source of compiler checks, editor forms and documentation.
#[derive(Clone, Debug)]
pub struct KindInfo {
    /// Its name in `uses:`.
    pub name: &'static str,
    /// Raised whenever the same parameters may give another result than before: results in the cache are then not used
    /// again.
    pub version: u32,
    /// One sentence on what it does.
    pub summary: &'static str,
    /// Where it is done.
    pub placement: Placement,
    /// The JSON Schema of `with`.
    ///
    /// A property with `"x-raw": true` takes texts as they are written in the flow: what stands between braces in
    /// them is for the kind, not for the flow.
    pub with: Value,
    /// The JSON Schema of what it returns.
    pub returns: Value,
    /// Its page, in Markdown, with an example that runs.
    pub docs: &'static str,
}
