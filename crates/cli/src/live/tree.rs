//! The steps under way as a tree of lines, and how it looks on a terminal of some size.
//!
//! **Invariant:** plain data: what is drawn follows from the events, the time and the size alone; no line is wider than the
//! terminal, and there are never more lines than fit.

use std::{collections::HashMap, time::Duration};

use console::style;
use drawloom_blueprint::Timestamp;

use super::{duration, is_far, sign};
use crate::output::{self, letter};

/// So many steps under way are held in the tree; the others are counted.
const HELD_MAX: usize = 200;
/// So many are drawn where there is room.
const DRAWN_MAX: usize = 16;
/// The frames of a spinner, and those for terminals that know ASCII only.
const SPINNER: [[&str; 4]; 2] = [["⠋", "⠸", "⠴", "⠇"], ["|", "/", "-", "\\"]];

/// How large a terminal is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// The steps under way.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// In the order in which they are drawn: each before those inside it.
    open: Vec<Open>,
    /// When those began that are only counted.
    counted: HashMap<String, Timestamp>,
}

/// A step under way.
#[derive(Debug)]
pub(super) struct Open {
    path: String,
    depth: usize,
    /// Where its own name begins: what is before stands in the line of the step around it.
    name: usize,
    began: Timestamp,
    detail: String,
    /// When its wait or its pause between attempts is over.
    due: Option<Timestamp>,
    is_retrying: bool,
    /// The highest number of an item or iteration inside it.
    reached: Option<u64>,
}

/// What is known of a step that has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed {
    pub(super) took: Duration,
    /// The highest number of an item or iteration inside it.
    pub(super) reached: Option<u64>,
}

impl Tree {
    /// A step began.
    pub(super) fn begin(&mut self, path: &str, at: Timestamp) {
        if self.open.iter().any(|it| it.path == path) || self.counted.contains_key(path) {
            return;
        }
        self.reach(path);
        if is_far(path) || self.open.len() >= HELD_MAX {
            self.counted.insert(path.to_owned(), at);
            return;
        }
        let around = self.open.iter().rposition(|it| is_within(path, &it.path));
        let (depth, name, place) = match around {
            None => (0, 0, self.open.len()),
            Some(outer) => {
                let inside = |it: &&Open| is_within(&it.path, &self.open[outer].path);
                let within = self.open[outer + 1..].iter().take_while(inside).count();
                (self.open[outer].depth + 1, self.open[outer].path.len(), outer + 1 + within)
            }
        };
        let open = Open {
            path: path.to_owned(),
            depth,
            name,
            began: at,
            detail: String::new(),
            due: None,
            is_retrying: false,
            reached: None,
        };
        self.open.insert(place, open);
    }

    /// Notes how far maps and loops have come.
    fn reach(&mut self, path: &str) {
        for outer in &mut self.open {
            let rest = path.strip_prefix(outer.path.as_str()).and_then(|it| it.strip_prefix('['));
            let index = rest.and_then(|it| it.split(']').next()).and_then(|it| it.parse().ok());
            outer.reached = outer.reached.max(index);
        }
    }

    /// A step's last line of output, or what else there is to say of it. Says whether the step is under way.
    pub(super) fn tell(&mut self, path: &str, detail: &str) -> bool {
        let Some(open) = self.open.iter_mut().find(|it| it.path == path) else {
            return self.counted.contains_key(path);
        };
        detail.clone_into(&mut open.detail);
        true
    }

    /// A step waits until then.
    pub(super) fn wait(&mut self, path: &str, due: Timestamp) {
        if let Some(open) = self.open.iter_mut().find(|it| it.path == path) {
            open.due = Some(due);
        }
    }

    /// An attempt of a step is over, and the next one is due then; or the next one has begun.
    pub(super) fn retry(&mut self, path: &str, due: Option<Timestamp>, detail: &str) {
        if let Some(open) = self.open.iter_mut().find(|it| it.path == path) {
            (open.due, open.is_retrying) = (due, due.is_some());
            detail.clone_into(&mut open.detail);
        }
    }

    /// A step ended, and with it what was inside it.
    pub(super) fn end(&mut self, path: &str, at: Timestamp) -> Option<Closed> {
        if let Some(began) = self.counted.remove(path) {
            return Some(Closed { took: at.since(began), reached: None });
        }
        let place = self.open.iter().position(|it| it.path == path)?;
        let ended = self.open.remove(place);
        self.open.retain(|it| !is_within(&it.path, path));
        self.counted.retain(|it, _| !is_within(it, path));
        Some(Closed { took: at.since(ended.began), reached: ended.reached })
    }

