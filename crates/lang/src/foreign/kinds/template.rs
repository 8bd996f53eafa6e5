//! Values of the document with `${…}` in them, as values of a flow with `{{ … }}` in them.

use serde_json::Value as Json;

use super::super::{
    build::{Members, Obj, word},
    expr::{Path, primary, reference, translate},
    text::{Piece, escape, pieces, quoted},
};
use super::scope::Scope;

/// `it` with every text in it converted.
pub(super) fn value(it: &Json, place: &str, scope: &mut Scope) -> Json {
    match it {
        Json::String(it) => text(it, place, scope).into(),
        Json::Array(items) => {
            let items = items.iter().enumerate();
            items.map(|(at, it)| value(it, &format!("{place}[{at}]"), scope)).collect()
        }
        Json::Object(members) => Json::Object(object(members, place, scope)),
        other => other.clone(),
    }
}

/// The same for an object.
pub(super) fn object(members: &Obj, place: &str, scope: &mut Scope) -> Obj {
    members.iter().map(|(name, it)| (name.clone(), value(it, &format!("{place}.{name}"), scope))).collect()
}

/// A text. One that is a single `${…}` keeps the value's type, as in the flow language itself.
pub(super) fn text(it: &str, place: &str, scope: &mut Scope) -> String {
    let mut out = String::new();
    for piece in pieces(it) {
        match piece {
            Piece::Text(it) => out.push_str(&escape(&it)),
            Piece::Reference(it) => match reference(it, &mut |path: &Path| scope.resolve(path, place)) {
                Ok(expr) => out.push_str(&format!("{{{{ {expr} }}}}")),
                Err(why) => {
                    scope.report.lost(place, format!("`${{{it}}}` stays as it is: {why}"));
                    out.push_str(&escape(&format!("${{{it}}}")));
                }
            },
        }
    }
    out
}

/// A text that a `${…}` around an expression makes typed: for the places where a flow takes an expression.
pub(super) fn expression(it: &Json, place: &str, scope: &mut Scope) -> Result<String, String> {
    match it {
        Json::String(text) => translate(text, &mut |path: &Path| scope.resolve(path, place)),
        Json::Bool(it) => Ok(it.to_string()),
        Json::Number(it) => Ok(it.to_string()),
        Json::Object(it) => comparison(it, place, scope),
        _ => Err("it is neither text nor a comparison".to_owned()),
    }
}

/// A condition written as an object: `{left, operator, right}`, `{and: […]}`, `{not: …}`.
fn comparison(it: &Obj, place: &str, scope: &mut Scope) -> Result<String, String> {
    for (names, operator) in [(["and", "all"], " and "), (["or", "any"], " or ")] {
        if let Some(parts) = names.iter().find_map(|name| it.get(*name)).and_then(Json::as_array) {
            let parts = parts.iter().map(|part| expression(part, place, scope).map(primary));
            let parts = parts.collect::<Result<Vec<_>, _>>()?;
            return if parts.is_empty() { Err("it is empty".to_owned()) } else { Ok(parts.join(operator)) };
        }
    }
    if let Some(part) = it.get("not") {
        return Ok(format!("not {}", primary(expression(part, place, scope)?)));
    }
    let mut members = Members::new(it);
    if let Some(inner) = members.take(&["expression", "expr"]) {
        return expression(inner, place, scope);
    }
    let left = members.take(&["left", "variable", "var", "field", "value1", "lhs", "path"]);
    let left = left.ok_or("a comparison has no left side")?;
    let left = match left {
        Json::String(text) if contains_reference(&Json::String(text.clone())) => {
            primary(reference_or_text(text, place, scope)?)
        }
        other => primary(expression(other, place, scope)?),
    };
    let right = members.take(&["right", "value", "value2", "rhs", "compare_to"]);
    let operator = members.take_text(&["operator", "op", "comparator"]).unwrap_or_else(|| "==".to_owned());
    let right = match right {
        Some(Json::String(text)) => primary(reference_or_text(text, place, scope)?),
        Some(other) => primary(other.to_string()),
        None => "none".to_owned(),
    };
    compare(&left, &operator, &right)
}

fn compare(left: &str, operator: &str, right: &str) -> Result<String, String> {
    let symbol = match operator.trim() {
        "==" | "===" | "=" => "==",
        "!=" | "!==" | "<>" => "!=",
        it @ ("<" | ">" | "<=" | ">=") => it,
        it => match word(it).as_str() {
            "eq" | "equals" | "equal" | "is" => "==",
            "ne" | "neq" | "notequals" | "notequal" | "isnot" => "!=",
            "gt" | "greaterthan" => ">",
            "lt" | "lessthan" => "<",
            "gte" | "ge" | "greaterthanorequal" => ">=",
            "lte" | "le" | "lessthanorequal" => "<=",
            "in" => "in",
            "contains" => return Ok(format!("{right} in {left}")),
            "notcontains" => return Ok(format!("{right} not in {left}")),
            "startswith" => return Ok(format!("{left} is startingwith({right})")),
            "endswith" => return Ok(format!("{left} is endingwith({right})")),
            "exists" | "isset" | "defined" => return Ok(format!("({left} | default(none)) is not none")),
            "notexists" | "isnull" | "undefined" => return Ok(format!("({left} | default(none)) is none")),
            "isempty" | "empty" => return Ok(format!("not {left}")),
            "isnotempty" | "notempty" | "istrue" | "truthy" => return Ok(left.to_owned()),
            _ => return Err(format!("there is no comparison `{it}`")),
        },
    };
    Ok(format!("{left} {symbol} {right}"))
}

/// A reference as its value, any other text as text.
fn reference_or_text(text: &str, place: &str, scope: &mut Scope) -> Result<String, String> {
    match pieces(text).as_slice() {
        [Piece::Reference(it)] => reference(it, &mut |path: &Path| scope.resolve(path, place)),
        [] => Ok(quoted("")),
        [Piece::Text(it)] => Ok(quoted(it)),
        _ => translate(text, &mut |path: &Path| scope.resolve(path, place)),
    }
}

/// Whether a text in `it` holds a `${…}`.
pub(super) fn contains_reference(it: &Json) -> bool {
    match it {
        Json::String(text) => pieces(text).iter().any(|it| matches!(it, Piece::Reference(_))),
        Json::Array(items) => items.iter().any(contains_reference),
        Json::Object(members) => members.values().any(contains_reference),
        _ => false,
    }
}

/// Whether a text such as `${i} + 1` is arithmetic rather than prose: operators stand apart and nothing else is in it.
pub(super) fn is_arithmetic(text: &str) -> bool {
    let pieces = pieces(text);
    let references = pieces.iter().filter(|it| matches!(it, Piece::Reference(_))).count();
    let mut operators = 0;
    let plain = pieces.iter().all(|it| match it {
        Piece::Reference(_) => true,
        Piece::Text(it) => it.split_whitespace().all(|word| {
            let operator = matches!(word, "+" | "-" | "*" | "/" | "%");
            operators += usize::from(operator);
            operator || word.trim_matches(['(', ')']).parse::<f64>().is_ok() || word.chars().all(|c| "()".contains(c))
        }),
    });
    let apart = pieces.iter().all(|it| match it {
        Piece::Text(it) => {
            let tight = |c: char| "+-*/%".contains(c);
            !it.starts_with(tight) && !it.ends_with(tight)
        }
        Piece::Reference(_) => true,
    });
    references > 0 && operators > 0 && plain && apart
}
