//! A text of a document that may hold expressions, and the way from a place in it to the place in the document.
//!
//! **Invariant:** what a place in the text maps to lies within the text's own span, also where escapes, folded
//! lines or indentation make the document differ from the text.

use std::ops::Range;

use crate::Span;

/// A text, where it stands, and how its bytes lie in the document.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What it says.
    pub value: String,
    /// Where it stands, quotes included.
    pub span: Span,
    places: Places,
}

/// How the bytes of a text lie in the document.
#[derive(Clone, Debug, PartialEq)]
enum Places {
    /// Nowhere literally.
    Nowhere,
    /// One after the other, from this offset on.
    From(u32),
    /// In pieces: from this offset in the text on, the bytes lie from that offset in the document on.
    Pieces(Box<[(u32, u32)]>),
}

impl Text {
    /// A text that does not stand in the document literally; all of it is said to stand at `span`.
    #[must_use]
    pub fn made(value: impl Into<String>, span: Span) -> Self {
        Self { value: value.into(), span, places: Places::Nowhere }
    }

    /// A text whose bytes stand in the document as they are, from `first` on.
    pub(crate) fn literal(value: String, span: Span, first: u32) -> Self {
        Self { value, span, places: Places::From(first) }
    }

    /// A text that stands in the document in pieces, each given by its offset in the text and in the document.
    pub(crate) fn in_pieces(value: String, span: Span, pieces: Vec<(u32, u32)>) -> Self {
        Self { value, span, places: Places::Pieces(pieces.into()) }
    }

    /// Where a part of the text stands in the document.
    #[must_use]
    pub fn place(&self, part: Range<usize>) -> Span {
        let within = |it: usize| it.clamp(self.span.start as usize, self.span.end as usize);
        match &self.places {
            Places::Nowhere => self.span,
            Places::From(first) => {
                let first = *first as usize;
                Span::new(within(first + part.start), within(first + part.end))
            }
            Places::Pieces(pieces) => {
                let at = |offset: usize| {
                    let piece = pieces.partition_point(|(text, _)| *text as usize <= offset);
                    let (text, document) = piece.checked_sub(1).map_or((0, self.span.start), |it| pieces[it]);
                    document as usize + offset - text as usize
                };
                // The end is behind the last byte, which may be the end of a piece.
                let end = if part.end > part.start { at(part.end - 1) + 1 } else { at(part.start) };
                Span::new(within(at(part.start)), within(end))
            }
        }
    }
}
