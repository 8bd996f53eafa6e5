//! Where words go: results to standard output, everything else to standard error.
//!
//! **Invariant:** with `--json`, standard output holds JSON and nothing else. A reader that went away is no error.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
};

use serde::Serialize;

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

/// Something to know beside the result.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A text of somebody else's, without what would steer the terminal.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let steers = |it: char| it.is_control() && !matches!(it, '\n' | '\t');
    if text.contains(steers) { Cow::Owned(text.replace(steers, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Whether somebody watches standard error on a terminal that can be drawn on.
pub(crate) fn can_draw() -> bool {
    console::Term::stderr().features().is_attended() && std::env::var_os("TERM").is_none_or(|it| it != "dumb")
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
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["käse".to_owned(), "1".to_owned()], vec!["x".to_owned(), "22".to_owned()]];
        let text = console::strip_ansi_codes(&table(&["N", "COUNT"], &rows)).into_owned();
        assert_eq!(text, "N     COUNT\nkäse  1\nx     22");
    }
}
