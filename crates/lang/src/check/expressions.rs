//! Reads every expression of a flow once, and looks up the names in it.

use std::collections::BTreeSet;

use super::{
    names::{Names, variables},
    plan::Plan,
    refs::Ref,
    sites::{self, Site},
    suggest::{Suggest, shortened},
    uses,
};
use crate::{
    Code, Diagnostic, Node, Text,
    model::Flow,
    template::{Template, has_expressions},
};

/// Checks all expressions; gives the uses of steps in them.
pub(super) fn check<'a>(
    flow: &'a Flow,
    plan: &Plan<'a>,
    suggest: &mut Suggest,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Ref<'a>> {
    check_constants(flow, problems);
    let inputs = flow.inputs.iter().map(|it| it.name.value.as_str()).collect();
    let vars: BTreeSet<&str> = flow.vars.iter().map(|(name, _)| name.value.as_str()).collect();
    let unused = vars.clone();
    let variables = variables(plan);
    let mut names = Names { flow, plan, suggest, problems, refs: Vec::new(), inputs, vars, unused, variables };
    sites::each(flow, plan, &mut |site| site.node.texts(&mut |text| check_text(&mut names, &site, text)));
    let Names { refs, unused, problems, .. } = names;
    for (name, _) in flow.vars.iter().filter(|(it, _)| unused.contains(it.value.as_str())) {
        let message = format!("nothing uses the variable `{}`", shortened(&name.value));
        problems.push(Diagnostic::new(Code::Unused, name.span, message).help("use it, or leave it out"));
    }
    refs
}

fn check_text<'a>(names: &mut Names<'_, 'a>, site: &Site<'a>, text: &'a Text) {
    check_look(text, names.problems);
    if !has_expressions(&text.value) {
        return;
    }
    let template = Template::parse(text, names.problems);
    for expression in template.expressions() {
        for it in uses::find(expression, names.problems) {
            names.check(site, &it);
        }
    }
}

/// Warns of what looks like an expression of another language.
fn check_look(text: &Text, problems: &mut Vec<Diagnostic>) {
    let find = |what: &str| text.value.find(what).map(|at| text.place(at..at + what.len()));
    if let Some(span) = find("${{") {
        let message = "the `$` stays in the text: an expression begins with `{{`";
        problems.push(Diagnostic::new(Code::LooksLikeExpression, span, message).help("leave the `$` out"));
    }
    if let Some(span) = find("{% ").filter(|_| text.value.contains("%}")) {
        let message = "`{% … %}` stays in the text as it is: only `{{ … }}` is evaluated";
        let help = "use an expression with `if` in it, a filter, or a block such as `for_each`";
        problems.push(Diagnostic::new(Code::LooksLikeExpression, span, message).help(help));
    }
}

/// Reports expressions where values are taken as they are written.
fn check_constants(flow: &Flow, problems: &mut Vec<Diagnostic>) {
    for (name, node) in &flow.vars {
        let help = "compute it in a step with `set`";
        constant(node, &format!("the variable `{}`", name.value), help, problems);
    }
    for input in &flow.inputs {
        let what = format!("the default of the input `{}`", input.name.value);
        input.default.iter().for_each(|it| constant(it, &what, "compute it in a step with `set`", problems));
    }
}

fn constant(node: &Node, what: &str, help: &str, problems: &mut Vec<Diagnostic>) {
    node.texts(&mut |text| {
        if has_expressions(&text.value) {
            let message = format!("{what} must be a constant, not an expression");
            problems.push(Diagnostic::new(Code::NotConstant, text.span, message).help(help));
        }
    });
}
