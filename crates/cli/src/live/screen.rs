//! The last lines of a terminal, drawn again and again, with others scrolling by above.
//!
//! **Invariant:** the cursor rests at the start of the line below what is drawn, so that whatever else is printed, such as
//! the `^C` of a key, stands on a line of its own and is overwritten with the next drawing.

use std::fmt::Write;

use console::Term;

/// A terminal on standard error.
pub(crate) struct Screen {
    term: Term,
    /// The widths of the lines that are drawn.
    drawn: Vec<usize>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self { term: Term::stderr(), drawn: Vec::new() }
    }

    /// How many columns and rows there are.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.term.size();
        (columns.into(), rows.into())
    }

    /// Lets lines scroll by, and draws others below them in place of those that were there.
    pub(crate) fn draw(&mut self, above: &[String], below: &[String]) {
        let text = redraw(&self.drawn, self.size().0, above, below);
        self.drawn = below.iter().map(|it| console::measure_text_width(it)).collect();
        // A terminal that went away needs no picture.
        let _ = self.term.write_str(&text);
    }
}

/// What is to be written where lines of these widths were drawn on a terminal that has so many columns now.
fn redraw(drawn: &[usize], columns: usize, above: &[String], below: &[String]) -> String {
    // A terminal that became narrower has wrapped what was drawn.
    let rows: usize = drawn.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum();
    let mut text = String::from("\r");
    if rows > 0 {
        let _ = write!(text, "\u{1b}[{rows}A");
    }
    for line in above.iter().chain(below) {
        // What was on the line goes as the new text comes, which flickers less than to clear all of it first.
        text.push_str(line);
        text.push_str("\u{1b}[K\n");
    }
    text.push_str("\u{1b}[J");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_drawn_is_overwritten() {
        let lines = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(redraw(&[], 80, &[], &lines(&["a"])), "\ra\u{1b}[K\n\u{1b}[J");
        assert_eq!(redraw(&[5, 0], 80, &lines(&["x"]), &[]), "\r\u{1b}[2Ax\u{1b}[K\n\u{1b}[J");
        assert!(redraw(&[50, 10], 20, &[], &[]).starts_with("\r\u{1b}[4A"), "three rows and one");
    }
}
