//! Conditions: that they are expressions, whether they are constant, and what they say about the steps they let run.

use drawloom_blueprint::{
    ExprIx, Timestamp, Value,
    expr::{Expr, Found, Names, eval},
};

use super::{
    plan::{Plan, Role, StepNo},
    sites::At,
    uses::{Holds, defined_where},
};
use crate::{
    Code, Data, Diagnostic, Node,
    model::Body,
    template::{Template, has_expressions},
};

/// Checks every condition of a flow.
pub(super) fn check(plan: &Plan, problems: &mut Vec<Diagnostic>) {
    for (_, step) in plan.steps() {
        if let Some(it) = &step.when {
            condition(it, "the step", problems);
        }
        match &step.body {
            Body::If(it) => condition(&it.condition, "`then`", problems),
            Body::Switch(arms) => {
                for it in arms.iter().filter_map(|it| it.when.as_ref()) {
                    condition(it, "the arm", problems);
                }
            }
            Body::Loop(it) => {
                it.condition.iter().chain(&it.until).for_each(|it| condition(it, "the loop", problems));
            }
            _ => {}
        }
    }
}

fn condition(node: &Node, what: &str, problems: &mut Vec<Diagnostic>) {
    let Data::Text(text) = &node.data else {
        return constant(node, what, problems);
    };
    if !has_expressions(&text.value) {
        let message = "a condition must be an expression; a plain text always holds";
        let written = text.value.trim();
        let help = match written {
            "true" | "false" => format!("write {written} without quotes"),
            _ if written.chars().count() <= 60 => format!("write `{{{{ {written} }}}}`"),
            _ => "put it between `{{` and `}}`".to_owned(),
        };
        problems.push(Diagnostic::new(Code::NotAnExpression, text.span, message).help(help));
    } else if Template::parse(text, &mut Vec::new()).parts.len() > 1 {
        let message = "a condition must be one expression; a text with expressions in it always holds";
        let help = "put the whole condition between one `{{` and `}}`";
        problems.push(Diagnostic::new(Code::NotAnExpression, text.span, message).help(help));
    } else {
        constant(node, what, problems);
    }
}

fn constant(node: &Node, what: &str, problems: &mut Vec<Diagnostic>) {
    if let Some(value) = known_value(node) {
        let always = if value.is_true() { "always holds" } else { "never holds" };
        let message = format!("the condition of {what} {always}");
        problems.push(Diagnostic::new(Code::ConstantCondition, node.span, message));
    }
}

/// The value of a node that is written out, or is one expression that depends on nothing.
pub(super) fn known_value(node: &Node) -> Option<Value> {
    let Data::Text(text) = &node.data else {
        let mut is_known = true;
        node.texts(&mut |it| is_known &= !has_expressions(&it.value));
        return is_known.then(|| node.to_value());
    };
    if !has_expressions(&text.value) {
        return Some(text.value.as_str().into());
    }
    let template = Template::parse(text, &mut Vec::new());
    let it = template.single()?;
    // That the tree can be folded says that it depends on nothing; what it folds to, the blueprint's rules say.
    it.ast.as_const()?;
    let expr = Expr::jinja(it.source.to_owned(), Vec::new());
    eval(std::slice::from_ref(&expr), ExprIx(0), &Nothing).ok()
}

/// No names at all.
struct Nothing;

impl Names for Nothing {
    fn find(&self, name: &str) -> Found {
        Found::Missing(format!("`{name}` is not a constant").into())
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}

/// Whether the conditions under which a place is reached say that the step called `name` has an output.
pub(super) fn provide_for(plan: &Plan, at: At, name: &str) -> bool {
    around(plan, at).iter().any(|(node, holds)| says_defined(node, *holds, name))
}

/// Whether a place is reached only under the very condition under which the step `target` runs.
pub(super) fn share_condition(plan: &Plan, at: At, target: StepNo) -> bool {
    let Some(wanted) = plan.entry(target).step.when.as_ref().and_then(Node::as_str) else { return false };
    if plan.conditions(target).count() != 1 {
        return false;
    }
    let same = |it: &Node| it.as_str().is_some_and(|it| it.trim() == wanted.trim());
    around(plan, at).iter().any(|(node, holds)| *holds == Holds::Yes && same(node))
}

/// The conditions around a place, each with what it was.
fn around<'a>(plan: &Plan<'a>, at: At) -> Vec<(&'a Node, Holds)> {
    let mut found = Vec::new();
    let (mut list, step) = match at {
        At::Trigger | At::Start => return found,
        At::Step(no) => (plan.entry(no).list, Some(no)),
        At::When(no) | At::Group(no) => (plan.entry(no).list, None),
        At::Before(list) | At::After(list) => (list, None),
    };
    found.extend(step.into_iter().flat_map(|it| plan.conditions(it)).map(|it| (it, Holds::Yes)));
    loop {
        let it = &plan.lists[list.ix()];
        match it.role {
            Role::Then(condition) => found.push((condition, Holds::Yes)),
            Role::Else(condition) => found.push((condition, Holds::No)),
            Role::Arm(arms, at) => {
                found.extend(arms[at].when.iter().map(|it| (it, Holds::Yes)));
                // Beyond some arms, what they were says little and costs much.
                const ARMS: usize = 16;
                let before = &arms[at.saturating_sub(ARMS)..at];
                found.extend(before.iter().filter_map(|it| it.when.as_ref()).map(|it| (it, Holds::No)));
            }
            _ => {}
        }
        let Some(owner) = it.owner else { return found };
        found.extend(plan.conditions(owner).map(|it| (it, Holds::Yes)));
        list = plan.entry(owner).list;
    }
}

fn says_defined(node: &Node, holds: Holds, name: &str) -> bool {
    let Some(text) = node.as_text().filter(|it| it.value.contains(name) && has_expressions(&it.value)) else {
        return false;
    };
    let template = Template::parse(text, &mut Vec::new());
    template.single().is_some_and(|it| defined_where(&it.ast, holds).contains(&name))
}
