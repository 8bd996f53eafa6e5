//! Canonical formatting that keeps comments, and documents written from values.
//!
//! **Invariant:** formatting changes neither what a document says nor its comments. Whatever the printer makes is read
//! again and compared; where anything differs, the document stays as it was written.

mod comments;
mod flow;
mod order;
mod print;
mod read;
mod scalar;
#[cfg(test)]
mod tests;
mod tree;
mod yaml;

use drawloom_blueprint::Value;

use crate::{Diagnostic, Source};

pub use yaml::to_yaml;

/// The document in canonical form: two spaces of indentation, lists indented below their key, at most one blank line
/// in a row, `id` first in a step, lists and objects in brackets where they were and fit into a line.
///
/// # Errors
/// Where the document is no YAML or JSON; what it says is not looked at.
pub fn format(source: &Source) -> Result<String, Vec<Diagnostic>> {
    let before = value(source)?;
    Ok(canonical(source, &before).unwrap_or_else(|| source.text().to_owned()))
}

/// The canonical form of a document that says `before`; nothing where it cannot be made without harm.
fn canonical(source: &Source, before: &Value) -> Option<String> {
    let text = source.text().trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut document = read::read(&text)?;
    order::order(&mut document);
    let after = Source::new(source.name(), print::print(&document));
    let same = value(&after).is_ok_and(|it| it == *before) && comments::texts(after.text()) == comments::texts(&text);
    same.then(|| after.text().to_owned())
}

/// What a document says, places and spelling aside.
fn value(source: &Source) -> Result<Value, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let node = crate::parse::read(source, &mut problems);
    crate::compile::finish(&mut problems, source);
    match node {
        Some(node) if !problems.iter().any(Diagnostic::is_error) => Ok(node.to_value()),
        _ => Err(problems),
    }
}
