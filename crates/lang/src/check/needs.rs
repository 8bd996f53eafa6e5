//! What each step waits for: its needs, the needs of the groups around it, or its place in the list.
//!
//! What a group says counts for its steps: `when` and `on_failure` for each, `needs` and `run_if` for those that
//! wait for no other step of the group.
//!
//! **Invariant:** afterwards the needs of a step are steps or groups of its own list, and never itself.

use std::{collections::BTreeSet, ops::Range};

use drawloom_blueprint::TriggerRule;

use super::{
    plan::{Plan, StepNo},
    suggest::{Suggest, shortened},
};
use crate::{Code, Diagnostic, Spanned, limits};

/// Fills in what each step waits for, and reports needs that are none.
pub(super) fn resolve(plan: &mut Plan, suggest: &mut Suggest, problems: &mut Vec<Diagnostic>) {
    let written: Vec<Option<Vec<StepNo>>> =
        (0..plan.entries.len()).map(|at| written(plan, StepNo::new(at), suggest, problems)).collect();
    let mut total: usize = 0;
    for at in 0..plan.entries.len() {
        let no = StepNo::new(at);
        if !plan.is_group(no) {
            let (needs, rule, implied) = waits(plan, no, &written);
            let count: usize = needs.iter().map(|it| plan.entry(*it).at.len()).sum();
            let was_within = total <= limits::NEEDS;
            total = total.saturating_add(count);
            if was_within && total > limits::NEEDS {
                problems.push(too_many(plan, no, count));
            }
            let entry = &mut plan.entries[at];
            (entry.needs, entry.rule, entry.implied) = (needs, rule, implied);
        }
    }
}

fn too_many(plan: &Plan, no: StepNo, count: usize) -> Diagnostic {
    let message = format!(
        "with the {count} steps that `{}` needs, there are more than {} needs in this flow",
        shortened(plan.id(no)),
        limits::NEEDS
    );
    let help = "let one step, such as `set: {}`, need them all, and let the others need that one";
    let needs = plan.entry(no).step.needs.as_ref().and_then(|it| it.first());
    Diagnostic::new(Code::TooManyNeeds, needs.map_or(plan.id_span(no), |it| it.span), message).help(help)
}

/// The steps that a step names in its `needs`, where it has any.
fn written(plan: &Plan, no: StepNo, suggest: &mut Suggest, problems: &mut Vec<Diagnostic>) -> Option<Vec<StepNo>> {
    let needs = plan.entry(no).step.needs.as_ref()?;
    let mut found = Vec::with_capacity(needs.len());
    let mut seen = BTreeSet::new();
    for need in needs {
        if !seen.insert(need.value.as_str()) {
            let message = format!("`{}` is needed already", shortened(&need.value));
            problems.push(Diagnostic::new(Code::RepeatedNeed, need.span, message));
            continue;
        }
        match judge(plan, no, need, suggest) {
            Ok(it) => found.push(it),
            Err(problem) => problems.push(*problem),
        }
    }
    Some(found)
}

fn judge(plan: &Plan, no: StepNo, need: &Spanned<String>, suggest: &mut Suggest) -> Result<StepNo, Box<Diagnostic>> {
    let name = shortened(&need.value);
    let problem = |code, message| Box::new(Diagnostic::new(code, need.span, message));
    let Some(step) = plan.find(&need.value) else {
        let list = plan.list_of(no).steps.iter().map(|it| plan.id(*it)).filter(|it| *it != plan.id(no));
        let help = suggest.like(&need.value, list).or_else(|| suggest.like(&need.value, plan.ids()));
        let unknown = Diagnostic::new(Code::UnknownNeed, need.span, format!("unknown step `{name}` in `needs`"));
        return Err(Box::new(unknown.maybe_help(help)));
    };
    // A need of a step with a repeated id may mean either of them; the id is reported.
    if step == no || need.value == plan.id(no) {
        return Err(problem(Code::SelfReference, format!("`{name}` needs itself")));
    }
    if plan.groups(no).any(|it| it == step) {
        return Err(problem(Code::SelfReference, format!("a step of the group `{name}` needs the whole group")));
    }
    if plan.entry(step).list == plan.entry(no).list {
        return Ok(step);
    }
    let own = plan.entry(no).list;
    let message = format!("`{name}` is not a step of the same list");
    let help = if let Some(block) = plan.blocks(step).find(|it| plan.entry(*it).list == own) {
        format!("it is inside `{0}`: need `{0}`", plan.id(block))
    } else if let Some(block) = plan.blocks(no).find(|it| plan.entry(*it).list == plan.entry(step).list) {
        format!("it must end before `{0}` begins: let `{0}` need it", plan.id(block))
    } else {
        "a step can need steps of its own list only; what is in another block is reached through the block".to_owned()
    };
    Err(Box::new(problem(Code::NeedOutsideList, message).label(plan.id_span(step), "it stands here").help(help)))
}

/// What a step waits for, by which rule, and whether only because of its place.
fn waits(plan: &Plan, no: StepNo, written: &[Option<Vec<StepNo>>]) -> (Vec<StepNo>, TriggerRule, bool) {
    let entry = plan.entry(no);
    let at = entry.at.start;
    let begins = |group: &StepNo| plan.entry(*group).at.start == at && written[group.ix()].is_some();
    let implied = written[no.ix()].is_none() && !plan.groups(no).any(|it| begins(&it));
    let mut needs = match &written[no.ix()] {
        Some(it) => it.clone(),
        None if implied => at.checked_sub(1).map(|it| plan.list_of(no).steps[it]).into_iter().collect(),
        None => Vec::new(),
    };
    let mut run_if = entry.step.run_if;
    for group in plan.groups(no) {
        let inside = plan.entry(group).at.clone();
        let is_inside = |at: &Range<usize>| !at.is_empty() && inside.contains(&at.start);
        if !needs.iter().any(|it| is_inside(&plan.entry(*it).at)) {
            run_if = run_if.or(plan.entry(group).step.run_if);
            needs.extend(written[group.ix()].iter().flatten());
        }
    }
    needs.sort_unstable();
    needs.dedup();
    let implied = implied && !needs.is_empty();
    let default = if implied { TriggerRule::NoneFailed } else { TriggerRule::AllSuccess };
    (needs, run_if.map_or(default, |it| it.value), implied)
}
