//! What is kept of a stream of output.
//!
//! **Invariant:** memory is bounded however much comes, and what is left out is said.

use std::collections::VecDeque;

use drawloom_queue::Redactor;

use crate::lines::safe_cut;

/// How much of a stream is returned: half from its beginning, half from its end.
const KEPT_MAX: usize = 1 << 20;
/// How much of standard output can be parsed.
pub(super) const WHOLE_MAX: usize = 64 << 20;
/// How much of the end an error shows.
const TAIL_MAX: usize = 2000;

/// Takes the bytes of one stream.
pub(super) struct Capture {
    head_max: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

/// What was kept.
pub(super) struct Captured {
    head: Vec<u8>,
    tail: Vec<u8>,
    left_out: u64,
}

impl Capture {
    /// A capture of a stream that is returned, or also wanted as a whole.
    pub(super) fn new(whole: bool) -> Self {
        let head_max = if whole { WHOLE_MAX } else { KEPT_MAX / 2 };
        Self { head_max, head: Vec::new(), tail: VecDeque::new(), left_out: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(self.head_max - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(KEPT_MAX / 2);
        if over > 0 {
            self.tail.drain(..over);
            self.left_out += over as u64;
        }
    }

    /// Ends the capture. Where something is left out, the rest is cut so that no part of a secret stays behind.
    pub(super) fn end(self, redactor: &Redactor) -> Captured {
        let Self { mut head, tail, mut left_out, .. } = self;
        let mut tail = Vec::from(tail);
        if left_out == 0 {
            head.append(&mut tail);
        } else {
            left_out += cut_end(&mut head, redactor) + cut_start(&mut tail, redactor);
        }
        Captured { head, tail, left_out }
    }
}

/// Cuts `bytes` after their last line, or where no secret is cut in two.
fn cut_end(bytes: &mut Vec<u8>, redactor: &Redactor) -> u64 {
    let before = bytes.len();
    let line = bytes.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
    let cut = if line > before / 2 { line } else { safe_cut(redactor, bytes) };
    bytes.truncate(cut);
    (before - cut) as u64
}

/// Cuts what lies before the first full line of `bytes`, or a stretch as long as a secret may be.
fn cut_start(bytes: &mut Vec<u8>, redactor: &Redactor) -> u64 {
    let line = bytes.iter().position(|it| *it == b'\n').map_or(bytes.len(), |it| it + 1);
    let cut = if line < bytes.len() / 2 { line } else { safe_cut(redactor, &bytes[..bytes.len().min(8192)]) };
    bytes.drain(..cut);
    cut as u64
}

impl Captured {
    /// All of the stream, where nothing had to be left out.
    pub(super) fn whole(&self) -> Option<String> {
        (self.left_out == 0).then(|| String::from_utf8_lossy(&self.head).into_owned())
    }

    /// The stream as text of bounded length.
    pub(super) fn text(&self) -> String {
        let head = String::from_utf8_lossy(&self.head);
        let (head, tail, more) = if head.len() > KEPT_MAX {
            let half = KEPT_MAX / 2;
            let (start, end) = (head.floor_char_boundary(half), head.ceil_char_boundary(head.len() - half));
            (&head[..start], &head[end..], (end - start) as u64)
        } else {
            (&*head, "", 0)
        };
        let left_out = self.left_out + more;
        if left_out == 0 {
            return head.to_owned();
        }
        let rest = String::from_utf8_lossy(&self.tail);
        format!("{head}\n[... {left_out} bytes left out ...]\n{tail}{rest}")
    }

    /// The end of the stream, for an error.
    pub(super) fn tail(&self) -> String {
        let last = if self.tail.is_empty() { &self.head } else { &self.tail };
        let last = String::from_utf8_lossy(&last[last.len().saturating_sub(4 * TAIL_MAX)..]);
        let last = last.trim();
        let cut = last.ceil_char_boundary(last.len().saturating_sub(TAIL_MAX));
        if cut == 0 { last.to_owned() } else { format!("...{}", &last[cut..]) }
    }
}
