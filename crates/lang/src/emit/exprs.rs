//! Texts and data of a document to expressions of the arena.

use std::collections::BTreeSet;

use drawloom_blueprint::{
    ExprIx, Timestamp, Value,
    expr::{Expr, Found, Names, eval},
};

use super::{
    arena::Arena,
    tree::{Reads, is_literal, path},
};
use crate::{
    Data, Node, Text,
    node::Members,
    template::{Expression, Part, Template, has_expressions},
};

/// Expressions while a flow is lowered.
#[derive(Debug, Default)]
pub(super) struct Exprs {
    arena: Arena,
    /// The secrets read since [`Exprs::secrets`] was last asked.
    secrets: BTreeSet<String>,
}

impl Exprs {
    /// The expression that a part of a document means.
    pub(super) fn node(&mut self, node: &Node) -> ExprIx {
        let it = self.lower(node);
        self.place(it)
    }

    /// The expression that an object means.
    pub(super) fn members(&mut self, members: &Members) -> ExprIx {
        let it = self.object(members);
        self.place(it)
    }

    /// The expression that the parameters of a step mean; none are an empty object.
    pub(super) fn parameters(&mut self, with: Option<&Node>) -> ExprIx {
        match with {
            Some(it) => self.node(it),
            None => self.value(Value::object::<&str>([])),
        }
    }

    /// A constant.
    pub(super) fn value(&mut self, value: Value) -> ExprIx {
        self.arena.add(Expr::Const(value))
    }

    /// The secrets read since this was last asked, sorted.
    pub(super) fn secrets(&mut self) -> Vec<String> {
        std::mem::take(&mut self.secrets).into_iter().collect()
    }

    pub(super) fn into_exprs(self) -> Vec<Expr> {
        self.arena.into_exprs()
    }

    fn place(&mut self, it: Lowered) -> ExprIx {
        match it {
            Lowered::Known(it) => self.value(it),
            Lowered::At(it) => it,
        }
    }

    fn lower(&mut self, node: &Node) -> Lowered {
        match &node.data {
            Data::Text(it) => self.text(it),
            Data::List(it) => self.list(it),
            Data::Object(it) => self.object(it),
            Data::Null | Data::Bool(_) | Data::Int(_) | Data::UInt(_) | Data::Float(_) | Data::Raw(_) => {
                Lowered::Known(node.to_value())
            }
        }
    }

    fn list(&mut self, items: &[Node]) -> Lowered {
        let items: Vec<Lowered> = items.iter().map(|it| self.lower(it)).collect();
        if let Some(known) = items.iter().map(|it| it.known().cloned()).collect() {
            return Lowered::Known(known);
        }
        let items = items.into_iter().map(|it| self.place(it)).collect();
        Lowered::At(self.arena.add(Expr::List(items)))
    }

    fn object(&mut self, members: &Members) -> Lowered {
        let members: Vec<(&str, Lowered)> =
            members.iter().map(|(name, it)| (name.value.as_str(), self.lower(it))).collect();
        let known = members.iter().map(|(name, it)| Some((*name, it.known()?.clone())));
        if let Some(known) = known.collect::<Option<Vec<_>>>() {
            return Lowered::Known(Value::object(known));
        }
        let members = members.into_iter().map(|(name, it)| (name.into(), self.place(it))).collect();
        Lowered::At(self.arena.add(Expr::Object(members)))
    }

    fn text(&mut self, text: &Text) -> Lowered {
        if !has_expressions(&text.value) {
            return Lowered::Known(text.value.as_str().into());
        }
        // The checks have read this text before and found nothing wrong with it.
        let template = Template::parse(text, &mut Vec::new());
        if let Some(it) = template.single() {
            return self.expression(it);
        }
        let parts = template.parts.iter().map(|part| match part {
            Part::Plain(it) => self.value((*it).into()),
            Part::Expr(it) => {
                let it = self.expression(it);
                self.place(it)
            }
        });
        let parts = parts.collect();
        Lowered::At(self.arena.add(Expr::Text(parts)))
    }

    fn expression(&mut self, it: &Expression) -> Lowered {
        let reads = Reads::of(&it.ast);
        self.secrets.extend(reads.secrets);
        if let Some((root, tail)) = path(&it.ast) {
            return Lowered::At(self.arena.add(Expr::Path { root, tail }));
        }
        let expr = Expr::jinja(it.source.to_owned(), reads.roots);
        if is_literal(&it.ast)
            && let Ok(known) = eval(std::slice::from_ref(&expr), ExprIx(0), &Nothing)
        {
            return Lowered::Known(known);
        }
        Lowered::At(self.arena.add(expr))
    }
}

/// What a part of a document means.
enum Lowered {
    /// A constant, which gets a place only where it is not part of a larger one.
    Known(Value),
    /// An expression.
    At(ExprIx),
}

impl Lowered {
    fn known(&self) -> Option<&Value> {
        if let Self::Known(it) = self { Some(it) } else { None }
    }
}

/// The names that a literal may use.
struct Nothing;

impl Names for Nothing {
    fn find(&self, name: &str) -> Found {
        Found::Missing(format!("`{name}` is no literal").into())
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}
