//! Fair picking among the ready tasks of many flows and runs.
//!
//! Flows share by weight (start-time fair queueing, Goyal, Vin and Cheng, 1996, with tasks of cost 1); within a
//! flow the highest priority goes first, and runs of equal priority take turns. So a run of a million tasks
//! delays one of three by at most one task per flow and turn.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use drawloom_blueprint::RunId;

/// A queue of tasks, fair to flows and runs. Every operation takes logarithmic time.
#[derive(Debug)]
pub struct FairQueue<T> {
    /// Where flows that have tasks stand in `flows`.
    names: BTreeMap<String, usize>,
    flows: Vec<Flow<T>>,
    /// Places in `flows` of which no flow has need now.
    free: Vec<usize>,
    /// Flows that have tasks, by the virtual time at which their next one starts.
    order: BTreeSet<(u64, usize)>,
    clock: u64,
    len: usize,
}

#[derive(Debug)]
struct Flow<T> {
    name: String,
    weight: u32,
    /// Per priority, highest last: the runs that take turns.
    turns: BTreeMap<i32, VecDeque<RunId>>,
    tasks: BTreeMap<(i32, RunId), VecDeque<T>>,
}

/// One task of a flow of weight 1 costs so much virtual time.
const COST: u64 = 1 << 20;

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { names: BTreeMap::new(), flows: Vec::new(), free: Vec::new(), order: BTreeSet::new(), clock: 0, len: 0 }
    }
}

/// Where a task stands in line.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// Its flow.
    pub flow: &'a str,
    /// The flow's weight, from 1.
    pub weight: u32,
    /// Its run.
    pub run: RunId,
    /// Its priority within the flow.
    pub priority: i32,
}

impl<T> FairQueue<T> {
    /// Adds a task.
    pub fn push(&mut self, at: &Standing<'_>, task: T) {
        let place = self.names.get(at.flow).copied().unwrap_or_else(|| self.enter(at.flow));
        let Some(flow) = self.flows.get_mut(place) else { return };
        flow.weight = at.weight.max(1);
        let tasks = flow.tasks.entry((at.priority, at.run)).or_default();
        if tasks.is_empty() {
            flow.turns.entry(at.priority).or_default().push_back(at.run);
        }
        tasks.push_back(task);
        self.len += 1;
    }

    /// A flow that had no tasks begins at the present time.
    fn enter(&mut self, name: &str) -> usize {
        let flow = Flow { name: name.to_owned(), weight: 1, turns: BTreeMap::new(), tasks: BTreeMap::new() };
        let place = self.free.pop().unwrap_or(self.flows.len());
        match self.flows.get_mut(place) {
            Some(it) => *it = flow,
            None => self.flows.push(flow),
        }
        self.names.insert(name.to_owned(), place);
        self.order.insert((self.clock, place));
        place
    }

    /// Takes the next task.
    pub fn pop(&mut self) -> Option<T> {
        let (start, place) = self.order.pop_first()?;
        self.clock = start;
        let flow = self.flows.get_mut(place)?;
        let (task, more) = flow.next()?;
        self.len -= 1;
        if more {
            self.order.insert((start + COST / u64::from(flow.weight), place));
        } else {
            self.names.remove(&flow.name);
            self.free.push(place);
        }
        Some(task)
    }

    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T> Flow<T> {
    /// The next task of the flow, and whether it has more.
    fn next(&mut self) -> Option<(T, bool)> {
        let mut turns = self.turns.last_entry()?;
        let priority = *turns.key();
        let run = turns.get_mut().pop_front()?;
        let tasks = self.tasks.get_mut(&(priority, run))?;
        let task = tasks.pop_front()?;
        if tasks.is_empty() {
            self.tasks.remove(&(priority, run));
        } else {
            turns.get_mut().push_back(run);
        }
        if turns.get().is_empty() {
            turns.remove();
        }
        Some((task, !self.turns.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &mut FairQueue<u32>, flow: &str, weight: u32, run: u128, priority: i32, task: u32) {
        queue.push(&Standing { flow, weight, run: RunId(run), priority }, task);
    }

    #[test]
    fn a_small_run_is_not_starved_by_a_large_one() {
        let mut queue = FairQueue::default();
        for task in 0..10_000 {
            push(&mut queue, "large", 1, 1, 0, task);
        }
        for _ in 0..100 {
            queue.pop();
        }
        for task in 0..3 {
            push(&mut queue, "small", 1, 2, 0, 1_000_000 + task);
            push(&mut queue, "large", 1, 3, 0, 2_000_000 + task);
        }
        let first: Vec<u32> = (0..12).filter_map(|_| queue.pop()).collect();
        assert_eq!(first.iter().filter(|it| (1_000_000..2_000_000).contains(*it)).count(), 3, "{first:?}");
        assert_eq!(first.iter().filter(|it| **it >= 2_000_000).count(), 3, "runs of a flow take turns: {first:?}");
    }

    #[test]
    fn a_task_beside_a_million_others_is_taken_within_a_turn() {
        let mut queue = FairQueue::default();
        for task in 0..1_000_000 {
            push(&mut queue, "large", 1, 1, 0, task);
        }
        for small in 0..3 {
            // At any moment, however long the large one has been at it.
            for _ in 0..1_000 + 100_000 * small {
                queue.pop();
            }
            push(&mut queue, "small", 1, 2, 0, 2_000_000);
            push(&mut queue, "large", 1, 3, 0, 3_000_000);
            let before = std::iter::from_fn(|| queue.pop()).take_while(|it| *it != 2_000_000).count();
            assert!(before <= 2, "{before} tasks of others came before the only one of its flow");
            let before = std::iter::from_fn(|| queue.pop()).take_while(|it| *it != 3_000_000).count();
            assert!(before <= 3, "{before} tasks of a run came before the only one of another run of the flow");
        }
    }

    #[test]
    fn weights_and_priorities_count() {
        let mut queue = FairQueue::default();
        for task in 0..300 {
            push(&mut queue, "heavy", 2, 1, 0, task);
            push(&mut queue, "light", 1, 2, i32::from(task % 3 == 0), 1_000 + task);
        }
        let first: Vec<u32> = (0..90).filter_map(|_| queue.pop()).collect();
        let light: Vec<u32> = first.iter().copied().filter(|it| *it >= 1_000).collect();
        assert!((29..=31).contains(&light.len()), "{}", light.len());
        assert!(light.iter().all(|it| (it - 1_000) % 3 == 0), "the higher priority goes first");
        while queue.pop().is_some() {}
        assert!(queue.is_empty() && queue.order.is_empty() && queue.names.is_empty());
        assert_eq!(queue.free.len(), queue.flows.len(), "no place is lost");
    }
}
