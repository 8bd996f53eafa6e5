//! Stopping a part of a run at an instant.

use std::{collections::BTreeSet, rc::Rc};

use drawloom_blueprint::RunStatus;

use super::{At, Said, Unsaid, log::Done};

/// An instant at which what is under way stops, and what has not begun does not begin.
#[derive(Clone, Default)]
pub(super) struct Cut(Option<Rc<Stop>>);

struct Stop {
    at: At,
    /// The step that stops the part by its end, where it is in that part.
    trigger: Option<String>,
    /// Whether it is a `stop`, after which nothing is undone.
    well: bool,
    /// The steps that begin at the very instant all the same, as they led to it.
    kept: BTreeSet<String>,
}

impl Cut {
    /// The part is not stopped.
    pub(super) fn never() -> Self {
        Self(None)
    }

    /// Whether the run has ended well by it.
    pub(super) fn is_well(&self) -> bool {
        self.0.as_ref().is_some_and(|it| it.well)
    }

    pub(super) fn instant(&self) -> At {
        self.0.as_ref().map_or(At::MAX, |it| it.at)
    }

    /// Whether a step that its needs let go at that instant does not begin.
    pub(super) fn forbids(&self, path: &str, start: At) -> bool {
        self.0.as_ref().is_some_and(|it| start > it.at || (start == it.at && !it.kept.contains(path)))
    }

    /// Whether the frame whose paths begin so is still open when it is stopped, though its steps end at `at`.
    pub(super) fn catches(&self, prefix: &str, at: At) -> bool {
        let Some(it) = &self.0 else { return false };
        at > it.at || (at == it.at && it.trigger.as_ref().is_some_and(|trigger| trigger.starts_with(prefix)))
    }
}

/// The cut of the whole log that `trigger`, a place in the log, causes by its end. Fails where anything happens in the
/// same instant, but for what led to the trigger and what follows from it.
pub(super) fn caused(log: &[Done<'_>], trigger: usize) -> Said<Cut> {
    let at = log[trigger].end;
    let before = leading_to(log, trigger);
    let around: BTreeSet<usize> = around(log, trigger).collect();
    for (no, done) in log.iter().enumerate().filter(|(_, it)| it.touches(at)) {
        if !before.contains(&no) && !around.contains(&no) && !leading_to(log, no).contains(&trigger) {
            return Err(tie(done, at));
        }
    }
    let kept = before.union(&around).map(|it| log[*it].path.clone()).collect();
    let well = log[trigger].ends.as_ref().is_some_and(|(status, _)| *status == RunStatus::Succeeded);
    Ok(Cut(Some(Rc::new(Stop { at, trigger: Some(log[trigger].path.clone()), well, kept }))))
}

/// The cut of a part of the log at an instant that nothing in it causes.
pub(super) fn from_outside(part: &[Done<'_>], at: At) -> Said<Cut> {
    match part.iter().find(|it| it.touches(at)) {
        Some(done) => Err(tie(done, at)),
        None => Ok(Cut(Some(Rc::new(Stop { at, trigger: None, well: false, kept: BTreeSet::new() })))),
    }
}

fn tie(done: &Done<'_>, at: At) -> Unsaid {
    Unsaid(format!("`{}` begins or ends at {at}, when it is stopped", done.path))
}

/// The blocks around a step.
fn around(log: &[Done<'_>], no: usize) -> impl Iterator<Item = usize> {
    (no + 1..log.len()).filter(move |it| log[*it].inside <= no)
}

/// The step itself, and all that ended before it began.
fn leading_to(log: &[Done<'_>], no: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![no];
    while let Some(it) = open.pop() {
        if !found.insert(it) {
            continue;
        }
        open.extend(&log[it].after);
        open.extend(log[it].inside..it);
        open.extend(around(log, it).flat_map(|block| log[block].after.clone()));
    }
    found
}
