//! What an expression uses: its top-level names with the way into their values, and whether their absence is
//! provided for (`default`, `is defined`).
//!
//! **Invariant:** trees are no deeper than [`crate::limits::TOKENS`], so that walking one may recurse.

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, UnaryOpKind};

use super::calls::{self, Called};
use crate::{Diagnostic, Span, template::Expression};

/// A top-level name in an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Use<'a> {
    pub(super) root: &'a str,
    /// Where the name stands.
    pub(super) span: Span,
    /// What is taken of its value.
    pub(super) tail: Vec<Part>,
    /// Whether the expression copes with its having no value.
    pub(super) guarded: bool,
}

/// One thing that is taken of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    /// The member's name; none for positions, slices and what is computed.
    pub(super) name: Option<String>,
    /// Where the expression stands up to here.
    pub(super) span: Span,
}

/// Whether something around an expression copes with its having no value.
#[derive(Clone, Copy, PartialEq)]
enum Guard {
    None,
    Default,
}

/// Finds what an expression uses; reports filters, tests and functions that are not known.
pub(super) fn find<'a>(expression: &Expression<'a>, problems: &mut Vec<Diagnostic>) -> Vec<Use<'a>> {
    let mut walk = Walk { expression, defined: Vec::new(), uses: Vec::new(), problems };
    walk.visit(&expression.ast, Guard::None);
    walk.uses
}

/// The names that certainly have a value where a condition holds (or does not).
pub(super) fn defined_where<'a>(tree: &Expr<'a>, holds: Holds) -> Vec<&'a str> {
    match tree {
        Expr::Test(it) if holds == Holds::Yes && it.name == "defined" => root(&it.expr).into_iter().collect(),
        Expr::Test(it) if holds == Holds::No && it.name == "undefined" => root(&it.expr).into_iter().collect(),
        Expr::UnaryOp(it) if matches!(it.op, UnaryOpKind::Not) => defined_where(&it.expr, holds.other()),
        Expr::BinOp(it) => match (it.op, holds) {
            (BinOpKind::ScAnd, Holds::Yes) | (BinOpKind::ScOr, Holds::No) => {
                let mut names = defined_where(&it.left, holds);
                names.extend(defined_where(&it.right, holds));
                names
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Yes,
    No,
}

impl Holds {
    fn other(self) -> Self {
        if self == Self::Yes { Self::No } else { Self::Yes }
    }
}

/// The name at the root of `a.b[0].c`.
fn root<'a>(tree: &Expr<'a>) -> Option<&'a str> {
    match tree {
        Expr::Var(it) => Some(it.id),
        Expr::GetAttr(it) => root(&it.expr),
        Expr::GetItem(it) => root(&it.expr),
        Expr::Slice(it) => root(&it.expr),
        _ => None,
    }
}

struct Walk<'e, 'a> {
    expression: &'e Expression<'a>,
    /// Names that have been found to be defined around here.
    defined: Vec<&'a str>,
    uses: Vec<Use<'a>>,
    problems: &'e mut Vec<Diagnostic>,
}

