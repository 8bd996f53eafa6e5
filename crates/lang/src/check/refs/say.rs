//! What is said about uses of steps that are not certainly there.

use super::Ref;
use crate::{
    Code, Diagnostic,
    check::{
        plan::{Plan, Role, StepNo},
        sites::At,
        skips::{Absence, waits_for_all},
        suggest::shortened,
    },
};

/// The reader is the target, or stands in it.
pub(super) fn itself(it: &Ref) -> Diagnostic {
    let id = shortened(it.root);
    let message = match it.at {
        At::Step(no) | At::When(no) if no == it.target => format!("`{id}` uses its own output"),
        _ => format!("`{id}` has not ended while its own steps run"),
    };
    Diagnostic::new(Code::SelfReference, it.span, message)
}

/// The reader is the `while` of the loop that holds the target.
pub(super) fn not_yet(it: &Ref) -> Diagnostic {
    let message = format!("`{}` has not run when `while` is evaluated", shortened(it.root));
    let help = "the iteration before is `last`; or check it after the iteration with `until`";
    Diagnostic::new(Code::NotBefore, it.span, message).help(help)
}

/// The target stands in another list of a block that holds the reader, too.
pub(super) fn beside(plan: &Plan, it: &Ref) -> Diagnostic {
    let why = match plan.list_of(it.target).role {
        Role::Branch => "it runs in another branch at the same time",
        Role::Try => "the `try` may have failed before it",
        Role::Catch => "`catch` runs only after a failure",
        Role::Finally | Role::Compensate => "it runs later, if at all",
        _ => "it is in another branch, and only one of them runs",
    };
    let id = shortened(it.root);
    Diagnostic::new(Code::MayNotHaveRun, it.span, format!("`{id}` may not have run: {why}"))
        .label(plan.id_span(it.target), "it stands here")
        .help(default(&id))
}

/// The target stands in `block`, which does not hold the reader.
pub(super) fn inside(plan: &Plan, it: &Ref, block: StepNo) -> Diagnostic {
    let block = shortened(plan.id(block));
    let message = format!("`{}` is inside `{block}` and cannot be used from outside", shortened(it.root));
    let help = match plan.list_of(it.target).role {
        Role::Compensate => "the steps of a `compensate` have no output that others can use".to_owned(),
        _ => format!("use the output of the block, `{block}`"),
    };
    Diagnostic::new(Code::InsideBlock, it.span, message).label(plan.id_span(it.target), "it stands here").help(help)
}

/// The reader does not wait for the target.
pub(super) fn not_before(plan: &Plan, it: &Ref, reader: StepNo) -> Diagnostic {
    let (id, name) = (shortened(it.root), shortened(plan.id(reader)));
    let message = format!("`{id}` need not have ended when `{name}` begins");
    let later = plan.entry(it.target).at.start > plan.entry(reader).at.start;
    let help = if waits_for_all(plan, reader) {
        let how = if later { format!("move `{name}` behind `{id}`") } else { format!("write `needs: [{id}]`") };
        format!("let `{name}` wait for it: {how}; or {}", default(&id))
    } else {
        format!("`run_if` lets `{name}` begin before all that it needs has ended; {}", default(&id))
    };
    let label = if later { "it comes later" } else { "it stands here" };
    Diagnostic::new(Code::NotBefore, it.span, message).label(plan.id_span(it.target), label).help(help)
}

/// The reader runs only where the target did not succeed.
pub(super) fn never(plan: &Plan, it: &Ref, reader: StepNo) -> Diagnostic {
    let (id, name) = (shortened(it.root), shortened(plan.id(reader)));
    let message = format!("`{id}` has no output when `{name}` runs: that is what its `run_if` asks for");
    let problem = Diagnostic::new(Code::MayNotHaveRun, it.span, message).help(default(&id));
    match plan.entry(reader).step.run_if {
        Some(it) => problem.label(it.span, "because of this"),
        None => problem,
    }
}

/// The target has ended, but may have no output.
pub(super) fn absent(plan: &Plan, it: &Ref, absence: Absence, reader: Option<StepNo>) -> Diagnostic {
    let id = shortened(it.root);
    let step = plan.entry(it.target).step;
    let own = step.when.as_ref().map(|it| it.span);
    let (why, place) = match absence {
        Absence::Condition if own.is_some() => ("it is skipped when its condition is false".to_owned(), own),
        Absence::Condition => ("it is skipped when the condition of its group is false".to_owned(), None),
        Absence::Rule => ("its `run_if` may not hold".to_owned(), step.run_if.map(|it| it.span)),
        Absence::Need(need) => {
            let why = format!("it is skipped together with `{}`, which it needs", shortened(plan.id(need)));
            (why, Some(plan.id_span(need)))
        }
        _ => ("it may fail, and the flow goes on".to_owned(), step.on_failure.map(|it| it.span)),
    };
    let problem = Diagnostic::new(Code::MayNotHaveRun, it.span, format!("`{id}` may not have run: {why}"));
    let problem = match place {
        Some(span) => problem.label(span, "because of this"),
        None => problem,
    };
    match reader.filter(|it| absence != Absence::Failure && plan.entry(*it).step.needs.is_none()) {
        Some(reader) => problem.help(format!(
            "{}; or skip `{}` together with it: `needs: [{id}]`",
            default(&id),
            shortened(plan.id(reader))
        )),
        None => problem.help(default(&id)),
    }
}

fn default(id: &str) -> String {
    format!("say what is meant then: `{id} | default(…)`")
}
