//! Output as it comes: bytes become lines without secrets.
//!
//! **Invariant:** no line is longer than [`LINE_MAX`] bytes, and a secret is never cut in two, which would let its
//! halves out.

use std::sync::Arc;

use drawloom_queue::{Line, OutputSink, Redactor, Stream};

/// The longest line; longer ones come in pieces.
pub(crate) const LINE_MAX: usize = 16 * 1024;
/// How much of a line without an end is held before a piece of it is let go.
const HELD_MAX: usize = 4 * LINE_MAX;
/// How far before the end of the held bytes they are cut.
const CUT_BEHIND: usize = 4 * 1024;

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
            if cut == 0 {
                return;
            }
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

/// A place near the end of `bytes` where they can be cut without cutting a character or a secret in two; 0 where there
/// is none.
pub(crate) fn safe_cut(redactor: &Redactor, bytes: &[u8]) -> usize {
    redactor.cut_before(bytes, char_start(bytes, bytes.len().saturating_sub(CUT_BEHIND.max(redactor.longest()))))
}

/// The start of the character that `at` lies in, for text; some place near `at` for anything else.
fn char_start(bytes: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at).rev().find(|it| bytes.get(*it).is_none_or(|b| b & 0xC0 != 0x80)).unwrap_or(at)
}

#[cfg(test)]
mod tests;
