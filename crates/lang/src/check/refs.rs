//! Whether what an expression uses of other steps is certainly there.
//!
//! A step may use what has certainly ended before it: steps of its own list that it waits for, and steps of the
//! lists around it that the block waits for. Where such a step may have no output, the expression must provide for
//! that, unless the reader cannot run then either.

mod say;

use super::{
    conditions,
    cycles::Order,
    names::lists,
    plan::{ListNo, Plan, Role, StepNo},
    reach::{Graph, Question},
    sites::At,
    skips::{Absence, Skips, needs_all_to_run, needs_none_to_succeed, waits_for_all},
};
use crate::{Diagnostic, Span};

/// A use of a step's output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ref<'a> {
    pub(super) at: At,
    pub(super) target: StepNo,
    pub(super) span: Span,
    /// The name as written: the target's id.
    pub(super) root: &'a str,
    /// Whether the expression copes with its having no value.
    pub(super) guarded: bool,
}

/// What has ended in a list when an expression in or below it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// What this step waits for.
    Before(StepNo),
    /// That, and the step itself.
    Through(StepNo),
    Everything,
    Nothing,
}

/// Judges all uses of steps.
pub(super) fn check(plan: &Plan, (order, skips): (&Order, &Skips), refs: &[Ref], problems: &mut Vec<Diagnostic>) {
    let mut judge = Judge { plan, order, skips, open: Vec::new(), problems };
    for it in refs {
        if let At::Group(group) = it.at {
            // Each step of the group evaluates it; where the expression copes, one of them stands for all.
            let steps = plan.before(group);
            let most = if it.guarded { steps.len().min(1) } else { steps.len() };
            steps[..most].iter().for_each(|no| judge.place(&Ref { at: At::When(*no), ..*it }));
        } else {
            judge.place(it);
        }
    }
    judge.order();
}

/// A use whose place is fine, so that its answer lies in the order of the steps.
struct Open<'a> {
    it: Ref<'a>,
    /// The step of the target's list that is, or holds, the reader.
    reader: StepNo,
}

struct Judge<'c, 'a> {
    plan: &'c Plan<'a>,
    order: &'c Order,
    skips: &'c Skips,
    open: Vec<Open<'a>>,
    problems: &'c mut Vec<Diagnostic>,
}

impl<'a> Judge<'_, 'a> {
    /// Judges where the target stands as seen from the reader.
    fn place(&mut self, it: &Ref<'a>) {
        let Some(ended) = ended_in(self.plan, it.at, self.plan.entry(it.target).list) else {
            return self.elsewhere(it);
        };
        match ended {
            Ended::Before(reader) if reader == it.target => self.problems.push(say::itself(it)),
            Ended::Through(reader) if reader == it.target => {}
            _ if it.guarded => {}
            Ended::Before(reader) | Ended::Through(reader) => self.open.push(Open { it: *it, reader }),
            Ended::Nothing => self.problems.push(say::not_yet(it)),
            Ended::Everything => self.absent(it, None),
        }
    }

    /// Judges a target in a list that is not around the reader.
    fn elsewhere(&mut self, it: &Ref) {
        let owner = |list: ListNo| self.plan.lists[list.ix()].owner;
        let around: Vec<StepNo> = lists(self.plan, it.at).filter_map(owner).collect();
        let Some(mut block) = self.plan.list_of(it.target).owner else { return };
        if around.contains(&block) {
            if !it.guarded && !conditions::provide_for(self.plan, it.at, it.root) {
                self.problems.push(say::beside(self.plan, it));
            }
            return;
        }
        // The outermost block that does not hold the reader as well is what the reader can use.
        while let Some(outer) = self.plan.list_of(block).owner.filter(|it| !around.contains(it)) {
            block = outer;
        }
        self.problems.push(say::inside(self.plan, it, block));
    }

    /// Judges what depends on the order of the steps.
    fn order(&mut self) {
        let open = std::mem::take(&mut self.open);
        let plan = self.plan;
        let question = |it: &Open| Question { from: it.reader, target: it.it.target };
        let questions: Vec<Question> = open.iter().map(question).collect();
        let before = Graph::new(plan, self.order, |no| waits_for_all(plan, no)).answer(&questions);
        let has_doubt = |at: &usize| before[*at] && self.skips.absence(plan, open[*at].it.target) != Absence::Never;
        let doubtful: Vec<usize> = (0..open.len()).filter(has_doubt).collect();
        let mut is_absent = vec![false; open.len()];
        if !doubtful.is_empty() {
            let questions: Vec<Question> = doubtful.iter().map(|at| questions[*at]).collect();
            let runs = Graph::new(plan, self.order, |no| needs_all_to_run(plan, no)).answer(&questions);
            for (at, runs) in doubtful.into_iter().zip(runs) {
                is_absent[at] = !runs || plan.goes_on(open[at].it.target);
            }
        }
        for (at, it) in open.iter().enumerate() {
            let never = || needs_none_to_succeed(plan, it.reader) && plan.before(it.reader).contains(&it.it.target);
            if !before[at] {
                self.unless_provided(&it.it, say::not_before(plan, &it.it, it.reader));
            } else if never() {
                self.unless_provided(&it.it, say::never(plan, &it.it, it.reader));
            } else if is_absent[at] {
                self.absent(&it.it, Some(it.reader));
            }
        }
    }

    fn unless_provided(&mut self, it: &Ref, problem: Diagnostic) {
        if !conditions::provide_for(self.plan, it.at, it.root) {
            self.problems.push(problem);
        }
    }

    /// Reports a target that has ended but may have no output, where nothing around the reader provides for that.
    fn absent(&mut self, it: &Ref, reader: Option<StepNo>) {
        let absence = self.skips.absence(self.plan, it.target);
        let shared = || {
            let only = absence == Absence::Condition && !self.skips.besides_condition(self.plan, it.target);
            only && conditions::share_condition(self.plan, it.at, it.target)
        };
        if absence != Absence::Never && !shared() {
            self.unless_provided(it, say::absent(self.plan, it, absence, reader));
        }
    }
}

/// What has ended in `list` when something at `at` is evaluated; nothing where the list is not around it.
fn ended_in(plan: &Plan, at: At, list: ListNo) -> Option<Ended> {
    let (mut around, mut ended) = match at {
        At::Trigger | At::Start => return None,
        At::Step(no) | At::When(no) | At::Group(no) => (plan.entry(no).list, Ended::Before(no)),
        At::Before(list) => (list, Ended::Nothing),
        At::After(list) => (list, Ended::Everything),
    };
    while around != list {
        let inner = &plan.lists[around.ix()];
        let owner = inner.owner?;
        around = plan.entry(owner).list;
        ended = if matches!(inner.role, Role::Compensate) { Ended::Through(owner) } else { Ended::Before(owner) };
    }
    Some(ended)
}
