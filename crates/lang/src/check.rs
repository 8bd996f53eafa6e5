//! All checks of a flow against itself, the kinds and its sub-flows.
//!
//! Each check is a small function over plain data and reports whatever it finds; none of them relies on another
//! having found nothing.
//!
//! **Invariant:** time grows with the document, also where it is nothing but mistakes, and nothing recurses over
//! the graph of steps.

mod blocks;
mod calls;
mod conditions;
mod cycles;
mod endings;
mod expressions;
mod fields;
mod ids;
mod inputs;
mod kinds;
mod names;
mod needs;
mod plan;
mod reach;
mod refs;
mod schema;
mod secrets;
mod sites;
mod skips;
mod subflows;
mod suggest;
mod triggers;
mod types;
mod uses;

use crate::{Diagnostic, Options, model::Flow};

/// Reports every problem of a flow that could be read.
pub(crate) fn check(flow: &Flow, options: &Options, problems: &mut Vec<Diagnostic>) {
    let mut suggest = suggest::Suggest::new();
    let mut plan = plan::Plan::new(flow);
    ids::check(&plan, problems);
    needs::resolve(&mut plan, &mut suggest, problems);
    let order = cycles::Order::new(&plan);
    cycles::check(&plan, &order, problems);
    let refs = expressions::check(flow, &plan, &mut suggest, problems);
    let skips = skips::Skips::new(&plan, &order);
    refs::check(&plan, (&order, &skips), &refs, problems);
    secrets::check_plain(flow, problems);
    conditions::check(&plan, problems);
    let types = types::Types::new(flow);
    blocks::check(&plan, &types, problems);
    endings::check(flow, &plan, &order, problems);
    let inputs = inputs::Inputs::of(flow, &types);
    inputs::check(flow, &inputs, &mut suggest, problems);
    triggers::check(flow, &inputs, &mut suggest, problems);
    kinds::check(&plan, (options, &types), &mut suggest, problems);
    subflows::check_inputs(flow, (&plan, &types), &mut suggest, problems);
    subflows::check_circles(flow, options, (&plan, &skips), problems);
}

#[cfg(test)]
mod tests;
