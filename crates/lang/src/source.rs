//! A text, and places in it.
//!
//! **Invariant:** a span counts bytes of the text that its [`Source`] holds; lines and columns are made from it
//! only where a person reads them, and count characters from 1.

use std::ops::Deref;

/// A part of a text: byte offsets, the end excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

impl Span {
    /// The part from `start` to `end`. Texts are far shorter than 4 GiB; larger offsets are cut off.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let cut = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        Self { start: cut(start), end: cut(end.max(start)) }
    }

    /// The smallest part that holds both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The offsets as a range of positions.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Something, and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spanned<T> {
    /// What stands there.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, which stands at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// What `change` makes of the value, at the same place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), span: self.span }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A place as people count: line and column from 1, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A document with its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
    lines: Vec<u32>,
}

impl Source {
    /// A document called `name`, which is its path where it has one.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let (name, text) = (name.into(), text.into());
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = ends.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
        let lines = std::iter::once(0).chain(starts).collect();
        Self { name, text, lines }
    }

    /// The document's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The document's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands at `span`; nothing where that is no part of the text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Line and column of a byte offset; of the end where the text is shorter.
    #[must_use]
    pub fn place(&self, offset: u32) -> Place {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1] as usize;
        let mut end = (offset as usize).clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        // A byte order mark is no character of the first line.
        let before = self.text[start..end].trim_start_matches('\u{feff}');
        Place { line, column: before.chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_from_one() {
        let source = Source::new("x.yaml", "ab\näö: ü\r\n\nend");
        let places = [(0, 1, 1), (2, 1, 3), (3, 2, 1), (5, 2, 2), (4, 2, 1), (13, 4, 2), (99, 4, 4)];
        for (offset, line, column) in places {
            let offset = if offset == 13 { source.text().find("nd").unwrap() as u32 } else { offset };
            assert_eq!(source.place(offset), Place { line, column }, "{offset}");
        }
        assert_eq!(Source::new("", "").place(7), Place { line: 1, column: 1 });
        assert_eq!(source.slice(Span::new(3, 7)), "äö");
        assert_eq!(source.slice(Span::new(4, 7)), "");
    }
}
