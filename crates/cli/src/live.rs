//! What happens in a run, shown while it happens.
//!
//! On a terminal, steps under way stand at the bottom with a spinner, their time and their last line of output;
//! what has ended scrolls up. Elsewhere each event is a line.

mod names;
mod plain;
mod screen;
mod terminal;
mod tree;

pub(crate) use names::Names;
pub(crate) use screen::Screen;

use std::time::Duration;

use console::{StyledObject, style};
use drawloom_blueprint::RunStatus;
use drawloom_engine::Status;
use drawloom_runtime::Event;

use crate::{
    output::{self, letter},
    settings::Settings,
};

/// A moment: how often what is drawn is drawn again.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// So many items of a map are shown one by one; of the others, those that fail.
const ITEMS_SHOWN: u64 = 10;

/// Shows events.
pub(crate) trait Show: Send {
    /// Something happened in a run whose steps stand at `place`: nowhere, or below the step that started it.
    fn event(&mut self, place: &str, event: &Event);
    /// Something that people should know.
    fn say(&mut self, text: &str) {
        output::note(text);
    }
    /// A moment passed.
    fn tick(&mut self) {}
    /// Nothing more will.
    fn end(&mut self);
}

/// How events are shown with these settings.
pub(crate) fn show(settings: &Settings) -> Box<dyn Show> {
    if settings.quiet {
        Box::new(Silent)
    } else if output::can_draw() {
        Box::new(terminal::Terminal::new())
    } else {
        Box::new(plain::Plain::default())
    }
}

struct Silent;

impl Show for Silent {
    fn event(&mut self, _: &str, _: &Event) {}
    fn say(&mut self, _: &str) {}
    fn end(&mut self) {}
}

/// Prints each event as a line of JSON.
pub(crate) struct Lines;

impl Show for Lines {
    fn event(&mut self, _: &str, event: &Event) {
        output::line(&serde_json::to_string(event).unwrap_or_default());
    }
    fn end(&mut self) {}
}

/// A sign for a state.
pub(crate) fn sign(status: &str) -> StyledObject<&'static str> {
    match status {
        "succeeded" => style(letter("✓", "+")).green(),
        "failed" => style(letter("✗", "x")).red().bold(),
        "upstream_failed" => style(letter("✗", "x")).red().dim(),
        "skipped" => style(letter("–", "-")).dim(),
        "cancelled" => style(letter("■", "#")).yellow(),
        "retrying" => style(letter("↻", "~")).yellow(),
        "waiting" => style(letter("…", ".")).cyan(),
        "running" => style(letter("▸", ">")).cyan(),
        "paused" => style(letter("‖", "=")).yellow(),
        _ => style(letter("·", ".")).dim(),
    }
}

/// A duration for people: `3 ms`, `1.24 s`, `2m 5s`.
pub(crate) fn duration(it: Duration) -> String {
    match it.as_millis() {
        ms @ 0..1_000 => format!("{ms} ms"),
        ms @ 1_000..60_000 => format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10),
        ms @ 60_000..3_600_000 => format!("{}m {}s", ms / 60_000, ms / 1_000 % 60),
        ms => format!("{}h {}m", ms / 3_600_000, ms / 60_000 % 60),
    }
}

/// The end of a run in one line.
pub(crate) fn run_line(flow: &str, status: RunStatus, took: Duration, rest: &str) -> String {
    let rest = style(format!("{}{rest}", duration(took))).dim().for_stderr();
    format!("{} {} {} {rest}", sign(status.name()).for_stderr(), style(flow).bold().for_stderr(), status.name())
}

/// Whether a step is in an item of a map that is only shown where it fails.
fn is_far(path: &str) -> bool {
    path.split('[').skip(1).any(|rest| {
        rest.split(']').next().and_then(|it| it.parse::<u64>().ok()).is_some_and(|index| index >= ITEMS_SHOWN)
    })
}

fn is_shown(path: &str, status: Status) -> bool {
    !is_far(path) || status == Status::Failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let of = |ms| duration(Duration::from_millis(ms));
        assert_eq!((of(3), of(1_245), of(125_000)), ("3 ms".into(), "1.24 s".into(), "2m 5s".into()));
    }

    #[test]
    fn far_items_are_hidden() {
        assert!(!is_far("a[3].b[9].c") && is_far("a[3].b[10].c") && !is_far("a.b"));
    }
}
