//! What the tree of an expression says to the emitter: the names that it reads, and whether it is simple enough
//! to do without the template engine.
//!
//! **Invariant:** trees are no deeper than [`crate::limits::TOKENS`], so that walking one may recurse.

use std::collections::BTreeSet;

use drawloom_blueprint::expr::{FUNCTIONS, Seg};
use minijinja::machinery::ast::{CallArg, Expr, UnaryOpKind};

/// The top-level names that an expression reads.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    /// Each once, in the order in which they first appear. `now` is one of them, `range` and `dict` are not: what
    /// they do depends on nothing.
    pub(crate) roots: Vec<String>,
    /// The names of `secrets.NAME`.
    pub(crate) secrets: BTreeSet<String>,
}

impl Reads {
    /// What an expression reads.
    pub(crate) fn of(tree: &Expr) -> Self {
        let mut it = Self::default();
        it.walk(tree);
        it
    }

    fn walk(&mut self, tree: &Expr) {
        match tree {
            Expr::Var(it) => self.root(it.id),
            Expr::Const(_) => {}
            Expr::GetAttr(it) => {
                self.secret(&it.expr, Some(it.name));
                self.walk(&it.expr);
            }
            Expr::GetItem(it) => {
                self.secret(&it.expr, constant_text(&it.subscript_expr));
                self.walk(&it.expr);
                self.walk(&it.subscript_expr);
            }
            Expr::Slice(it) => {
                self.walk(&it.expr);
                [&it.start, &it.stop, &it.step].into_iter().flatten().for_each(|it| self.walk(it));
            }
            Expr::UnaryOp(it) => self.walk(&it.expr),
            Expr::BinOp(it) => {
                self.walk(&it.left);
                self.walk(&it.right);
            }
            Expr::Compare(it) => {
                self.walk(&it.expr);
                it.ops.iter().for_each(|it| self.walk(&it.expr));
            }
            Expr::IfExpr(it) => {
                self.walk(&it.test_expr);
                self.walk(&it.true_expr);
                it.false_expr.iter().for_each(|it| self.walk(it));
            }
            Expr::Filter(it) => {
                it.expr.iter().for_each(|it| self.walk(it));
                self.args(&it.args);
            }
            Expr::Test(it) => {
                self.walk(&it.expr);
                self.args(&it.args);
            }
            Expr::Call(it) => {
                self.walk(&it.expr);
                self.args(&it.args);
            }
            Expr::List(it) => it.items.iter().for_each(|it| self.walk(it)),
            Expr::Tuple(it) => it.items.iter().for_each(|it| self.walk(it)),
            Expr::Map(it) => it.keys.iter().chain(&it.values).for_each(|it| self.walk(it)),
        }
    }

    fn args(&mut self, args: &[CallArg]) {
        for arg in args {
            match arg {
                CallArg::Pos(it) | CallArg::Kwarg(_, it) | CallArg::PosSplat(it) | CallArg::KwargSplat(it) => {
                    self.walk(it);
                }
            }
        }
    }

    fn root(&mut self, name: &str) {
        let is_function = name != "now" && FUNCTIONS.contains(&name);
        if !is_function && !self.roots.iter().any(|it| it == name) {
            self.roots.push(name.to_owned());
        }
    }

    fn secret(&mut self, of: &Expr, name: Option<&str>) {
        if let (Expr::Var(it), Some(name)) = (of, name)
            && it.id == "secrets"
        {
            self.secrets.insert(name.to_owned());
        }
    }
}

/// The name and the way from it, where the expression is nothing else: `fetch.body.items[0]`.
pub(crate) fn path(tree: &Expr) -> Option<(String, Vec<Seg>)> {
    let (mut at, mut tail) = (tree, Vec::new());
    loop {
        match at {
            Expr::Var(it) if FUNCTIONS.contains(&it.id) => return None,
            Expr::Var(it) => {
                tail.reverse();
                return Some((it.id.to_owned(), tail));
            }
            Expr::GetAttr(it) => {
                tail.push(Seg::Name(it.name.to_owned()));
                at = &it.expr;
            }
            Expr::GetItem(it) => {
                let name = constant_text(&it.subscript_expr).map(|it| Seg::Name(it.to_owned()));
                tail.push(name.or_else(|| constant_index(&it.subscript_expr).map(Seg::Index))?);
                at = &it.expr;
            }
            _ => return None,
        }
    }
}

/// Whether the expression is a literal: a text, number, boolean or `none`.
pub(crate) fn is_literal(tree: &Expr) -> bool {
    matches!(tree, Expr::Const(_))
}

fn constant_text<'a>(tree: &'a Expr) -> Option<&'a str> {
    if let Expr::Const(it) = tree { it.value.as_str() } else { None }
}

fn constant_index(tree: &Expr) -> Option<i64> {
    match tree {
        Expr::Const(it) if it.value.is_integer() => it.value.as_i64(),
        Expr::UnaryOp(it) if matches!(it.op, UnaryOpKind::Neg) => constant_index(&it.expr)?.checked_neg(),
        _ => None,
    }
}
