//! Slots: how many runs of a flow, and with one key, may be under way at once.
//!
//! **Invariant:** a slot is held by a run that has not ended, so it cannot leak. After a restart the table is
//! rebuilt from the index of unended runs.

use std::collections::{BTreeMap, VecDeque};

use drawloom_blueprint::{OnFull, RunId};

/// What shares slots: a flow and the value of its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotKey {
    /// The flow's name.
    pub flow: String,
    /// The key's value; empty where the flow has none.
    pub key: String,
}

/// What becomes of a run that asks for a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// It has one.
    Now,
    /// It waits for one.
    Queued,
    /// It is not wanted now: it ends at once.
    Skipped,
    /// It is refused.
    Rejected,
    /// It waits for these runs, which are to be cancelled for it.
    Instead(Vec<RunId>),
}

#[derive(Debug, Default)]
struct Slots {
    max: u32,
    holders: Vec<RunId>,
    queue: VecDeque<RunId>,
}

/// The table of slots.
#[derive(Debug, Default)]
pub struct Admission {
    slots: BTreeMap<SlotKey, Slots>,
    keys: BTreeMap<RunId, SlotKey>,
}

impl Admission {
    /// Asks for a slot for `run`. Runs of flows without `concurrency` need not ask.
    pub fn ask(&mut self, run: RunId, key: SlotKey, max: u32, when_full: OnFull) -> Admitted {
        if self.keys.contains_key(&run) {
            return if self.holds(run) { Admitted::Now } else { Admitted::Queued };
        }
        let slots = self.slots.entry(key.clone()).or_default();
        slots.max = max;
        let free = slots.holders.len() < max as usize && slots.queue.is_empty();
        let answer = match when_full {
            _ if free => Admitted::Now,
            OnFull::Queue => Admitted::Queued,
            OnFull::Skip => return Admitted::Skipped,
            OnFull::Reject => return Admitted::Rejected,
            OnFull::CancelRunning => {
                let waiting = slots.queue.len();
                Admitted::Instead(slots.holders.get(waiting).copied().into_iter().collect())
            }
        };
        if answer == Admitted::Now {
            slots.holders.push(run);
        } else {
            slots.queue.push_back(run);
        }
        self.keys.insert(run, key);
        answer
    }

    /// Notes a run that held a slot when the process began.
    pub fn restore(&mut self, run: RunId, key: SlotKey, max: u32) {
        let slots = self.slots.entry(key.clone()).or_default();
        slots.max = max;
        slots.holders.push(run);
        self.keys.insert(run, key);
    }

    /// Takes back what `run` held or waited for, as it has ended; says which runs have a slot now.
    pub fn release(&mut self, run: RunId) -> Vec<RunId> {
        let Some(key) = self.keys.remove(&run) else { return Vec::new() };
        let Some(slots) = self.slots.get_mut(&key) else { return Vec::new() };
        slots.holders.retain(|it| *it != run);
        slots.queue.retain(|it| *it != run);
        let mut admitted = Vec::new();
        while slots.holders.len() < slots.max as usize {
            let Some(next) = slots.queue.pop_front() else { break };
            slots.holders.push(next);
            admitted.push(next);
        }
        if slots.holders.is_empty() && slots.queue.is_empty() {
            self.slots.remove(&key);
        }
        admitted
    }

    /// Whether `run` holds a slot.
    #[must_use]
    pub fn holds(&self, run: RunId) -> bool {
        self.keys.get(&run).and_then(|key| self.slots.get(key)).is_some_and(|it| it.holders.contains(&run))
    }

    /// The runs that hold the slots `run` waits for.
    #[must_use]
    pub fn blockers(&self, run: RunId) -> &[RunId] {
        let slots = self.keys.get(&run).and_then(|key| self.slots.get(key));
        slots.filter(|it| it.queue.contains(&run)).map_or(&[], |it| &it.holders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str) -> SlotKey {
        SlotKey { flow: "f".to_owned(), key: key.to_owned() }
    }

    #[test]
    fn slots_go_to_the_first_that_asked_and_never_leak() {
        let mut table = Admission::default();
        let ask = |table: &mut Admission, run, when_full| table.ask(RunId(run), key("a"), 2, when_full);
        assert_eq!(ask(&mut table, 1, OnFull::Queue), Admitted::Now);
        assert_eq!(ask(&mut table, 2, OnFull::Queue), Admitted::Now);
        assert_eq!(ask(&mut table, 3, OnFull::Queue), Admitted::Queued);
        assert_eq!(ask(&mut table, 3, OnFull::Queue), Admitted::Queued, "asking again changes nothing");
        assert_eq!(ask(&mut table, 4, OnFull::Skip), Admitted::Skipped);
        assert_eq!(ask(&mut table, 5, OnFull::Reject), Admitted::Rejected);
        assert_eq!(ask(&mut table, 6, OnFull::CancelRunning), Admitted::Instead(vec![RunId(2)]));
        assert_eq!(table.blockers(RunId(3)), [RunId(1), RunId(2)]);
        assert_eq!(table.ask(RunId(7), key("b"), 2, OnFull::Queue), Admitted::Now, "another key has its own slots");
        assert_eq!(table.release(RunId(1)), [RunId(3)]);
        assert_eq!(table.release(RunId(1)), []);
        assert_eq!(table.release(RunId(2)), [RunId(6)]);
        for run in [3, 6, 7] {
            table.release(RunId(run));
        }
        assert!(table.slots.is_empty() && table.keys.is_empty());
    }
}
