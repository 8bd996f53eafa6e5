//! What was probably meant by an unknown name, at a bounded cost however many names are unknown.

use crate::diagnostic::did_you_mean;

/// How many names are compared with others in all. A comparison takes about a microsecond.
const COMPARISONS: usize = 1_000_000;

/// Looks for names like others, until that has cost enough.
#[derive(Debug)]
pub(super) struct Suggest {
    left: usize,
}

impl Suggest {
    pub(super) fn new() -> Self {
        Self { left: COMPARISONS }
    }

    /// `did you mean …?`, where one of the names is close.
    pub(super) fn like<'a>(&mut self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let left = &mut self.left;
        did_you_mean(written, known.into_iter().map_while(|it| charge(left, it)))
    }
}

fn charge<'a>(left: &mut usize, it: &'a str) -> Option<&'a str> {
    *left = left.checked_sub(1)?;
    Some(it)
}

/// Names as they stand in a message: `a`, `b`, `c`, … but at most eight.
pub(super) fn some_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 8;
    let mut names = names.into_iter();
    let shown: Vec<String> = names.by_ref().take(MOST).map(|it| format!("`{}`", shortened(it))).collect();
    let more = if names.next().is_some() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// A name of a document as it stands in a message.
pub(super) fn shortened(name: &str) -> String {
    const MOST: usize = 60;
    let short: String = name.chars().take(MOST).collect();
    if short.len() < name.len() { format!("{short}…") } else { short }
}
