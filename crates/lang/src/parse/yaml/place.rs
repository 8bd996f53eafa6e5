//! From the parser's places, which count characters, to byte offsets in the document.

use std::borrow::Cow;

use crate::Span;

/// Every so many characters the byte offset is kept.
const STRIDE: usize = 128;

/// A document in which each pair of escaped surrogates, with which JSON writes characters such as emoji, is the
/// character itself: YAML has no such pairs.
pub(super) struct Joined<'a> {
    pub(super) text: Cow<'a, str>,
    /// Where characters were put in: the offset behind each, and how many bytes the original has more up to there.
    shifts: Vec<(usize, usize)>,
}

/// Joins pairs of surrogates in what may be JSON.
pub(super) fn join_surrogates(text: &str) -> Joined<'_> {
    let unchanged = Joined { text: Cow::Borrowed(text), shifts: Vec::new() };
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']) {
        return unchanged;
    }
    let (mut out, mut shifts, mut from, mut at) = (String::new(), Vec::new(), 0, 0);
    while let Some(found) = text[at..].find('\\') {
        at += found;
        match pair(&text.as_bytes()[at..]) {
            Some(it) => {
                out.push_str(&text[from..at]);
                out.push(it);
                at += PAIR;
                from = at;
                shifts.push((out.len(), at - out.len()));
            }
            // Whatever is escaped, another backslash for instance, begins no escape itself.
            None => at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    if shifts.is_empty() {
        return unchanged;
    }
    out.push_str(&text[from..]);
    Joined { text: Cow::Owned(out), shifts }
}

/// The length of a pair such as `\ud83d\ude00`.
const PAIR: usize = 12;

/// Whether `text` begins with a pair of escaped surrogates.
pub(super) fn is_pair(text: &str) -> bool {
    pair(text.as_bytes()).is_some()
}

fn pair(bytes: &[u8]) -> Option<char> {
    let unit = |at: usize| {
        let escape = bytes.get(at..at + 6)?;
        let digits = escape.strip_prefix(b"\\u").filter(|it| it.iter().all(u8::is_ascii_hexdigit))?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    char::decode_utf16([unit(0)?, unit(6)?]).next()?.ok().filter(|it| it.len_utf16() == 2)
}

/// The way from character counts to offsets in the document.
pub(super) struct Places<'a> {
    text: &'a str,
    /// The byte offset of each [`STRIDE`]th character; empty where each character is one byte.
    marks: Vec<usize>,
    shifts: &'a [(usize, usize)],
}

impl<'a> Places<'a> {
    pub(super) fn new(joined: &'a Joined<'_>) -> Self {
        let text: &str = &joined.text;
        let marks =
            if text.is_ascii() { Vec::new() } else { text.char_indices().step_by(STRIDE).map(|(at, _)| at).collect() };
        Self { text, marks, shifts: &joined.shifts }
    }

    /// The offset in the document of the character with this number.
    pub(super) fn offset(&self, index: usize) -> usize {
        let offset = if self.marks.is_empty() {
            index.min(self.text.len())
        } else {
            let from = self.marks.get(index / STRIDE).copied().unwrap_or(self.text.len());
            let rest = &self.text[from..];
            from + rest.char_indices().nth(index % STRIDE).map_or(rest.len(), |(at, _)| at)
        };
        let shift = self.shifts.partition_point(|(behind, _)| *behind <= offset);
        offset + shift.checked_sub(1).map_or(0, |it| self.shifts[it].1)
    }

    pub(super) fn span(&self, span: saphyr_parser::Span) -> Span {
        Span::new(self.offset(span.start.index()), self.offset(span.end.index()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_are_joined_and_places_stay() {
        let text = r#"{"a": "\ud83d\ude00 \\ud83d\\ude00 \ud83d x", "b": 1}"#;
        let joined = join_surrogates(text);
        assert_eq!(joined.text, r#"{"a": "😀 \\ud83d\\ude00 \ud83d x", "b": 1}"#);
        let places = Places::new(&joined);
        let index = joined.text.chars().position(|it| it == 'b').unwrap();
        assert_eq!(places.offset(index), text.find('b').unwrap());
        assert_eq!(places.offset(3), 3);
        assert_eq!(join_surrogates(r"a: '\ud83d\ude00'").text, r"a: '\ud83d\ude00'");
    }
}
