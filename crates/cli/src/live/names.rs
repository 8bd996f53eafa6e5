//! Which runs are shown, and under which place: a sub-flow stands below the step that started it.

use std::collections::HashMap;

use drawloom_blueprint::RunId;
use drawloom_runtime::{Event, What};

/// The runs that are followed, and their sub-flows.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// What stands before the paths of a run's steps.
    places: HashMap<RunId, String>,
}

impl Names {
    /// The names of runs of these flows. A single run needs none.
    pub(crate) fn of(runs: &[(RunId, String)]) -> Self {
        let name = |(run, flow): &(RunId, String)| match runs {
            [_] => String::new(),
            _ => format!("{flow}:{}/", tail(*run)),
        };
        Self { places: runs.iter().map(|it| (it.0, name(it))).collect() }
    }

    /// The place of an event's run, and none where it is not to be shown. Learns of sub-flows on the way.
    pub(crate) fn place(&mut self, event: &Event) -> Option<String> {
        let place = self.places.get(&event.run)?.clone();
        match &event.what {
            What::Step { path, child: Some(child), .. } => {
                self.places.insert(*child, format!("{place}{path}/"));
            }
            What::Run { status, .. } if status.is_end() => {
                self.places.remove(&event.run);
            }
            _ => {}
        }
        Some(place)
    }
}

/// The end of a run's id, which is enough to tell the runs on one screen apart.
fn tail(run: RunId) -> String {
    let text = run.to_string();
    text[text.len().saturating_sub(6)..].to_owned()
}

#[cfg(test)]
mod tests {
    use drawloom_blueprint::RunStatus;
    use drawloom_engine::Status;

    use super::*;

    fn event(run: u128, what: What) -> Event {
        Event { run: RunId(run), at: drawloom_runtime::now(), seq: 1, what }
    }

    fn calls(path: &str, child: u128) -> What {
        What::Step {
            id: path.into(),
            path: path.into(),
            status: Status::Waiting,
            attempt: None,
            due: None,
            error: None,
            child: Some(RunId(child)),
        }
    }

    #[test]
    fn sub_flows_stand_below_their_steps() {
        let mut names = Names::of(&[(RunId(1), "one".to_owned())]);
        assert_eq!(names.place(&event(1, calls("a.b", 2))).as_deref(), Some(""));
        assert_eq!(names.place(&event(2, calls("c", 3))).as_deref(), Some("a.b/"));
        let ended = What::Run { flow: "x".into(), status: RunStatus::Succeeded, error: None, parent: None };
        assert_eq!(names.place(&event(3, ended.clone())).as_deref(), Some("a.b/c/"));
        assert_eq!(names.place(&event(3, ended)), None, "a run that has ended tells nothing more");
        assert_eq!(names.place(&event(9, calls("x", 10))), None, "other runs are not shown");
    }

    #[test]
    fn several_runs_are_told_apart() {
        let mut names = Names::of(&[1, 2].map(|it| (RunId(it), "many".to_owned())));
        assert_eq!(names.place(&event(2, calls("a", 3))).as_deref(), Some("many:000002/"));
    }
}
