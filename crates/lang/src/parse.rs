//! Text to [`Flow`]: reading the document, then its keys.
//!
//! **Invariant:** reading reports every problem that it finds and still gives the flow as far as it could be
//! read, so that the checks can say more; only a document that is no tree at all gives none.

mod fields;
mod flow;
mod policy;
mod reader;
mod step;
mod trigger;
mod yaml;

use crate::{Code, Diagnostic, Source, Span, limits, model::Flow};

/// Reads a document in YAML or JSON.
#[must_use]
pub fn parse(source: &Source) -> (Option<Flow>, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let node = yaml::read(source, &mut problems);
    let mut reader = reader::Reader { problems: &mut problems };
    let flow = node.and_then(|it| flow::read(&mut reader, it, source));
    crate::compile::finish(&mut problems, source);
    (flow, problems)
}

/// The tree of a document, or nothing where it is not one. Problems that leave a tree are reported as well.
pub(crate) fn read(source: &Source, problems: &mut Vec<Diagnostic>) -> Option<crate::Node> {
    yaml::read(source, problems)
}

/// The document with these bytes.
///
/// # Errors
/// Where they are not UTF-8 text, or too many.
pub fn parse_bytes(name: &str, bytes: &[u8]) -> Result<Source, Box<Diagnostic>> {
    let refuse = |code, span, message: String| {
        let mut problem = Diagnostic::new(code, span, message);
        name.clone_into(&mut problem.path);
        Box::new(problem)
    };
    if bytes.len() > limits::DOCUMENT {
        return Err(refuse(Code::DocumentTooLarge, Span::default(), yaml::too_large(bytes.len())));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => {
            let at = error.valid_up_to();
            let message = format!("the byte 0x{:02X} at position {at} is not UTF-8 text", bytes[at]);
            Err(refuse(Code::NotUtf8, Span::new(at, at + 1), message))
        }
    }
}
