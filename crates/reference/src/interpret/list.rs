//! Lists of steps: groups dissolved, needs and rules found, and what the ends of needs mean.

use std::collections::BTreeMap;

use drawloom_blueprint::TriggerRule;
use drawloom_lang::{
    Node,
    model::{Body, OnFailure, Step},
};

use super::{At, State};

/// A step of a list, groups dissolved.
pub(super) struct Listed<'a> {
    pub(super) step: &'a Step,
    pub(super) needs: Vec<usize>,
    pub(super) rule: TriggerRule,
    pub(super) when: Vec<&'a Node>,
    pub(super) goes_on: bool,
}

/// What a group hands down to its steps.
#[derive(Clone, Default)]
struct Around<'a> {
    groups: Vec<(&'a Step, usize)>,
}

/// The steps of a list. The steps of a group stand in the list as if it were not there; its `when` and `on_failure`
/// count for each of them, its `needs` and `run_if` for those that wait for no other step of the group.
pub(super) fn listed(steps: &[Step]) -> Vec<Listed<'_>> {
    let mut flat = Vec::new();
    let mut names = BTreeMap::new();
    flatten(steps, &Around::default(), &mut flat, &mut names);
    (0..flat.len()).map(|at| resolve(&flat, &names, at)).collect()
}

type Flat<'a> = Vec<(&'a Step, Around<'a>)>;

fn flatten<'a>(steps: &'a [Step], around: &Around<'a>, flat: &mut Flat<'a>, names: &mut BTreeMap<&'a str, Vec<usize>>) {
    for step in steps {
        let first = flat.len();
        if let Body::Group(inner) = &step.body {
            let mut within = around.clone();
            within.groups.push((step, first));
            flatten(inner, &within, flat, names);
        } else {
            flat.push((step, around.clone()));
        }
        names.insert(&step.id.value, (first..flat.len()).collect());
    }
}

fn resolve<'a>(flat: &Flat<'a>, names: &BTreeMap<&str, Vec<usize>>, at: usize) -> Listed<'a> {
    let (step, around) = &flat[at];
    let named = |step: &Step| -> Vec<usize> {
        let ids = step.needs.iter().flatten().filter_map(|id| names.get(id.value.as_str()));
        ids.flatten().copied().filter(|it| *it != at).collect()
    };
    let first_of_one_that_says = around.groups.iter().any(|(group, first)| *first == at && group.needs.is_some());
    let implied = step.needs.is_none() && !first_of_one_that_says;
    let mut needs = if implied { at.checked_sub(1).into_iter().collect() } else { named(step) };
    let mut rule = step.run_if.map(|it| it.value);
    for (group, _) in around.groups.iter().rev() {
        let members = &names[group.id.value.as_str()];
        if !needs.iter().any(|it| members.contains(it)) {
            rule = rule.or(group.run_if.map(|it| it.value));
            needs.extend(named(group));
        }
    }
    needs.sort_unstable();
    needs.dedup();
    let default = if implied && !needs.is_empty() { TriggerRule::NoneFailed } else { TriggerRule::AllSuccess };
    let says = [*step].into_iter().chain(around.groups.iter().rev().map(|(group, _)| *group));
    let on_failure = says.filter_map(|it| it.on_failure).map(|it| it.value).next();
    Listed {
        step,
        needs,
        rule: rule.unwrap_or(default),
        when: around.groups.iter().map(|(group, _)| *group).chain([*step]).filter_map(|it| it.when.as_ref()).collect(),
        goes_on: on_failure == Some(OnFailure::Continue),
    }
}

/// What the needs mean for a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Run,
    Skip,
    UpstreamFailed,
}

/// How a need ended, as the steps after it see it.
#[derive(Clone, Copy)]
pub(super) struct Need {
    pub(super) end: At,
    pub(super) state: State,
    pub(super) goes_on: bool,
}

impl Need {
    fn good(&self) -> bool {
        self.state == State::Succeeded || (self.state == State::Failed && self.goes_on)
    }

    fn skipped(&self) -> bool {
        self.state == State::Skipped
    }

    fn bad(&self) -> bool {
        !self.good() && !self.skipped()
    }
}

/// The verdict, and when it is clear; a list that begins at `begin`.
pub(super) fn verdict(rule: TriggerRule, needs: &[Need], begin: At) -> (Verdict, At) {
    use TriggerRule as R;
    let first = |wanted: fn(&Need) -> bool| needs.iter().filter(|it| wanted(it)).map(|it| it.end).min();
    let early = match rule {
        R::Always => Some(begin),
        R::OneSuccess => first(Need::good),
        R::OneFailed => first(Need::bad),
        R::OneDone => first(|it| it.good() || matches!(it.state, State::Failed | State::Cancelled)),
        _ => None,
    };
    if let Some(at) = early {
        return (Verdict::Run, at);
    }
    let all = needs.iter().map(|it| it.end).max().unwrap_or(begin);
    if needs.is_empty() {
        return (Verdict::Run, begin);
    }
    let (good, skipped, bad) =
        (needs.iter().any(Need::good), needs.iter().any(Need::skipped), needs.iter().any(Need::bad));
    let holds = match rule {
        R::AllSuccess => !skipped && !bad,
        R::AllFailed => !good && !skipped,
        R::AllSkipped => !good && !bad,
        R::AllDone | R::Always => true,
        R::OneSuccess | R::OneFailed | R::OneDone => false,
        R::NoneFailed => !bad,
        R::NoneSkipped => !skipped,
        R::NoneFailedMinOneSuccess => good && !bad,
        R::AllDoneMinOneSuccess => good && !skipped,
    };
    // Those that only look at what was skipped, or that want failures, are skipped; the others tell of a failure.
    let blames = match rule {
        R::AllSuccess | R::OneSuccess | R::NoneFailed | R::NoneFailedMinOneSuccess => bad,
        R::AllDoneMinOneSuccess => !skipped,
        _ => false,
    };
    match (holds, blames) {
        (true, _) => (Verdict::Run, all),
        (false, true) => (Verdict::UpstreamFailed, all),
        (false, false) => (Verdict::Skip, all),
    }
}
