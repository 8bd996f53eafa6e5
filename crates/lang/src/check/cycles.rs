//! Steps that wait for each other in a circle, and an order of all others.
//!
//! **Invariant:** time grows with steps and edges, and nothing recurses over the graph.

use super::{
    plan::{Plan, StepNo},
    suggest::shortened,
};
use crate::{Code, Diagnostic, Span};

/// The steps in an order in which each comes after what it waits for.
#[derive(Debug)]
pub(super) struct Order {
    /// The steps; those in and behind a circle are missing.
    pub(super) steps: Vec<StepNo>,
    /// The position of each step in `steps`.
    ranks: Vec<Option<u32>>,
}

impl Order {
    /// The order of the steps, and what is left of them.
    pub(super) fn new(plan: &Plan) -> Self {
        let count = plan.entries.len();
        let mut open: Vec<usize> = Vec::with_capacity(count);
        let (starts, after) = after(plan);
        let mut steps: Vec<StepNo> = Vec::with_capacity(count);
        for (no, _) in plan.steps() {
            open.push(plan.before(no).len());
            if plan.before(no).is_empty() {
                steps.push(no);
            }
        }
        let mut ranks = vec![None; count];
        let mut next = 0;
        while let Some(no) = steps.get(next).copied() {
            ranks[no.ix()] = u32::try_from(next).ok();
            next += 1;
            for later in &after[starts[no.ix()]..starts[no.ix() + 1]] {
                open[later.ix()] -= 1;
                if open[later.ix()] == 0 {
                    steps.push(*later);
                }
            }
        }
        Self { steps, ranks }
    }

    /// The position of a step; none in and behind a circle.
    pub(super) fn rank(&self, no: StepNo) -> Option<usize> {
        self.ranks[no.ix()].map(|it| it as usize)
    }
}

/// Who waits for each step, as compressed rows.
fn after(plan: &Plan) -> (Vec<usize>, Vec<StepNo>) {
    let mut starts = vec![0_usize; plan.entries.len() + 1];
    for (no, _) in plan.steps() {
        plan.before(no).iter().for_each(|it| starts[it.ix() + 1] += 1);
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut free = starts.clone();
    let mut after = vec![StepNo::new(0); starts[starts.len() - 1]];
    for (no, _) in plan.steps() {
        for it in plan.before(no) {
            after[free[it.ix()]] = no;
            free[it.ix()] += 1;
        }
    }
    (starts, after)
}

/// Reports circles that have no step in common, at least one where there is one.
pub(super) fn check(plan: &Plan, order: &Order, problems: &mut Vec<Diagnostic>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Never,
        Now(usize),
        Before,
    }
    let mut seen = vec![Seen::Never; plan.entries.len()];
    for (first, _) in plan.steps().filter(|(no, _)| order.rank(*no).is_none()) {
        let (mut walk, mut at) = (Vec::new(), first);
        // Whoever has no place in the order waits for somebody who has none either.
        let circle = loop {
            match seen[at.ix()] {
                Seen::Before => break None,
                Seen::Now(from) => break Some(from),
                Seen::Never => {}
            }
            seen[at.ix()] = Seen::Now(walk.len());
            walk.push(at);
            match plan.before(at).iter().find(|it| order.rank(**it).is_none()) {
                Some(it) => at = *it,
                None => break None,
            }
        };
        walk.iter().for_each(|it| seen[it.ix()] = Seen::Before);
        if let Some(from) = circle {
            problems.push(report(plan, &walk[from..]));
        }
    }
}

fn report(plan: &Plan, circle: &[StepNo]) -> Diagnostic {
    let begin = (0..circle.len()).min_by_key(|it| circle[*it]).unwrap_or(0);
    let circle: Vec<StepNo> = circle[begin..].iter().chain(&circle[..begin]).copied().collect();
    let pairs = || circle.iter().copied().zip(circle.iter().copied().cycle().skip(1));
    let message = format!("steps wait for each other in a circle: {}", path(plan, &circle));
    let mut problem = Diagnostic::new(Code::Cycle, wait_place(plan, circle[0], circle[1 % circle.len()]), message);
    for (from, to) in pairs().skip(1).take(7) {
        let how = if is_implied(plan, from) {
            "follows"
        } else if plan.is_group(from) {
            "holds"
        } else {
            "needs"
        };
        let why = format!("`{}` {how} `{}`", shortened(plan.id(from)), shortened(plan.id(to)));
        problem = problem.label(wait_place(plan, from, to), why);
    }
    match pairs().find(|(from, _)| is_implied(plan, *from)) {
        Some((from, to)) => problem.help(format!(
            "`{0}` follows `{1}` because it has no `needs`; write `needs: []` where it need not wait for `{1}`",
            shortened(plan.id(from)),
            shortened(plan.id(to))
        )),
        None => problem.help("take one of these needs away"),
    }
}

fn is_implied(plan: &Plan, no: StepNo) -> bool {
    plan.entry(no).implied && !plan.is_group(no)
}

/// `a -> b -> a`, each step before the one that it waits for; long ones are shortened in the middle.
fn path(plan: &Plan, circle: &[StepNo]) -> String {
    const HEAD: usize = 8;
    const TAIL: usize = 3;
    let name = |no: &StepNo| shortened(plan.id(*no));
    let mut names: Vec<String> = Vec::new();
    if circle.len() > HEAD + TAIL + 1 {
        names.extend(circle[..HEAD].iter().map(name));
        names.push(format!("… {} more …", circle.len() - HEAD - TAIL));
        names.extend(circle[circle.len() - TAIL..].iter().map(name));
    } else {
        names.extend(circle.iter().map(name));
    }
    names.push(name(&circle[0]));
    names.join(" -> ")
}

/// Where it is written that one step waits for another.
fn wait_place(plan: &Plan, from: StepNo, to: StepNo) -> Span {
    let steps = std::iter::once(from).chain(plan.groups(from));
    let mut needs = steps.filter_map(|it| plan.entry(it).step.needs.as_ref()).flatten();
    needs.find(|it| it.value == plan.id(to)).map_or(plan.id_span(from), |it| it.span)
}
