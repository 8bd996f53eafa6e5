//! Texts with `${…}` in them, taken apart; and plain text made safe for a flow, where `{{` begins an expression.

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// As it stands.
    Text(String),
    /// What stands between `${` and `}`.
    Reference(&'a str),
}

/// The parts of `text`. `$${` and `\${` stand for the characters `${`; a `${` without end is text.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let before = &rest[..at];
        if let Some(before) = before.strip_suffix(['$', '\\']) {
            plain.push_str(before);
            plain.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        plain.push_str(before);
        let inner = &rest[at + 2..];
        let Some(end) = reference_end(inner) else {
            rest = &rest[at..];
            break;
        };
        if !plain.is_empty() {
            out.push(Piece::Text(std::mem::take(&mut plain)));
        }
        out.push(Piece::Reference(inner[..end].trim()));
        rest = &inner[end + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        out.push(Piece::Text(plain));
    }
    out
}

/// Where the `}` stands that ends a reference, past inner braces and quoted text.
pub(super) fn reference_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// `text` as a flow spells it so that nothing in it is an expression.
pub(super) fn escape(text: &str) -> String {
    text.replace("{{", "{{ '{{' }}")
}

/// `text` between quotes, as an expression spells it; single ones where that works, as expressions mostly stand
/// between double ones.
pub(super) fn quoted(text: &str) -> String {
    if !text.contains(['\'', '\\', '\n', '\r', '\t']) {
        return format!("'{text}'");
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