    /// The lines to draw now; `frame` counts the drawings.
    pub(super) fn lines(&self, size: Size, now: Timestamp, frame: usize) -> Vec<String> {
        // One line is left for what scrolls by, one for the cursor.
        let room = size.rows.saturating_sub(2).clamp(1, DRAWN_MAX);
        let all = self.open.len() + self.counted.len();
        let drawn = if all > room { room - 1 } else { all }.min(self.open.len());
        let columns = size.columns.saturating_sub(1);
        let cut = |line: String| console::truncate_str(&line, columns, letter("…", "...")).into_owned();
        let mut lines: Vec<String> = (0..drawn).map(|at| cut(self.line(at, now, frame))).collect();
        if all > drawn {
            let text = format!("  {} {} more under way", letter("…", "..."), all - drawn);
            lines.push(cut(style(text).dim().for_stderr().to_string()));
        }
        lines
    }

    fn line(&self, at: usize, now: Timestamp, frame: usize) -> String {
        let it = &self.open[at];
        let spinner = SPINNER[usize::from(output::is_ascii())];
        let mark = if it.is_retrying {
            sign("retrying").for_stderr().to_string()
        } else {
            style(spinner[frame % spinner.len()]).cyan().for_stderr().to_string()
        };
        let name = it.path[it.name..].trim_start_matches(['.', '/']);
        let took = style(duration_live(now.since(it.began))).dim().for_stderr();
        let detail = style(self.detail(at, now)).dim().for_stderr();
        format!("  {}{mark} {name} {took}  {detail}", "  ".repeat(it.depth))
    }

    fn detail(&self, at: usize, now: Timestamp) -> String {
        let it = &self.open[at];
        let left = it.due.map(|due| duration_live(due.since(now)));
        match (left, it.reached) {
            (Some(left), _) if it.is_retrying => format!("again in {left}: {}", it.detail),
            (_, Some(reached)) if reached > 0 => format!("[0] to [{reached}]"),
            // What goes on inside says more than a limit that is far away.
            (Some(left), _) if self.open.get(at + 1).is_none_or(|next| next.depth <= it.depth) => {
                format!("{left} left")
            }
            _ => it.detail.clone(),
        }
    }
}

/// Whether a step's place is inside of another step.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|it| it.starts_with(['.', '[', '/']))
}

/// A duration that grows before one's eyes, with tenths of seconds.
fn duration_live(it: Duration) -> String {
    if it.as_secs() < 60 { format!("{}.{} s", it.as_secs(), it.subsec_millis() / 100) } else { duration(it) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::default().after(Duration::from_millis(ms.unsigned_abs()))
    }

    fn drawn(tree: &Tree, columns: usize, rows: usize) -> Vec<String> {
        let plain = |it: &String| console::strip_ansi_codes(it).trim_end().to_owned();
        tree.lines(Size { columns, rows }, at(2_500), 0).iter().map(plain).collect()
    }

    #[test]
    fn steps_stand_below_the_step_around_them_in_the_order_in_which_they_began() {
        let mut tree = Tree::default();
        for path in ["both", "map", "both.left.a", "map[0].x", "both.right.b", "map[0].x/greet", "map[1].x"] {
            tree.begin(path, at(0));
        }
        tree.tell("both.right.b", "hello");
        let lines = drawn(&tree, 80, 30);
        let names: Vec<&str> = lines.iter().map(|it| it.split(['⠋', '|']).nth(1).unwrap_or(it).trim()).collect();
        assert_eq!(
            names,
            [
                "both 2.5 s",
                "left.a 2.5 s",
                "right.b 2.5 s  hello",
                "map 2.5 s  [0] to [1]",
                "[0].x 2.5 s",
                "greet 2.5 s",
                "[1].x 2.5 s"
            ]
        );
        assert!(lines[5].starts_with("      "), "{lines:?}");
        tree.end("map", at(10));
        assert_eq!(drawn(&tree, 80, 30).len(), 3, "what was inside is gone with it");
    }

    #[test]
    fn nothing_is_wider_or_higher_than_the_terminal() {
        let mut tree = Tree::default();
        for number in 0..40 {
            tree.begin(&format!("step{number}"), at(0));
            tree.tell(&format!("step{number}"), &"wide 宽 ".repeat(30));
        }
        for (columns, rows) in [(60, 10), (20, 3), (200, 60), (1, 1)] {
            let lines = tree.lines(Size { columns, rows }, at(0), 1);
            assert!(lines.len() <= rows.saturating_sub(2).max(1) && lines.len() <= DRAWN_MAX, "{}", lines.len());
            assert!(lines.iter().all(|it| console::measure_text_width(it) < columns.max(2)), "{lines:?}");
        }
        assert!(drawn(&tree, 60, 10).last().is_some_and(|it| it.contains("33 more")));
    }

    #[test]
    fn waits_and_pauses_count_down() {
        let mut tree = Tree::default();
        tree.begin("nap", at(0));
        tree.wait("nap", at(5_000));
        tree.begin("flaky", at(0));
        tree.retry("flaky", Some(at(3_000)), "no luck");
        let lines = drawn(&tree, 80, 30);
        assert!(lines[0].ends_with("2.5 s left") && lines[1].ends_with("again in 0.5 s: no luck"), "{lines:?}");
        tree.retry("flaky", None, "attempt 2");
        assert!(drawn(&tree, 80, 30)[1].ends_with("attempt 2"));
    }
}
