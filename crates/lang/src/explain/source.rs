//! Expressions back as the text that a flow would say.

use std::sync::Arc;

use drawloom_blueprint::{
    ExprIx, Value,
    expr::{Expr, Seg},
};
use serde_json::Value as Json;

/// The longest text of one value in an explanation, in characters.
const SHORT_MAX: usize = 200;

/// The expression at `ix` of an arena, as it could stand in a flow. Parts stand before the whole and nest no
/// deeper than documents do, so this may recurse.
pub(crate) fn expr_source(exprs: &[Expr], ix: ExprIx) -> String {
    match &exprs[ix.ix()] {
        Expr::Const(it) => it.to_json(),
        Expr::Path { root, tail } => format!("{{{{ {} }}}}", path(root, tail)),
        Expr::Jinja(it) => format!("{{{{ {} }}}}", it.source),
        Expr::Text(parts) => {
            let text: String = parts.iter().map(|part| text_part(exprs, *part)).collect();
            Value::from(text).to_json()
        }
        Expr::List(parts) => {
            let items: Vec<String> = parts.iter().map(|part| expr_source(exprs, *part)).collect();
            format!("[{}]", items.join(", "))
        }
        Expr::Object(parts) => {
            let member = |(name, part): &(Arc<str>, ExprIx)| {
                format!("{}: {}", Value::from(&**name).to_json(), expr_source(exprs, *part))
            };
            format!("{{{}}}", parts.iter().map(member).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The expression at `ix` of an arena, as it could stand in a flow that is written in JSON.
pub(super) fn expr_json(exprs: &[Expr], ix: ExprIx) -> Json {
    match &exprs[ix.ix()] {
        Expr::Const(it) => it.into(),
        Expr::Path { .. } | Expr::Jinja(_) => Json::String(expr_source(exprs, ix)),
        Expr::Text(parts) => Json::String(parts.iter().map(|part| text_part(exprs, *part)).collect()),
        Expr::List(parts) => parts.iter().map(|part| expr_json(exprs, *part)).collect(),
        Expr::Object(parts) => {
            Json::Object(parts.iter().map(|(name, part)| (name.as_ref().to_owned(), expr_json(exprs, *part))).collect())
        }
    }
}

fn text_part(exprs: &[Expr], ix: ExprIx) -> String {
    match &exprs[ix.ix()] {
        Expr::Const(Value::Str(it)) => it.to_string(),
        _ => expr_source(exprs, ix),
    }
}

fn path(root: &str, tail: &[Seg]) -> String {
    let mut text = root.to_owned();
    for seg in tail {
        match seg {
            Seg::Name(it) if is_name(it) => {
                text.push('.');
                text.push_str(it);
            }
            Seg::Name(it) => text.push_str(&format!("[{}]", Value::from(it.as_str()).to_json())),
            Seg::Index(it) => text.push_str(&format!("[{it}]")),
        }
    }
    text
}

fn is_name(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|it| it.is_ascii_alphabetic() || it == '_');
    first && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}

/// A text cut to what fits a line.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHORT_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
