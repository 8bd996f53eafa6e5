//! Where words go: results to standard output, everything else to standard error.
//!
//! **Invariant:** with `--json`, standard output holds JSON and nothing else. A reader that went away is no error.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::Serialize;
use serde_json::{Value as Json, json};

/// A result, with its line break.
pub(crate) fn line(text: &str) {
    raw(format!("{text}\n").as_bytes());
}

/// A result as it is.
pub(crate) fn raw(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    // Whoever read this went away: what was done is done, and the exit code still says how it went.
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// A result as JSON: on one line, or indented where a person reads it.
pub(crate) fn json(value: &impl Serialize) {
    let text =
        if io::stdout().is_terminal() { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    line(&text.expect("invariant: what is printed has text keys"));
}

/// Whether a list was begun and not ended.
static IS_LIST_OPEN: AtomicBool = AtomicBool::new(false);

/// A JSON object on standard output with a list that need not fit into memory: an item is a line.
pub(crate) struct List {
    is_empty: bool,
}

impl List {
    /// Begins an object with these members, and the list under that name.
    pub(crate) fn begin(members: &Json, name: &str) -> Self {
        let mut head = members.to_string();
        head.truncate(head.len().saturating_sub(1));
        let comma = if head.len() > 1 { "," } else { "" };
        raw(format!("{head}{comma}{}:[", json!(name)).as_bytes());
        IS_LIST_OPEN.store(true, Ordering::Relaxed);
        Self { is_empty: true }
    }

    pub(crate) fn item(&mut self, item: &Json) {
        let comma = if self.is_empty { "" } else { "," };
        self.is_empty = false;
        raw(format!("{comma}\n{item}").as_bytes());
    }

    pub(crate) fn end(self) {
        IS_LIST_OPEN.store(false, Ordering::Relaxed);
        raw(b"\n]}\n");
    }
}

/// A failure as JSON: a document of its own, or the end of the one that was begun.
pub(crate) fn failure(members: &Json) {
    if IS_LIST_OPEN.swap(false, Ordering::Relaxed) {
        let text = members.to_string();
        raw(format!("\n],{}\n", text.strip_prefix('{').unwrap_or(&text)).as_bytes());
    } else {
        json(members);
    }
}

/// Something to know beside the result.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A text of somebody else's, without what would steer the terminal.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let steers = |it: char| it.is_control() && !matches!(it, '\n' | '\t');
    if text.contains(steers) { Cow::Owned(text.replace(steers, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// A text of somebody else's on one line, without colours and without what would steer the terminal.
pub(crate) fn plain(text: &str) -> String {
    console::strip_ansi_codes(text).replace(|it: char| it.is_control(), " ")
}

/// Whether the locale says that the terminal shows ASCII only. Where none is set, terminals of today show all letters.
pub(crate) fn is_ascii() -> bool {
    static ASCII: OnceLock<bool> = OnceLock::new();
    *ASCII.get_or_init(|| {
        let set = |name| std::env::var(name).ok().filter(|it| !it.is_empty());
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).is_some_and(|it| !names_utf8(&it))
    })
}

fn names_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// A letter, or what stands for it where only ASCII can be shown.
pub(crate) fn letter(rich: &'static str, ascii: &'static str) -> &'static str {
    if is_ascii() { ascii } else { rich }
}

/// Whether somebody watches standard error on a terminal that can be drawn on.
pub(crate) fn can_draw() -> bool {
    console::Term::stderr().features().is_attended() && std::env::var_os("TERM").is_none_or(|it| it != "dumb")
}

/// How many columns the terminal on standard error has.
pub(crate) fn columns() -> usize {
    console::Term::stderr().size().1.into()
}

/// Rows under their titles, in columns as wide as what stands in them.
pub(crate) fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let width = |text: &str| console::measure_text_width(text);
    let mut widths: Vec<usize> = titles.iter().map(|it| width(it)).collect();
    for row in rows {
        for (at, cell) in row.iter().enumerate().take(widths.len()) {
            widths[at] = widths[at].max(width(cell));
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, wide) in cells.zip(&widths) {
            text.push_str(cell);
            text.push_str(&" ".repeat(wide - width(cell) + 2));
        }
        text.trim_end().to_owned()
    };
    let mut lines = vec![console::style(line(&mut titles.iter().copied())).bold().to_string()];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_say_what_terminals_show() {
        assert!(
            names_utf8("en_US.UTF-8") && names_utf8("C.utf8") && !names_utf8("POSIX") && !names_utf8("de_DE.latin1")
        );
    }

    #[test]
    fn words_of_others_do_not_steer_the_terminal() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\tand\u{7} \u{1b}]0;title\u{7}"), "red and  ");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["käse".to_owned(), "1".to_owned()], vec!["x".to_owned(), "22".to_owned()]];
        let text = console::strip_ansi_codes(&table(&["N", "COUNT"], &rows)).into_owned();
        assert_eq!(text, "N     COUNT\nkäse  1\nx     22");
    }
}
