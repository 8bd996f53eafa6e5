//! When which run wants to be woken.
//!
//! **Invariant:** at most one instant per run; instants come in order. Times are those of the wall clock, so a sleep
//! is cut short now and then in case the clock was set.

use std::{collections::BTreeSet, time::Duration};

use drawloom_blueprint::{RunId, Timestamp};
use hashbrown::HashMap;

/// How long the loop sleeps before it looks at the clock again.
const NAP_MAX: Duration = Duration::from_secs(5);

/// The timers in memory.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    order: BTreeSet<(Timestamp, RunId)>,
    of: HashMap<RunId, Timestamp>,
}

impl Timers {
    /// Has `run` woken then, and not at an earlier chosen time.
    pub(crate) fn set(&mut self, run: RunId, due: Option<Timestamp>) {
        let was = match due {
            Some(due) => self.of.insert(run, due),
            None => self.of.remove(&run),
        };
        if was == due {
            return;
        }
        if let Some(was) = was {
            self.order.remove(&(was, run));
        }
        if let Some(due) = due {
            self.order.insert((due, run));
        }
    }

    /// The next run that is due by `now`.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<RunId> {
        let (due, run) = *self.order.first()?;
        if due > now {
            return None;
        }
        self.set(run, None);
        Some(run)
    }

    /// How long to sleep, where there is anything to wait for.
    pub(crate) fn nap(&self, now: Timestamp) -> Option<Duration> {
        self.order.first().map(|(due, _)| due.since(now).min(NAP_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_wake_in_due_order_once() {
        let mut timers = Timers::default();
        for (run, due) in [(1, 30), (2, 10), (3, 20), (1, 5), (2, 10)] {
            timers.set(RunId(run), Some(Timestamp(due)));
        }
        timers.set(RunId(3), None);
        assert_eq!(timers.nap(Timestamp(2)), Some(Duration::from_micros(3)));
        assert_eq!(timers.pop(Timestamp(4)), None);
        assert_eq!(timers.pop(Timestamp(40)), Some(RunId(1)));
        assert_eq!(timers.pop(Timestamp(40)), Some(RunId(2)));
        assert_eq!(timers.pop(Timestamp(40)), None);
        assert_eq!(timers.nap(Timestamp(0)), None);
    }
}
