//! Events on a terminal: steps under way at the bottom, what has ended above.

use console::style;
use drawloom_engine::Status;
use drawloom_runtime::{Event, What};

use super::{
    ITEMS_SHOWN, Screen, Show, duration, is_shown, sign,
    tree::{Closed, Size, Tree},
};
use crate::output::{self, letter};

/// So many letters of an error stand beside its step.
const WHY_MAX: usize = 160;

pub(crate) struct Terminal {
    screen: Screen,
    tree: Tree,
    /// Lines that are to scroll by with the next drawing.
    above: Vec<String>,
    frame: usize,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self { screen: Screen::new(), tree: Tree::default(), above: Vec::new(), frame: 0 }
    }

    fn ended(&mut self, path: &str, status: Status, event: &Event, why: &str) {
        let closed = self.tree.end(path, event.at);
        if !is_shown(path, status) {
            return;
        }
        let (around, name) = path.split_at(path.rfind(['.', '/']).map_or(0, |it| it + 1));
        let name = if status == Status::Succeeded { style(name) } else { style(name).bold() };
        let mut line =
            format!("  {} {}{}", sign(status.name()).for_stderr(), style(around).dim().for_stderr(), name.for_stderr());
        match closed {
            Some(Closed { took, reached }) => {
                let items = match reached {
                    Some(reached @ ITEMS_SHOWN..) => format!("  [0] to [{reached}]"),
                    _ => String::new(),
                };
                line += &format!(" {}", style(format!("{}{items}", duration(took))).dim().for_stderr());
            }
            None if status == Status::Succeeded => {}
            None => line += &format!(" {}", style(status.name().replace('_', " ")).dim().for_stderr()),
        }
        if !why.is_empty() {
            line += &format!("  {}", style(why).red().for_stderr());
        }
        self.above.push(line);
    }

    fn step(&mut self, path: &str, event: &Event, what: &What) {
        let What::Step { status, attempt, due, error, .. } = what else { return };
        let why = error.as_ref().map(|it| first_line(&it.message)).unwrap_or_default();
        if status.is_end() {
            return self.ended(path, *status, event, &why);
        }
        if matches!(status, Status::Pending | Status::Ready) {
            return;
        }
        self.tree.begin(path, event.at);
        match (status, attempt, due) {
            (Status::Retrying, _, due) => self.tree.retry(path, *due, &why),
            (Status::Running, Some(number @ 2..), _) => self.tree.retry(path, None, &format!("attempt {number}")),
            (Status::Waiting, _, Some(due)) => self.tree.wait(path, *due),
            _ => {}
        }
    }

    fn draw(&mut self) {
        let (columns, rows) = self.screen.size();
        self.frame += 1;
        let below = self.tree.lines(Size { columns, rows }, drawloom_runtime::now(), self.frame);
        self.screen.draw(&std::mem::take(&mut self.above), &below);
    }
}

impl Show for Terminal {
    fn event(&mut self, place: &str, event: &Event) {
        match &event.what {
            What::Run { .. } | What::Unreadable { .. } => {}
            What::Line { path, text, .. } => {
                let text = output::plain(text);
                let path = format!("{place}{path}");
                if !self.tree.tell(&path, &text) && !super::is_far(&path) {
                    // A step that takes no time, which `log` steps do, has no line of its own.
                    let bar = letter("│", "|");
                    self.above.push(format!("    {} {text}", style(format!("{path} {bar}")).dim().for_stderr()));
                }
            }
            What::Step { path, .. } => self.step(&format!("{place}{path}"), event, &event.what),
        }
    }

    fn say(&mut self, text: &str) {
        self.above.push(text.to_owned());
    }

    fn tick(&mut self) {
        self.draw();
    }

    fn end(&mut self) {
        self.screen.draw(&std::mem::take(&mut self.above), &[]);
    }
}

fn first_line(text: &str) -> String {
    let line = output::plain(text.lines().next().unwrap_or_default());
    console::truncate_str(&line, WHY_MAX, letter("…", "...")).into_owned()
}
