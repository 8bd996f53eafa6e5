//! The type of an expression's value, as far as its form tells.

use std::collections::BTreeMap;

use minijinja::machinery::ast::{BinOpKind, Expr, UnaryOpKind};

use crate::{Node, model::Flow};

/// A type of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int,
    /// A number, which may be a whole one.
    Number,
    Text,
    List,
    Object,
}

/// The types of a flow's inputs, where their schemas name one.
#[derive(Debug, Default)]
pub(super) struct Types<'a> {
    inputs: BTreeMap<&'a str, Type>,
}

impl<'a> Types<'a> {
    pub(super) fn new(flow: &'a Flow) -> Self {
        let named = |schema: &Node| match schema.get("type")?.as_str()? {
            "boolean" => Some(Type::Bool),
            "integer" => Some(Type::Int),
            "number" => Some(Type::Number),
            "string" => Some(Type::Text),
            "array" => Some(Type::List),
            "object" => Some(Type::Object),
            _ => None,
        };
        let inputs = flow.inputs.iter().filter_map(|it| Some((it.name.value.as_str(), named(&it.schema)?)));
        Self { inputs: inputs.collect() }
    }

    /// The type of an expression's value. Trees are no deeper than [`crate::limits::TOKENS`].
    pub(super) fn of(&self, tree: &Expr) -> Option<Type> {
        match tree {
            Expr::GetAttr(it) => match &it.expr {
                Expr::Var(root) if root.id == "inputs" => self.inputs.get(it.name).copied(),
                Expr::Var(root) if root.id == "run" && matches!(it.name, "id" | "flow" | "started_at") => {
                    Some(Type::Text)
                }
                _ => None,
            },
            Expr::UnaryOp(it) => matches!(it.op, UnaryOpKind::Not).then_some(Type::Bool),
            Expr::Test(_) | Expr::Compare(_) => Some(Type::Bool),
            Expr::BinOp(it) => match it.op {
                BinOpKind::Concat => Some(Type::Text),
                BinOpKind::Eq
                | BinOpKind::Ne
                | BinOpKind::Lt
                | BinOpKind::Lte
                | BinOpKind::Gt
                | BinOpKind::Gte
                | BinOpKind::In => Some(Type::Bool),
                _ => None,
            },
            Expr::IfExpr(it) => {
                let one = self.of(&it.true_expr)?;
                (self.of(it.false_expr.as_ref()?)? == one).then_some(one)
            }
            Expr::Filter(it) => of_filter(it.name),
            Expr::Call(it) => match &it.expr {
                Expr::Var(it) => match it.id {
                    "now" => Some(Type::Text),
                    "range" => Some(Type::List),
                    "dict" => Some(Type::Object),
                    _ => None,
                },
                _ => None,
            },
            Expr::List(_) | Expr::Tuple(_) => Some(Type::List),
            Expr::Map(_) => Some(Type::Object),
            Expr::Const(it) => it.value.as_str().map(|_| Type::Text),
            Expr::Var(_) | Expr::GetItem(_) | Expr::Slice(_) => None,
        }
    }
}

/// The type of what a filter gives, where it is always the same.
fn of_filter(name: &str) -> Option<Type> {
    match name {
        "length" | "count" => Some(Type::Int),
        "bool" => Some(Type::Bool),
        "string" | "upper" | "lower" | "title" | "capitalize" | "trim" | "replace" | "join" | "tojson"
        | "urlencode" | "indent" | "format" => Some(Type::Text),
        "list" | "sort" | "split" | "lines" | "keys" | "values" | "map" | "select" | "reject" | "selectattr"
        | "rejectattr" | "unique" => Some(Type::List),
        _ => None,
    }
}
