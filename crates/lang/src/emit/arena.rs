//! The arena of expressions while it grows.
//!
//! **Invariant:** equal expressions have one place, and the parts of an expression stand before it.

use drawloom_blueprint::{ExprIx, codec, expr::Expr};
use indexmap::IndexSet;

/// Expressions, each once.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    exprs: Vec<Expr>,
    /// The encoded form of each expression, at the expression's own position.
    known: IndexSet<Vec<u8>>,
}

impl Arena {
    /// The place of `expr`, whose parts are in the arena already.
    pub(crate) fn add(&mut self, expr: Expr) -> ExprIx {
        let mut key = Vec::new();
        codec::encode_onto(&expr, &mut key);
        let (at, is_new) = self.known.insert_full(key);
        if is_new {
            self.exprs.push(expr);
        }
        ExprIx(u32::try_from(at).expect("invariant: a document has fewer than 2^32 expressions"))
    }

    /// All of it, in order.
    pub(crate) fn into_exprs(self) -> Vec<Expr> {
        self.exprs
    }
}
