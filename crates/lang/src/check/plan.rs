//! The steps of a flow as a table: which list each stands in, what it waits for and by which rule.
//!
//! Groups are transparent: their steps belong to the list around them. A group keeps an entry of its own, which
//! stands for all of its steps, so that a thousand needs of a group of a thousand steps cost two thousand edges.
//!
//! **Invariant:** a step has a higher number than the block that holds it, and the steps of a list are in order of
//! writing.

use std::{collections::BTreeMap, ops::Range};

use drawloom_blueprint::TriggerRule;

use crate::{
    Data, Node, Span,
    model::{Arm, Body, Flow, ForEach, Loop, OnFailure, Step},
};

/// A step's position in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StepNo(u32);

impl StepNo {
    pub(super) fn new(at: usize) -> Self {
        Self(u32::try_from(at).expect("invariant: a document has fewer than 2^32 steps"))
    }

    pub(super) fn ix(self) -> usize {
        self.0 as usize
    }
}

/// A list's position in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListNo(u32);

impl ListNo {
    /// The flow's own list.
    pub(super) const ROOT: Self = Self(0);

    pub(super) fn ix(self) -> usize {
        self.0 as usize
    }
}

/// A step in its place.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) step: &'a Step,
    pub(super) list: ListNo,
    /// The innermost group around it.
    pub(super) group: Option<StepNo>,
    /// Its position in its list; the positions of its steps, for a group.
    pub(super) at: Range<usize>,
    /// What it waits for, each once and sorted; filled in by [`super::needs`], and empty for a group.
    pub(super) needs: Vec<StepNo>,
    /// When that lets it run.
    pub(super) rule: TriggerRule,
    /// Whether it waits only because of its place in the list.
    pub(super) implied: bool,
    /// The first of its own lists, where it is a block.
    pub(super) body: Option<ListNo>,
}

