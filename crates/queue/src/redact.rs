//! Secret values are hidden before anything leaves the executor.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use drawloom_blueprint::Value;
use memchr::memmem::Finder;

/// What stands for a secret.
const HIDDEN: &str = "***";
/// How long a stretch of overlapping secrets is held together.
const OVERLAP_MAX: usize = 1 << 20;

/// Replaces secret values in texts and values by `***`.
///
/// Values of fewer than 3 bytes are left alone: hiding every `a` would destroy the text and hide nothing.
#[derive(Clone, Default)]
pub struct Redactor(Option<Arc<[Finder<'static>]>>);

impl Redactor {
    /// Hides these secrets, as they are and as they stand in JSON, and their lines where they have several.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut all: Vec<String> = Vec::new();
        for secret in secrets {
            let lines: Vec<&str> = secret.lines().map(str::trim).collect();
            if lines.len() > 1 {
                all.extend(lines.into_iter().filter(|it| it.len() >= 8).map(str::to_owned));
            }
            let json = Value::from(secret.as_str()).to_json();
            all.extend(json.strip_prefix('"').and_then(|it| it.strip_suffix('"')).map(str::to_owned));
            all.push(secret);
        }
        all.retain(|it| it.len() >= 3);
        all.sort_unstable();
        all.dedup();
        Self((!all.is_empty()).then(|| all.iter().map(|it| Finder::new(it).into_owned()).collect()))
    }

    fn secrets(&self) -> &[Finder<'static>] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets().is_empty()
    }

    /// How many bytes the longest secret has.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.secrets().iter().map(|it| it.needle().len()).max().unwrap_or(0)
    }

    /// Where secrets stand in `bytes`, in order; those that overlap are one.
    fn spans(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        for secret in self.secrets() {
            let mut from = 0;
            while let Some(at) = bytes.get(from..).and_then(|rest| secret.find(rest)) {
                let start = from + at;
                all.push(start..start + secret.needle().len());
                // Occurrences may overlap: `aba` is in `ababa` twice.
                from = start + 1;
            }
        }
        all.sort_unstable_by_key(|it| it.start);
        let mut spans: Vec<Range<usize>> = Vec::with_capacity(all.len());
        for it in all {
            match spans.last_mut().filter(|last| it.start < last.end) {
                Some(last) => last.end = last.end.max(it.end),
                None => spans.push(it),
            }
        }
        spans
    }

    /// The text without secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let spans = self.spans(text.as_bytes());
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for it in spans {
            // A secret is text, so that it begins and ends where characters do.
            out.push_str(text.get(from..it.start).unwrap_or_default());
            out.push_str(HIDDEN);
            from = it.end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// The bytes without secrets.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for it in self.spans(bytes) {
            out.extend_from_slice(&bytes[from..it.start]);
            out.extend_from_slice(HIDDEN.as_bytes());
            from = it.end;
        }
        out.extend_from_slice(&bytes[from..]);
        out
    }

    /// A place at `most` or before it where `bytes`, which go on behind their end, can be cut without cutting a secret in
    /// two. It is 0 where there is none, unless there are more than a mebibyte of secrets that overlap.
    #[must_use]
    pub fn cut_before(&self, bytes: &[u8], most: usize) -> usize {
        let most = most.min(bytes.len().saturating_sub(self.longest().saturating_sub(1)));
        match self.spans(bytes).into_iter().find(|it| it.start < most && most < it.end) {
            Some(it) if it.start > 0 || it.end < OVERLAP_MAX => it.start,
            Some(it) => it.end,
            None => most,
        }
    }

    /// A place at `least` or behind it where `bytes`, which have something before them, can be cut without leaving a part
    /// of a secret behind it.
    #[must_use]
    pub fn cut_after(&self, bytes: &[u8], least: usize) -> usize {
        let least = least.max(self.longest().saturating_sub(1)).min(bytes.len());
        self.spans(bytes).into_iter().find(|it| it.start < least && least < it.end).map_or(least, |it| it.end)
    }

    /// The value without secrets, names of members included.
    #[must_use]
    pub fn value(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        match value {
            Value::Str(it) => match self.text(it) {
                Cow::Borrowed(_) => value.clone(),
                Cow::Owned(it) => it.into(),
            },
            Value::List(it) => it.iter().map(|item| self.value(item)).collect(),
            Value::Object(it) => {
                Value::object(it.iter().map(|(name, value)| (self.text(name).into_owned(), self.value(value))))
            }
            other => other.clone(),
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets().len())
    }
}

/// Hides secrets in bytes that come piece by piece, however they are cut.
pub struct Screen {
    redactor: Redactor,
    held: Vec<u8>,
}

impl Screen {
    /// A screen that hides what `redactor` does.
    #[must_use]
    pub fn new(redactor: Redactor) -> Self {
        Self { redactor, held: Vec::new() }
    }

    /// Takes more bytes, and gives those of which it is certain that they are no part of a secret.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.redactor.is_empty() {
            return bytes.to_vec();
        }
        self.held.extend_from_slice(bytes);
        let cut = self.redactor.cut_before(&self.held, self.held.len());
        let rest = self.held.split_off(cut);
        self.redactor.bytes(&std::mem::replace(&mut self.held, rest))
    }

    /// The rest, once there are no more bytes.
    pub fn end(&mut self) -> Vec<u8> {
        self.redactor.bytes(&std::mem::take(&mut self.held))
    }
}

#[cfg(test)]
mod tests;
