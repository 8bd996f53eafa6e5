//! The flow language: text in, diagnostics and a blueprint out.
//!
//! **Invariant:** this crate is pure: it reads no file, no clock and no environment, and never panics on a
//! document. All problems of a document are reported at once.

mod check;
mod compile;
pub mod cron;
pub mod diagnostic;
mod emit;
pub mod explain;
pub mod fmt;
pub mod foreign;
pub mod limits;
pub mod model;
pub mod node;
mod optimise;
mod options;
mod parse;
mod raw;
mod render;
pub mod schema;
mod source;
pub mod template;
mod text;

pub use compile::{Compiled, PassReport, child_path, compile, sub_flow_files};
pub use diagnostic::{Code, Diagnostic, Label, Severity};
pub use node::{Data, Node};
pub use options::{KindInfo, Kinds, Optimise, Options, Placement};
pub use parse::{parse, parse_bytes};
pub use render::{Colour, render, to_json};
pub use source::{Place, Source, Span, Spanned};
pub use text::Text;
