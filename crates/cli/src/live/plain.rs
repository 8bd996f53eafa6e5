//! Events as lines, for logs and pipes.

use std::collections::BTreeMap;

use drawloom_blueprint::Timestamp;
use drawloom_engine::Status;
use drawloom_runtime::{Event, What};

use super::{Show, duration, is_shown, sign};
use crate::output;

/// Prints a line for what begins to wait, is tried again, or has ended, and the output of tasks.
#[derive(Default)]
pub(crate) struct Plain {
    began: BTreeMap<String, Timestamp>,
}

impl Show for Plain {
    fn event(&mut self, place: &str, event: &Event) {
        match &event.what {
            What::Run { .. } | What::Unreadable { .. } => {}
            What::Line { path, text, .. } if !super::is_far(path) => {
                output::note(&format!("    {place}{path} | {}", output::plain(text)));
            }
            What::Line { .. } => {}
            What::Step { path, status, due, error, .. } => {
                let path = format!("{place}{path}");
                if matches!(status, Status::Running | Status::Waiting) {
                    self.began.entry(path.clone()).or_insert(event.at);
                }
                let began = if status.is_end() { self.began.remove(&path) } else { None };
                let told = status.is_end() || matches!(status, Status::Retrying) || due.is_some();
                if !told || !is_shown(&path, *status) {
                    return;
                }
                let took = began.map(|it| format!(" ({})", duration(event.at.since(it)))).unwrap_or_default();
                let due = due.map(|it| format!(" until {it}")).unwrap_or_default();
                let error = error.as_ref().map(|it| format!(": {}", output::clean(&it.message))).unwrap_or_default();
                let sign = sign(status.name()).for_stderr();
                output::note(&format!("  {sign} {path} {}{took}{due}{error}", status.name()));
            }
        }
    }

    fn end(&mut self) {}
}
