//! What the top-level names of expressions mean at their places.
//!
//! Names of steps become [`Ref`]s, which [`super::refs`] judges all at once.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    fields,
    plan::{ListNo, Plan, Role, StepNo},
    refs::Ref,
    secrets,
    sites::{At, Site},
    suggest::{Suggest, shortened, some_of},
    uses::Use,
};
use crate::{
    Code, Diagnostic,
    model::{Body, Flow, ForEach},
};

/// Looks names up.
pub(super) struct Names<'c, 'a> {
    pub(super) flow: &'a Flow,
    pub(super) plan: &'c Plan<'a>,
    pub(super) suggest: &'c mut Suggest,
    pub(super) problems: &'c mut Vec<Diagnostic>,
    /// The uses of steps that were found.
    pub(super) refs: Vec<Ref<'a>>,
    pub(super) inputs: BTreeSet<&'a str>,
    pub(super) vars: BTreeSet<&'a str>,
    /// The variables that nothing has used yet.
    pub(super) unused: BTreeSet<&'a str>,
    /// The names that blocks give to items and positions, each with the first such block.
    pub(super) variables: BTreeMap<&'a str, StepNo>,
}

/// The names that the blocks of a flow give to items and positions.
pub(super) fn variables<'a>(plan: &Plan<'a>) -> BTreeMap<&'a str, StepNo> {
    let mut found = BTreeMap::new();
    for (no, step) in plan.steps() {
        if let Body::ForEach(it) = &step.body {
            names_of(it).for_each(|name| {
                found.entry(name).or_insert(no);
            });
        }
    }
    found
}

/// The names that a `for_each` gives to the item and its position.
fn names_of(it: &ForEach) -> impl Iterator<Item = &str> {
    std::iter::once(it.item_name()).chain(it.index.as_ref().map(|it| it.value.as_str()))
}

/// The words that some place gives a meaning to.
const EVERYWHERE: [&str; 4] = ["inputs", "run", "vars", "secrets"];

/// The lists around a place, innermost first.
pub(super) fn lists(plan: &Plan, at: At) -> impl Iterator<Item = ListNo> {
    let innermost = match at {
        At::Trigger | At::Start => None,
        At::Step(no) | At::When(no) | At::Group(no) => Some(plan.entry(no).list),
        At::Before(list) | At::After(list) => Some(list),
    };
    std::iter::successors(innermost, |it| plan.lists[it.ix()].owner.map(|it| plan.entry(it).list))
}

