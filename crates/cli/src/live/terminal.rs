//! Events on a terminal: steps under way at the bottom, what has ended above.

use std::collections::BTreeMap;

use console::style;
use drawloom_engine::Status;
use drawloom_runtime::{Event, What};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Show, depth, duration, is_far, is_shown, short, sign};
use crate::output;

/// So many steps under way are drawn; the others are counted.
const DRAWN_MAX: usize = 12;

pub(crate) struct Terminal {
    all: MultiProgress,
    open: BTreeMap<String, Open>,
    rest: ProgressBar,
    hidden: usize,
    /// Items of each map that have ended, by the path of the map.
    items: BTreeMap<String, u64>,
}

struct Open {
    bar: Option<ProgressBar>,
    began: drawloom_blueprint::Timestamp,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(12));
        let rest = ProgressBar::no_length().with_style(line_style("{msg}"));
        let rest = all.add(rest);
        Self { all, open: BTreeMap::new(), rest, hidden: 0, items: BTreeMap::new() }
    }

    fn begin(&mut self, path: &str, event: &Event) {
        if self.open.contains_key(path) {
            return;
        }
        let drawn = self.open.len() - self.hidden;
        let bar = (drawn < DRAWN_MAX && !is_far(path)).then(|| {
            let bar = ProgressBar::no_length().with_style(line_style("{prefix}{spinner:.cyan} {msg} {elapsed:.dim}"));
            let bar = self.all.insert_before(&self.rest, bar);
            bar.set_prefix("  ".repeat(depth(path) + 1));
            bar.set_message(short(path).to_owned());
            bar
        });
        self.hidden += usize::from(bar.is_none());
        self.open.insert(path.to_owned(), Open { bar, began: event.at });
        self.count();
    }

    fn tell(&self, path: &str, text: &str) {
        if let Some(Open { bar: Some(bar), .. }) = self.open.get(path) {
            bar.set_message(format!("{} {}", short(path), style(text).dim()));
        }
    }

    fn ended(&mut self, path: &str, status: Status, event: &Event, why: &str) {
        let open = self.open.remove(path);
        let took = open.as_ref().map(|it| duration(event.at.since(it.began))).unwrap_or_default();
        match open {
            Some(Open { bar: Some(bar), .. }) => self.all.remove(&bar),
            Some(_) => self.hidden -= 1,
            None => {}
        }
        if is_shown(path, status) {
            let indent = "  ".repeat(depth(path) + 1);
            let name = if is_far(path) { path } else { short(path) };
            let name = if status == Status::Succeeded { style(name) } else { style(name).dim() };
            let line = format!("{indent}{} {name} {}{why}", sign(status.name()), style(took).dim());
            let _ = self.all.println(line);
        }
        if let Some((map, _)) = path.rsplit_once('[').filter(|_| is_far(path)) {
            let count = self.items.entry(map.to_owned()).or_default();
            *count += 1;
            let text = format!("{count} steps of further items have ended");
            self.tell(map, &text);
        }
        self.count();
    }

    fn count(&self) {
        let text = if self.hidden > 0 { format!("  … and {} more", self.hidden) } else { String::new() };
        self.rest.set_message(text);
    }
}

fn line_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Show for Terminal {
    fn event(&mut self, event: &Event) {
        match &event.what {
            What::Run { .. } => {}
            What::Line { path, text, .. } => {
                let text: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
                self.tell(path, &text);
            }
            What::Step { path, status, attempt, due, error, .. } => {
                let why = error.as_ref().map(|it| first_line(&it.message)).unwrap_or_default();
                if status.is_end() {
                    let why = if why.is_empty() { why } else { format!(" {}", style(why).red()) };
                    return self.ended(path, *status, event, &why);
                }
                if matches!(status, Status::Pending | Status::Ready) {
                    return;
                }
                self.begin(path, event);
                match (status, attempt, due) {
                    (Status::Retrying, _, Some(due)) => {
                        let wait = duration(due.since(event.at));
                        self.tell(path, &format!("{why}; again in {wait}"));
                    }
                    (Status::Waiting, _, Some(due)) => self.tell(path, &format!("until {due}")),
                    (Status::Running, Some(2..), _) => {
                        self.tell(path, &format!("attempt {}", attempt.unwrap_or_default()));
                    }
                    _ => {}
                }
            }
        }
    }

    fn say(&mut self, text: &str) {
        let _ = self.all.println(text);
    }

    fn tick(&mut self) {
        for bar in self.open.values().filter_map(|it| it.bar.as_ref()) {
            bar.tick();
        }
    }

    fn end(&mut self) {
        for open in self.open.values() {
            if let Some(bar) = &open.bar {
                bar.finish_and_clear();
            }
        }
        self.rest.finish_and_clear();
        let _ = self.all.clear();
    }
}

fn first_line(text: &str) -> String {
    output::clean(text.lines().next().unwrap_or_default()).chars().take(160).collect()
}
