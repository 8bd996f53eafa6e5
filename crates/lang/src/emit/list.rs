//! A list of steps with its groups dissolved and its needs resolved.
//!
//! A group is for naming and drawing: its steps join the list around it, in their place. What a group says counts
//! for its steps: `when` and `on_failure` for each, `needs` and `run_if` for those that wait for no other step of
//! the group. Who needs a group needs all of its steps.

use std::{collections::BTreeMap, ops::Range};

use drawloom_blueprint::TriggerRule;

use crate::{
    Node, Spanned,
    model::{Body, OnFailure, Step},
};

/// A step of a list, on its way into a blueprint.
pub(super) struct Listed<'a> {
    pub(super) step: &'a Step,
    /// The positions in the list of the steps that it needs, sorted, each once.
    pub(super) needs: Vec<usize>,
    pub(super) rule: TriggerRule,
    /// The conditions of the groups around it, outermost first, then its own.
    pub(super) when: Vec<&'a Node>,
    pub(super) on_failure: OnFailure,
    /// The groups around it, outermost first.
    pub(super) groups: Vec<String>,
}

/// The steps of a list in order of writing, without groups.
pub(super) fn listed(steps: &[Step]) -> Vec<Listed<'_>> {
    let mut list = List::default();
    list.add(steps, None);
    (0..list.steps.len()).map(|at| list.resolve(at)).collect()
}

#[derive(Default)]
struct List<'a> {
    /// The steps, each with the group around it.
    steps: Vec<(&'a Step, Option<usize>)>,
    groups: Vec<Group<'a>>,
    /// The positions that an id stands for: of one step, or of the steps of a group.
    ids: BTreeMap<&'a str, Range<usize>>,
}

struct Group<'a> {
    step: &'a Step,
    steps: Range<usize>,
    outer: Option<usize>,
}

impl<'a> List<'a> {
    /// Adds steps and those of the groups among them. Groups nest no deeper than documents do.
    fn add(&mut self, steps: &'a [Step], group: Option<usize>) {
        for step in steps {
            let first = self.steps.len();
            if let Body::Group(inner) = &step.body {
                let at = self.groups.len();
                self.groups.push(Group { step, steps: first..first, outer: group });
                self.add(inner, Some(at));
                self.groups[at].steps.end = self.steps.len();
            } else {
                self.steps.push((step, group));
            }
            self.ids.insert(&step.id.value, first..self.steps.len());
        }
    }

    /// The groups around the step at a position, innermost first.
    fn around(&self, at: usize) -> impl Iterator<Item = &Group<'a>> {
        let innermost = self.steps[at].1.map(|it| &self.groups[it]);
        std::iter::successors(innermost, |it| it.outer.map(|it| &self.groups[it]))
    }

    fn resolve(&self, at: usize) -> Listed<'a> {
        let step = self.steps[at].0;
        let (needs, rule) = self.needs(at);
        let around: Vec<&Group<'a>> = self.around(at).collect();
        let when = around.iter().rev().map(|it| it.step).chain([step]).filter_map(|it| it.when.as_ref()).collect();
        let on_failure = [step].into_iter().chain(around.iter().map(|it| it.step)).find_map(|it| it.on_failure);
        let groups = around.iter().rev().map(|it| it.step.id.value.clone()).collect();
        Listed { step, needs, rule, when, on_failure: on_failure.map_or(OnFailure::Fail, |it| it.value), groups }
    }

    /// What a step needs, and the rule by which that lets it run.
    fn needs(&self, at: usize) -> (Vec<usize>, TriggerRule) {
        let step = self.steps[at].0;
        // Order implies a need, unless the step or a group that begins with it says what is needed.
        let by_group = || self.around(at).any(|it| it.steps.start == at && it.step.needs.is_some());
        let implied = step.needs.is_none() && !by_group();
        let mut needs = match &step.needs {
            Some(it) => self.positions(it, at),
            None if implied => at.checked_sub(1).into_iter().collect(),
            None => Vec::new(),
        };
        let mut run_if = step.run_if;
        for group in self.around(at) {
            let waits_within = needs.iter().any(|it| group.steps.contains(it));
            if !waits_within {
                run_if = run_if.or(group.step.run_if);
                needs.extend(group.step.needs.iter().flat_map(|it| self.positions(it, at)));
            }
        }
        needs.sort_unstable();
        needs.dedup();
        let default = if implied && !needs.is_empty() { TriggerRule::NoneFailed } else { TriggerRule::AllSuccess };
        (needs, run_if.map_or(default, |it| it.value))
    }

    /// The positions that these ids stand for, as the step at `at` means them. The checks know all of them.
    fn positions(&self, ids: &[Spanned<String>], at: usize) -> Vec<usize> {
        let known = ids.iter().filter_map(|id| self.ids.get(id.value.as_str()));
        known.flat_map(Range::clone).filter(|it| *it != at).collect()
    }
}
