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
    redactor: Redactor,
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
            let (from, to) = (cut_start(&tail, redactor), cut_end(&head, redactor));
            left_out += (from + head.len() - to) as u64;
            head.truncate(to);
            tail.drain(..from);
        }
        Captured { head, tail, left_out, redactor: redactor.clone() }
    }
}

/// Where to cut `bytes`, which go on behind their end: after their last line, or where no secret is cut in two.
fn cut_end(bytes: &[u8], redactor: &Redactor) -> usize {
    let cut = safe_cut(redactor, bytes);
    let line = bytes[..cut].iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
    // A secret may have lines itself.
    let line = redactor.cut_before(bytes, line);
    if line > bytes.len() / 2 { line } else { cut }
}

/// Where to cut `bytes`, which have something before them: before a line, or where no part of a secret is left.
fn cut_start(bytes: &[u8], redactor: &Redactor) -> usize {
    let cut = redactor.cut_after(bytes, 0);
    let line = bytes[cut..].iter().position(|it| *it == b'\n').map_or(bytes.len(), |it| cut + it + 1);
    let line = redactor.cut_after(bytes, line);
    if line < bytes.len() / 2 { line } else { cut }
}

impl Captured {
    /// All of the stream, where nothing had to be left out.
    pub(super) fn whole(&self) -> Option<String> {
        (self.left_out == 0).then(|| String::from_utf8_lossy(&self.head).into_owned())
    }

    /// The stream as text of bounded length.
    pub(super) fn text(&self) -> String {
        let Self { head, tail, left_out, redactor } = self;
        if *left_out == 0 && head.len() <= KEPT_MAX {
            return String::from_utf8_lossy(head).into_owned();
        }
        // What was kept to be parsed is more than what is returned.
        let (mut first, mut last) = (&**head, &**tail);
        if first.len() > KEPT_MAX / 2 {
            first = &first[..cut_end(&first[..KEPT_MAX / 2], redactor)];
        }
        if *left_out == 0 {
            last = &head[head.len() - KEPT_MAX / 2..];
            last = &last[cut_start(last, redactor)..];
        }
        let left_out = left_out + (head.len() + tail.len() - first.len() - last.len()) as u64;
        let (first, last) = (String::from_utf8_lossy(first), String::from_utf8_lossy(last));
        format!("{first}\n[... {left_out} bytes left out ...]\n{last}")
    }

    /// The end of the stream without secrets, for an error.
    pub(super) fn tail(&self) -> String {
        let all = if self.tail.is_empty() { &self.head } else { &self.tail };
        let from = all.len().saturating_sub(4 * TAIL_MAX + self.redactor.longest());
        let last = &all[from..];
        let last = if from == 0 { last } else { &last[self.redactor.cut_after(last, 0)..] };
        let last = String::from_utf8_lossy(last);
        let last = self.redactor.text(last.trim());
        let cut = last.ceil_char_boundary(last.len().saturating_sub(TAIL_MAX));
        if cut == 0 && from == 0 { last.into_owned() } else { format!("...{}", &last[cut..]) }
    }
}