impl<'a> Names<'_, 'a> {
    /// Checks one use of a name.
    pub(super) fn check(&mut self, site: &Site<'a>, it: &Use<'a>) {
        if self.is_variable(site.at, it.root) {
            return;
        }
        if let Some(step) = self.plan.find(it.root) {
            return self.step(site, it, step);
        }
        let problem = match it.root {
            "inputs" if site.at == At::Trigger => Some(no_run_yet(it)),
            "inputs" => self.input(it),
            "vars" => self.var(it),
            "run" => fields::run(it),
            "secrets" => secrets::check(site.slot, it),
            "error" => self.error(site.at, it),
            "last" => self.last(site.at, it),
            _ => Some(self.unknown(site.at, it)),
        };
        self.problems.extend(problem);
    }

    fn step(&mut self, site: &Site<'a>, it: &Use<'a>, step: StepNo) {
        let id = shortened(it.root);
        if matches!(site.at, At::Trigger | At::Start) {
            let message = format!("step `{id}` is used before the run begins");
            let problem = Diagnostic::new(Code::NotBefore, it.span, message);
            let known = if site.at == At::Start { "`inputs`, `run` and `vars`" } else { "`vars`, `secrets` and `run`" };
            return self.problems.push(problem.help(format!("known here are {known}")));
        }
        if let Body::Group(steps) = &self.plan.entry(step).step.body {
            let message = format!("`{id}` is a group, which has no output of its own");
            let inner = some_of(steps.iter().map(|it| it.id.value.as_str()));
            let problem = Diagnostic::new(Code::UnknownName, it.span, message);
            return self.problems.push(problem.help(format!("use one of its steps: {inner}")));
        }
        self.problems.extend(fields::of_step(self.flow, self.plan.entry(step).step, it, self.suggest));
        self.refs.push(Ref { at: site.at, target: step, span: it.span, root: it.root, guarded: it.guarded });
    }

    /// Whether a `for_each` around the place gives this name to its item or position.
    fn is_variable(&self, at: At, name: &str) -> bool {
        let roles = lists(self.plan, at).map(|it| self.plan.lists[it.ix()].role);
        roles
            .filter_map(|it| if let Role::Each(it) = it { Some(it) } else { None })
            .any(|it| names_of(it).any(|it| it == name))
    }

    fn input(&mut self, it: &Use) -> Option<Diagnostic> {
        let part = it.tail.first()?;
        let name = part.name.as_deref().filter(|name| !self.inputs.contains(name))?;
        let problem = Diagnostic::new(Code::UnknownInput, part.span, format!("unknown input `{}`", shortened(name)));
        let known = self.inputs.iter().copied();
        let help = self.suggest.like(name, known.clone()).unwrap_or_else(|| match self.inputs.is_empty() {
            true => "the flow has no inputs; declare it in `inputs`".to_owned(),
            false => format!("the inputs are {}", some_of(known)),
        });
        Some(problem.help(help))
    }

    fn var(&mut self, it: &Use) -> Option<Diagnostic> {
        // Where the name is not written out, any of them may be meant.
        match it.tail.first().and_then(|it| it.name.as_deref()) {
            Some(name) => drop(self.unused.remove(name)),
            None => self.unused.clear(),
        }
        let part = it.tail.first()?;
        let name = part.name.as_deref().filter(|name| !self.vars.contains(name) && !it.guarded)?;
        let problem = Diagnostic::new(Code::UnknownVar, part.span, format!("unknown variable `{}`", shortened(name)));
        let known = self.vars.iter().copied();
        let help = self.suggest.like(name, known.clone()).unwrap_or_else(|| match self.vars.is_empty() {
            true => "the flow has no variables; declare it in `vars`".to_owned(),
            false => format!("the variables are {}", some_of(known)),
        });
        Some(problem.help(help))
    }

    fn error(&mut self, at: At, it: &Use) -> Option<Diagnostic> {
        let is = |wanted: fn(&Role) -> bool| lists(self.plan, at).any(|it| wanted(&self.plan.lists[it.ix()].role));
        if is(|it| matches!(it, Role::Catch)) {
            return fields::error(it);
        }
        if it.guarded && is(|it| matches!(it, Role::Finally)) {
            return None;
        }
        let message = "`error` is known only in `catch`";
        let help = "put the steps that use it into the `catch` of a `try`";
        Some(Diagnostic::new(Code::ErrorOutsideCatch, it.span, message).help(help))
    }

    fn last(&mut self, at: At, it: &Use) -> Option<Diagnostic> {
        if !lists(self.plan, at).any(|it| matches!(self.plan.lists[it.ix()].role, Role::Loop(_))) {
            let message = "`last` is known only in a `loop`: in its steps, `while` and `until`";
            return Some(Diagnostic::new(Code::LastOutsideWhile, it.span, message));
        }
        if matches!(at, At::Before(_)) && !it.guarded {
            let message = "`last` has no value before the first iteration";
            let help = "say what is meant then: `last.more | default(true)`";
            return Some(Diagnostic::new(Code::MayNotHaveRun, it.span, message).help(help));
        }
        None
    }

    fn unknown(&mut self, at: At, it: &Use) -> Diagnostic {
        let name = shortened(it.root);
        let problem = Diagnostic::new(Code::UnknownName, it.span, format!("unknown name `{name}`"));
        if let Some(help) = common_slip(it.root, it.tail.first().and_then(|it| it.name.as_deref())) {
            return problem.help(help);
        }
        if let Some(block) = self.variables.get(it.root) {
            let block = shortened(self.plan.id(*block));
            return problem.help(format!("`{name}` is known only in the `do` of `{block}`"));
        }
        let plan = self.plan;
        let variables = lists(plan, at).filter_map(|it| match plan.lists[it.ix()].role {
            Role::Each(it) => Some(it),
            _ => None,
        });
        let variables = variables
            .flat_map(|it| std::iter::once(it.item_name()).chain(it.index.as_ref().map(|it| it.value.as_str())));
        let known = EVERYWHERE.into_iter().chain(variables).chain(plan.ids());
        let in_inputs = self.inputs.contains(it.root).then(|| format!("did you mean `inputs.{name}`?"));
        problem.maybe_help(in_inputs.or_else(|| self.suggest.like(it.root, known)))
    }
}

fn no_run_yet(it: &Use) -> Diagnostic {
    Diagnostic::new(Code::UnknownName, it.span, "a trigger fires before there are inputs")
        .help("known here are `vars`, `secrets` and `run`")
}

/// What to write for names that other languages have.
fn common_slip(name: &str, member: Option<&str>) -> Option<String> {
    let help = match (name, member) {
        ("null" | "nil" | "None" | "undefined", _) => "write `none`".to_owned(),
        ("steps" | "tasks" | "jobs" | "nodes" | "outputs", Some(step)) => {
            format!("steps are named directly: `{}`", shortened(step))
        }
        ("input" | "params" | "args", Some(input)) => format!("write `inputs.{}`", shortened(input)),
        ("secret", Some(it)) => format!("write `secrets.{}`", shortened(it)),
        ("env", Some(_)) => "the environment cannot be read; declare an input, or use a secret".to_owned(),
        ("loop", Some("index" | "index0")) => "name the position with `for_each: { index: … }`".to_owned(),
        ("range" | "dict" | "now", _) => format!("`{name}` is a function: write `{name}(…)`"),
        _ => return None,
    };
    Some(help)
}
