//! All checks of a flow against itself, the kinds and its sub-flows.
//!
//! Each check is a small function over plain data and reports whatever it finds; none of them relies on another
//! having found nothing.
//!
//! **Invariant:** time grows with the document, also where it is nothing but mistakes, and nothing recurses over
//! the graph of steps.

mod calls;
mod conditions;
mod cycles;
mod expressions;
mod fields;
mod ids;
mod names;
mod needs;
mod plan;
mod reach;
mod refs;
mod secrets;
mod sites;
mod skips;
mod suggest;
mod uses;

use crate::{Diagnostic, Options, model::Flow};

/// Reports every problem of a flow that could be read.
pub(crate) fn check(flow: &Flow, options: &Options, problems: &mut Vec<Diagnostic>) {
    let _ = options;
    let mut suggest = suggest::Suggest::new();
    let mut plan = plan::Plan::new(flow);
    ids::check(&plan, problems);
    needs::resolve(&mut plan, &mut suggest, problems);
    let order = cycles::Order::new(&plan);
    cycles::check(&plan, &order, problems);
    let refs = expressions::check(flow, &plan, &mut suggest, problems);
    refs::check(&plan, &order, &refs, problems);
    secrets::check_plain(flow, problems);
    conditions::check(&plan, problems);
}

#[cfg(test)]
mod tests;
