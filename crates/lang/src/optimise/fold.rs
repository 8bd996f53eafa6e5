//! Folds constant expressions: what depends on nothing but constants is evaluated once, here.
//!
//! This keeps behaviour because it uses the run's own evaluator, which is deterministic, with the only names
//! whose values a version fixes (`vars`). An expression that has no value (an error, a limit) stays as it is, so
//! that it fails where and when it would have, and so does one whose value would bloat the blueprint.

use std::sync::Arc;

use drawloom_blueprint::{
    Blueprint, ExprIx, Timestamp, Value,
    expr::{Expr, Found, Names, eval},
};

use super::change::Change;
use crate::explain::{expr_source, shorten};

/// The largest JSON text that a folded value may have, in bytes.
const VALUE_MAX: usize = 4 * 1024;

/// How many expressions are handed to the template engine, so that no document makes the compiler slow.
const EVALUATIONS_MAX: usize = 1_000;

/// The top-level name whose value a version fixes.
const VARS: &str = "vars";

struct Constants<'a>(&'a Value);

impl Names for Constants<'_> {
    fn find(&self, name: &str) -> Found {
        if name == VARS { Found::Value(self.0.clone()) } else { Found::Missing(Arc::from("not a constant")) }
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}

pub(super) fn fold(mut blueprint: Blueprint) -> (Blueprint, Vec<Change>) {
    let mut changes = Vec::new();
    let mut evaluations = 0;
    // Parts stand before wholes, so that one sweep folds wholes of folded parts.
    for at in 0..blueprint.exprs.len() {
        if !is_constant(&blueprint.exprs, at) {
            continue;
        }
        if matches!(blueprint.exprs[at], Expr::Jinja(_)) {
            evaluations += 1;
            if evaluations > EVALUATIONS_MAX {
                continue;
            }
        }
        let Ok(ix) = u32::try_from(at).map(ExprIx) else { break };
        let Ok(value) = eval(&blueprint.exprs, ix, &Constants(&blueprint.vars)) else { continue };
        let json = value.to_json();
        if json.len() > VALUE_MAX {
            continue;
        }
        // That a whole of constants is one follows from what was said of its parts.
        if blueprint.exprs[at].parts().is_empty() {
            changes.push(Change::Folded { from: expr_source(&blueprint.exprs, ix), to: shorten(&json) });
        }
        blueprint.exprs[at] = Expr::Const(value);
    }
    (blueprint, changes)
}

/// Whether nothing outside the blueprint can change the value of an expression that is not one already.
fn is_constant(exprs: &[Expr], at: usize) -> bool {
    match &exprs[at] {
        Expr::Const(_) => false,
        Expr::Path { root, .. } => root == VARS,
        Expr::Jinja(it) => it.roots.iter().all(|root| root == VARS),
        whole => whole.parts().iter().all(|part| matches!(exprs[part.ix()], Expr::Const(_))),
    }
}
