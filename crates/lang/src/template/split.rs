//! Finds the expressions of a text.
//!
//! **Invariant:** each byte is looked at once, whatever the text.

use std::ops::Range;

use crate::{Code, Diagnostic, Text};

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Plain text, never empty.
    Plain(&'a str),
    /// What stands between `{{` and `}}`.
    Expr(Range<usize>),
}

/// An expression that is not closed. The rest of the text belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unclosed {
    start: usize,
    quote: Option<usize>,
}

impl Unclosed {
    pub(super) fn report(&self, text: &Text) -> Diagnostic {
        let braces = text.place(self.start..self.start + 2);
        let problem = Diagnostic::new(Code::UnclosedExpression, braces, "this `{{` has no matching `}}`");
        match self.quote {
            Some(at) => problem.label(text.place(at..at + 1), "this quote is not closed"),
            None => problem.help("close it with `}}`; for the braces themselves write `{{ \"{{\" }}`"),
        }
    }
}

/// The parts of a text, in order. `{{-` and `-}}` take the spaces beside them away, as in Jinja.
pub(super) fn split(text: &str) -> Vec<Result<Piece<'_>, Unclosed>> {
    let (mut pieces, mut from, mut trim) = (Vec::new(), 0, false);
    loop {
        let open = text[from..].find("{{").map(|it| from + it);
        let mut plain = &text[from..open.unwrap_or(text.len())];
        if trim {
            plain = plain.trim_start();
        }
        let Some(open) = open else {
            push_plain(&mut pieces, plain);
            return pieces;
        };
        let end = close(text, open);
        let mut inner = open + 2..end.clone().unwrap_or(text.len());
        let source = &text[inner.clone()];
        if source.starts_with('-') && source[1..].starts_with(char::is_whitespace) {
            plain = plain.trim_end();
            inner.start += 1;
        }
        trim = source.len() > 1 && source.ends_with('-') && source[..source.len() - 1].ends_with(char::is_whitespace);
        if trim {
            inner.end = inner.end.saturating_sub(1).max(inner.start);
        }
        push_plain(&mut pieces, plain);
        match end {
            Ok(end) => {
                pieces.push(Ok(Piece::Expr(inner)));
                from = end + 2;
            }
            Err(unclosed) => {
                pieces.push(Err(unclosed));
                return pieces;
            }
        }
    }
}

fn push_plain<'a>(pieces: &mut Vec<Result<Piece<'a>, Unclosed>>, plain: &'a str) {
    if !plain.is_empty() {
        pieces.push(Ok(Piece::Plain(plain)));
    }
}

/// The offset of the `}}` that closes the `{{` at `open`.
fn close(text: &str, open: usize) -> Result<usize, Unclosed> {
    let bytes = text.as_bytes();
    let (mut depth, mut quote, mut at) = (0_usize, None, open + 2);
    while at < bytes.len() {
        match (bytes[at], quote) {
            (b'\\', Some(_)) => at += 1,
            (byte, Some(start)) if byte == bytes[start] => quote = None,
            (_, Some(_)) => {}
            (b'"' | b'\'', None) => quote = Some(at),
            (b'{', None) => depth += 1,
            (b'}', None) if depth > 0 => depth -= 1,
            (b'}', None) if bytes.get(at + 1) == Some(&b'}') => return Ok(at),
            _ => {}
        }
        at += 1;
    }
    Err(Unclosed { start: open, quote })
}