impl<'a> Walk<'_, 'a> {
    fn visit(&mut self, tree: &Expr<'a>, guard: Guard) {
        match tree {
            Expr::Const(_) => {}
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) | Expr::Slice(_) => self.chain(tree, guard),
            Expr::UnaryOp(it) => self.visit(&it.expr, Guard::None),
            Expr::BinOp(it) => {
                self.visit(&it.left, Guard::None);
                // The second operand of `and` and `or` is passed on as it is, and only where the first lets it.
                let (guard, holds) = match it.op {
                    BinOpKind::ScAnd => (guard, Some(Holds::Yes)),
                    BinOpKind::ScOr => (guard, Some(Holds::No)),
                    _ => (Guard::None, None),
                };
                let names = holds.map_or_else(Vec::new, |holds| defined_where(&it.left, holds));
                self.visit_where(&it.right, guard, names);
            }
            Expr::Compare(it) => {
                self.visit(&it.expr, Guard::None);
                it.ops.iter().for_each(|it| self.visit(&it.expr, Guard::None));
            }
            Expr::IfExpr(it) => {
                self.visit(&it.test_expr, Guard::None);
                self.visit_where(&it.true_expr, guard, defined_where(&it.test_expr, Holds::Yes));
                if let Some(other) = &it.false_expr {
                    self.visit_where(other, guard, defined_where(&it.test_expr, Holds::No));
                }
            }
            Expr::Filter(it) => {
                let (named, of) = ((it.name, it.args.as_slice()), it.expr.as_ref());
                let called = Called::behind(self.expression, named, of, tree.span());
                calls::filter(self.expression, &called, self.problems);
                let default = matches!(it.name, "default" | "d");
                it.expr.iter().for_each(|it| self.visit(it, if default { Guard::Default } else { Guard::None }));
                self.args(&it.args, if default { guard } else { Guard::None });
            }
            Expr::Test(it) => {
                let named = (it.name, it.args.as_slice());
                let called = Called::behind(self.expression, named, Some(&it.expr), tree.span());
                calls::test(&called, self.problems);
                let asks = matches!(it.name, "defined" | "undefined");
                self.visit(&it.expr, if asks { Guard::Default } else { Guard::None });
                self.args(&it.args, Guard::None);
            }
            Expr::Call(it) => {
                calls::call(self.expression, it, self.problems);
                match &it.expr {
                    Expr::Var(_) => {}
                    Expr::GetAttr(it) => self.visit(&it.expr, Guard::None),
                    other => self.visit(other, Guard::None),
                }
                self.args(&it.args, Guard::None);
            }
            Expr::List(it) => it.items.iter().for_each(|it| self.visit(it, Guard::None)),
            Expr::Tuple(it) => it.items.iter().for_each(|it| self.visit(it, Guard::None)),
            Expr::Map(it) => it.keys.iter().chain(&it.values).for_each(|it| self.visit(it, Guard::None)),
        }
    }

    fn visit_where(&mut self, tree: &Expr<'a>, guard: Guard, names: Vec<&'a str>) {
        let before = self.defined.len();
        self.defined.extend(names);
        self.visit(tree, guard);
        self.defined.truncate(before);
    }

    fn args(&mut self, args: &[CallArg<'a>], guard: Guard) {
        for arg in args {
            let (CallArg::Pos(it) | CallArg::Kwarg(_, it) | CallArg::PosSplat(it) | CallArg::KwargSplat(it)) = arg;
            self.visit(it, guard);
        }
    }

    /// A name and what is taken of it: `a.b[0].c`.
    fn chain(&mut self, tree: &Expr<'a>, guard: Guard) {
        let (mut at, mut tail) = (tree, Vec::new());
        loop {
            let span = self.expression.place(at.span());
            match at {
                Expr::Var(it) => {
                    tail.reverse();
                    tail.iter_mut().for_each(|part: &mut Part| part.span = span.to(part.span));
                    let guarded = guard == Guard::Default || self.defined.contains(&it.id);
                    self.uses.push(Use { root: it.id, span, tail, guarded });
                    return;
                }
                Expr::GetAttr(it) => {
                    tail.push(Part { name: Some(it.name.to_owned()), span });
                    at = &it.expr;
                }
                Expr::GetItem(it) => {
                    let name = match &it.subscript_expr {
                        Expr::Const(it) => it.value.as_str().map(str::to_owned),
                        other => {
                            self.visit(other, Guard::None);
                            None
                        }
                    };
                    tail.push(Part { name, span });
                    at = &it.expr;
                }
                Expr::Slice(it) => {
                    [&it.start, &it.stop, &it.step].into_iter().flatten().for_each(|it| self.visit(it, Guard::None));
                    tail.push(Part { name: None, span });
                    at = &it.expr;
                }
                other => return self.visit(other, guard),
            }
        }
    }
}

#[cfg(test)]
mod tests;
