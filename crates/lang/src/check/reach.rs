//! Whether one step certainly comes before another, asked for many pairs at once.
//!
//! Most questions are about direct needs or a chain of steps and are answered from a spanning tree. The rest is
//! answered 64 targets at a time, by passing marks along the order of the steps.
//!
//! **Invariant:** time is at most steps times distinct targets / 64, and nothing recurses over the graph.

use super::{
    cycles::Order,
    plan::{Plan, StepNo},
};

/// Does `target` come before `from`?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) from: StepNo,
    pub(super) target: StepNo,
}

/// A part of the graph of needs: for each step in the order, the ranks of those it waits for, sorted.
pub(super) struct Graph<'a> {
    order: &'a Order,
    starts: Vec<usize>,
    before: Vec<u32>,
    /// Where each step's part of the spanning tree begins and ends, counting its steps in depth-first order.
    tree: Vec<(u32, u32)>,
}

impl<'a> Graph<'a> {
    /// The graph of those steps whose edges `counts` keeps. A group always waits for its steps.
    pub(super) fn new(plan: &Plan, order: &'a Order, counts: impl Fn(StepNo) -> bool) -> Self {
        let mut starts = Vec::with_capacity(order.steps.len() + 1);
        let mut before: Vec<u32> = Vec::new();
        starts.push(0);
        for no in &order.steps {
            if plan.is_group(*no) || counts(*no) {
                let ranks = plan.before(*no).iter().filter_map(|it| order.rank(*it));
                before.extend(ranks.filter_map(|it| u32::try_from(it).ok()));
            }
            let first = starts[starts.len() - 1];
            before[first..].sort_unstable();
            starts.push(before.len());
        }
        let mut graph = Self { order, starts, before, tree: Vec::new() };
        graph.tree = graph.spanning_tree();
        graph
    }

    fn before(&self, rank: usize) -> &[u32] {
        &self.before[self.starts[rank]..self.starts[rank + 1]]
    }

    /// A tree in which each step hangs below the latest of those it waits for.
    fn spanning_tree(&self) -> Vec<(u32, u32)> {
        let count = self.order.steps.len();
        let mut sizes = vec![1_u32; count];
        for rank in (0..count).rev() {
            if let Some(parent) = self.before(rank).last() {
                sizes[*parent as usize] += sizes[rank];
            }
        }
        // Parents come before their children, so that each child finds the room that is left below its parent.
        let (mut tree, mut free, mut next) = (vec![(0, 0); count], vec![0_u32; count], 0_u32);
        for rank in 0..count {
            let place = match self.before(rank).last() {
                Some(parent) => &mut free[*parent as usize],
                None => &mut next,
            };
            let first = *place;
            *place += sizes[rank];
            free[rank] = first + 1;
            tree[rank] = (first, first + sizes[rank]);
        }
        tree
    }

    /// The answers, in the order of the questions. What is in or behind a circle is taken to be in order.
    pub(super) fn answer(&self, questions: &[Question]) -> Vec<bool> {
        let mut answers = vec![true; questions.len()];
        let mut open: Vec<(u32, u32, usize)> = Vec::new();
        for (at, it) in questions.iter().enumerate() {
            let (Some(from), Some(target)) = (self.order.rank(it.from), self.order.rank(it.target)) else { continue };
            if from <= target {
                answers[at] = false;
            } else if !self.is_quick(from, target) {
                let rank = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
                open.push((rank(target), rank(from), at));
            }
        }
        open.sort_unstable();
        let mut marks = vec![0_u64; if open.is_empty() { 0 } else { self.order.steps.len() }];
        let mut rest = open.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_length(rest));
            self.pass(batch, &mut marks, &mut answers);
            rest = later;
        }
        answers
    }

    fn is_quick(&self, from: usize, target: usize) -> bool {
        let (first, end) = self.tree[target];
        (first..end).contains(&self.tree[from].0)
            || u32::try_from(target).is_ok_and(|target| self.before(from).binary_search(&target).is_ok())
    }

    /// Answers questions about at most 64 targets.
    fn pass(&self, batch: &[(u32, u32, usize)], marks: &mut [u64], answers: &mut [bool]) {
        let mut bits: Vec<u32> = batch.iter().map(|it| it.0).collect();
        bits.dedup();
        let first = bits[0] as usize;
        let last = batch.iter().map(|it| it.1 as usize).max().unwrap_or(first);
        let mut next = 0;
        for rank in first..=last {
            let mut mark = 0;
            let before = self.before(rank);
            for it in &before[before.partition_point(|it| (*it as usize) < first)..] {
                mark |= marks[*it as usize];
            }
            if bits.get(next).is_some_and(|it| *it as usize == rank) {
                mark |= 1 << next;
                next += 1;
            }
            marks[rank] = mark;
        }
        for (target, from, at) in batch {
            let bit = bits.binary_search(target).unwrap_or(0);
            answers[*at] = marks[*from as usize] & (1 << bit) != 0;
        }
    }
}

/// How many of the questions, sorted by target, are about the first 64 targets.
fn batch_length(questions: &[(u32, u32, usize)]) -> usize {
    let (mut targets, mut last) = (0, None);
    for (at, it) in questions.iter().enumerate() {
        if last != Some(it.0) {
            targets += 1;
            last = Some(it.0);
        }
        if targets > 64 {
            return at;
        }
    }
    questions.len()
}

#[cfg(test)]
mod tests;
