//! Output as it comes: bytes become lines without secrets.
//!
//! **Invariant:** no line is longer than [`LINE_MAX`] bytes, and a secret is never cut in two, which would let its
//! halves out.

use std::{borrow::Cow, sync::Arc};

use drawloom_queue::{Line, OutputSink, Redactor, Stream};

/// The longest line; longer ones come in pieces.
pub(crate) const LINE_MAX: usize = 16 * 1024;
/// How much of a line without an end is held before a piece of it is let go.
const HELD_MAX: usize = 4 * LINE_MAX;
/// How far before the end of the held bytes a cut is sought: no shorter than a secret is likely to be.
const CUT_BEHIND: usize = 4 * 1024;

/// How far the places lie apart at which a cut is tried: a prime, for text that repeats itself.
const CUT_STEP: usize = 97;

/// Where lines of an attempt go.
#[derive(Clone)]
pub(crate) struct Lines {
    redactor: Redactor,
    sink: Arc<dyn OutputSink>,
}

impl Lines {
    pub(crate) fn new(redactor: Redactor, sink: Arc<dyn OutputSink>) -> Self {
        Self { redactor, sink }
    }

    /// Hides secrets in `text`, which may have many lines, and sends them.
    pub(crate) fn send(&self, stream: Stream, text: &str) {
        let text = self.redactor.text(text);
        for line in text.split('\n') {
            let mut rest = line.strip_suffix('\r').unwrap_or(line);
            loop {
                let (piece, more) = rest.split_at(rest.floor_char_boundary(LINE_MAX));
                self.sink.line(Line { stream, text: piece.to_owned() });
                if more.is_empty() {
                    break;
                }
                rest = more;
            }
        }
    }
}

/// Splits the bytes of one stream into lines.
pub(crate) struct Splitter {
    stream: Stream,
    held: Vec<u8>,
}

impl Splitter {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, held: Vec::new() }
    }

    /// Takes more bytes and sends the lines that they complete.
    pub(crate) fn push(&mut self, mut bytes: &[u8], lines: &Lines) {
        while let Some(end) = bytes.iter().position(|it| *it == b'\n') {
            if self.held.is_empty() {
                lines.send(self.stream, &String::from_utf8_lossy(&bytes[..end]));
            } else {
                self.held.extend_from_slice(&bytes[..end]);
                lines.send(self.stream, &String::from_utf8_lossy(&self.held));
                self.held.clear();
            }
            bytes = &bytes[end + 1..];
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() > HELD_MAX {
            let cut = safe_cut(&lines.redactor, &self.held);
            lines.send(self.stream, &String::from_utf8_lossy(&self.held[..cut]));
            self.held.drain(..cut);
        }
    }

    /// Sends what is left.
    pub(crate) fn end(&mut self, lines: &Lines) {
        if !self.held.is_empty() {
            lines.send(self.stream, &String::from_utf8_lossy(&self.held));
            self.held.clear();
        }
    }
}

/// A place near the end of `bytes` where they can be cut without cutting a character or a secret in two.
pub(crate) fn safe_cut(redactor: &Redactor, bytes: &[u8]) -> usize {
    let last = char_start(bytes, bytes.len().saturating_sub(CUT_BEHIND));
    if redactor.is_empty() {
        return last;
    }
    // Only what lies around the cut matters.
    let from = char_start(bytes, last.saturating_sub(2 * CUT_BEHIND));
    let whole = String::from_utf8_lossy(&bytes[from..]);
    let whole = redactor.text(&whole);
    let mut cut = last;
    while cut > from {
        let (before, after) = (lossy(redactor, &bytes[from..cut]), lossy(redactor, &bytes[cut..]));
        if before.len() + after.len() == whole.len() && whole.starts_with(&before) && whole.ends_with(&after) {
            return cut;
        }
        cut = char_start(bytes, cut.saturating_sub(CUT_STEP));
    }
    last
}

fn lossy(redactor: &Redactor, bytes: &[u8]) -> String {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(it) => redactor.text(it).into_owned(),
        Cow::Owned(it) => redactor.text(&it).into_owned(),
    }
}

/// The start of the character that `at` lies in, for text; some place near `at` for anything else.
fn char_start(bytes: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at).rev().find(|it| bytes.get(*it).is_none_or(|b| b & 0xC0 != 0x80)).unwrap_or(at)
}

#[cfg(test)]
mod tests;