/// What a list of steps is for its block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role<'a> {
    Root,
    Branch,
    /// One of several, of which one at most is taken; the conditions that were false before it, and its own.
    Arm(&'a [Arm], usize),
    Then(&'a Node),
    Else(&'a Node),
    Each(&'a ForEach),
    Loop(&'a Loop),
    Try,
    Catch,
    Finally,
    Compensate,
}

/// A list of steps, groups dissolved.
#[derive(Debug)]
pub(super) struct List<'a> {
    pub(super) owner: Option<StepNo>,
    pub(super) role: Role<'a>,
    pub(super) steps: Vec<StepNo>,
}

/// All steps of a flow.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) lists: Vec<List<'a>>,
    ids: BTreeMap<&'a str, StepNo>,
}

impl<'a> Plan<'a> {
    /// The table of a flow's steps, still without needs.
    pub(super) fn new(flow: &'a Flow) -> Self {
        let mut plan = Self { entries: Vec::new(), lists: Vec::new(), ids: BTreeMap::new() };
        plan.list(None, Role::Root, &flow.steps);
        plan
    }

    fn list(&mut self, owner: Option<StepNo>, role: Role<'a>, steps: &'a [Step]) {
        let no = ListNo(u32::try_from(self.lists.len()).expect("invariant: a document has fewer than 2^32 lists"));
        self.lists.push(List { owner, role, steps: Vec::new() });
        if let Some(owner) = owner {
            self.entries[owner.ix()].body.get_or_insert(no);
        }
        self.add(no, None, steps);
    }

    /// Adds steps to a list. Blocks nest no deeper than documents do.
    fn add(&mut self, list: ListNo, group: Option<StepNo>, steps: &'a [Step]) {
        for step in steps {
            let no = StepNo::new(self.entries.len());
            let first = self.lists[list.ix()].steps.len();
            let (needs, rule, implied) = (Vec::new(), TriggerRule::AllSuccess, false);
            self.entries.push(Entry { step, list, group, at: first..first + 1, needs, rule, implied, body: None });
            if !step.id.value.is_empty() {
                self.ids.entry(&step.id.value).or_insert(no);
            }
            if let Body::Group(inner) = &step.body {
                self.add(list, Some(no), inner);
                self.entries[no.ix()].at.end = self.lists[list.ix()].steps.len();
            } else {
                self.lists[list.ix()].steps.push(no);
                self.inner(no, &step.body);
            }
        }
    }

    fn inner(&mut self, no: StepNo, body: &'a Body) {
        let owner = Some(no);
        match body {
            Body::Task(it) => it.compensate.iter().for_each(|it| self.list(owner, Role::Compensate, it)),
            Body::Parallel(it) => it.branches.iter().for_each(|it| self.list(owner, Role::Branch, &it.steps)),
            Body::If(it) => {
                self.list(owner, Role::Then(&it.condition), &it.then);
                it.otherwise.iter().for_each(|steps| self.list(owner, Role::Else(&it.condition), steps));
            }
            Body::Switch(arms) => {
                arms.iter().enumerate().for_each(|(at, it)| self.list(owner, Role::Arm(arms, at), &it.steps));
            }
            Body::ForEach(it) => self.list(owner, Role::Each(it), &it.body),
            Body::Loop(it) => self.list(owner, Role::Loop(it), &it.body),
            Body::Try(it) => {
                self.list(owner, Role::Try, &it.body);
                it.catch.iter().for_each(|it| self.list(owner, Role::Catch, it));
                it.finally.iter().for_each(|it| self.list(owner, Role::Finally, it));
            }
            Body::Group(_)
            | Body::Flow(_)
            | Body::Wait(_)
            | Body::Set(_)
            | Body::Fail(_)
            | Body::Stop(_)
            | Body::Broken => {}
        }
    }

    pub(super) fn entry(&self, no: StepNo) -> &Entry<'a> {
        &self.entries[no.ix()]
    }

    pub(super) fn list_of(&self, no: StepNo) -> &List<'a> {
        &self.lists[self.entry(no).list.ix()]
    }

    pub(super) fn id(&self, no: StepNo) -> &'a str {
        &self.entry(no).step.id.value
    }

    pub(super) fn id_span(&self, no: StepNo) -> Span {
        self.entry(no).step.id.span
    }

    /// The first step with this id.
    pub(super) fn find(&self, id: &str) -> Option<StepNo> {
        self.ids.get(id).copied()
    }

    /// The ids of all steps.
    pub(super) fn ids(&self) -> impl Iterator<Item = &'a str> {
        self.ids.keys().copied()
    }

    /// Every step with its number, groups included, in order of writing.
    pub(super) fn steps(&self) -> impl Iterator<Item = (StepNo, &'a Step)> {
        self.entries.iter().enumerate().map(|(at, it)| (StepNo::new(at), it.step))
    }

    pub(super) fn is_group(&self, no: StepNo) -> bool {
        matches!(self.entry(no).step.body, Body::Group(_))
    }

    /// What must end before this one: its needs, or the steps of a group.
    pub(super) fn before(&self, no: StepNo) -> &[StepNo] {
        let entry = self.entry(no);
        if self.is_group(no) { &self.list_of(no).steps[entry.at.clone()] } else { &entry.needs }
    }

    /// The groups around a step, innermost first.
    pub(super) fn groups(&self, no: StepNo) -> impl Iterator<Item = StepNo> {
        std::iter::successors(self.entry(no).group, |it| self.entry(*it).group)
    }

    /// The block that holds a step, the block that holds that one, and so on.
    pub(super) fn blocks(&self, no: StepNo) -> impl Iterator<Item = StepNo> {
        std::iter::successors(self.list_of(no).owner, |it| self.list_of(*it).owner)
    }

    /// The conditions of a step and of the groups around it, innermost first, but for those that always hold.
    pub(super) fn conditions(&self, no: StepNo) -> impl Iterator<Item = &'a Node> {
        let steps = std::iter::once(no).chain(self.groups(no));
        let conditions = steps.filter_map(|it| self.entry(it).step.when.as_ref());
        conditions.filter(|it| !matches!(it.data, Data::Bool(true)))
    }

    /// Whether a failure of the step counts as handled.
    pub(super) fn goes_on(&self, no: StepNo) -> bool {
        let mut steps = std::iter::once(no).chain(self.groups(no));
        let said = steps.find_map(|it| self.entry(it).step.on_failure);
        said.is_some_and(|it| it.value == OnFailure::Continue)
    }
}

#[cfg(test)]
mod tests;
