//! What should have happened by now.

use std::time::Duration;

use drawloom_blueprint::{RunId, Timestamp};

use super::{Checked, Entry, Ledger, book::At};

/// How late something may be that a healthy process should have done at once.
pub(crate) const SLACK: Duration = Duration::from_secs(60);

impl Ledger {
    /// Nothing that is due lies undone. To be asked where a process has been well for longer than [`SLACK`], and the
    /// clock was not set meanwhile.
    ///
    /// # Errors
    /// What was forgotten.
    pub(crate) fn punctual(&self, now: Timestamp) -> Checked {
        for (run, it) in &self.runs {
            if it.book.ended.is_some() {
                continue;
            }
            if let Some(due) = it.replay.next_due().filter(|due| it.book.now.max(*due).after(SLACK) < now) {
                return Err(format!("run {run}: something was due at {due}, and it is {now}"));
            }
            self.kept_signals(*run, it)?;
            self.children_stop(*run, it, now)?;
        }
        Ok(())
    }

    /// No step waits for a signal that was kept.
    fn kept_signals(&self, run: RunId, it: &Entry) -> Checked {
        for step in it.book.frames.iter().flatten().flat_map(|it| &it.steps) {
            if let Some(drawloom_blueprint::WaitFor::Signal(name)) = &step.wait
                && step.at == At::Waiting
                && it.book.kept.contains(name)
            {
                return Err(format!("run {run}: a step waits for the signal `{name}`, which was kept for it"));
            }
        }
        Ok(())
    }

    /// A sub-flow is asked to end when the step that waits for it is.
    fn children_stop(&self, run: RunId, it: &Entry, now: Timestamp) -> Checked {
        for frame in it.book.frames.iter().flatten() {
            for step in frame.steps.iter().filter(|it| it.at == At::Waiting) {
                let Some(child) = step.child.and_then(|id| Some((id, self.runs.get(&id)?))) else { continue };
                let unwanted = frame.stopping.is_some() || step.timed_out;
                let goes_on = child.1.book.ending.is_none() && child.1.book.ended.is_none();
                let long = it.book.now.after(SLACK) < now && child.1.book.now.after(SLACK) < now;
                if unwanted && goes_on && long {
                    return Err(format!("run {run} stops, and its sub-flow {} was not told", child.0));
                }
            }
        }
        Ok(())
    }

    /// The runs that were killed with their parents in them still going: children of runs that ended.
    ///
    /// # Errors
    /// Where a sub-flow that somebody waited for goes on although the one who waited is gone.
    pub(crate) fn orphans(&self, now: Timestamp) -> Checked {
        for (run, it) in &self.runs {
            let Some(parent) = it.parent.as_ref().filter(|it| !it.detached) else { continue };
            let Some(above) = self.runs.get(&parent.run) else { continue };
            let gone = above.book.ended.is_some() && above.book.now.after(SLACK) < now;
            if gone && it.book.ended.is_none() && it.book.ending.is_none() && it.book.now.after(SLACK) < now {
                return Err(format!("run {run} goes on, and {}, which waited for it, has ended", parent.run));
            }
        }
        Ok(())
    }
}
