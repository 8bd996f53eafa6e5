//! Filters that can make much out of little, held to [`OUTPUT_MAX`]: fuel counts instructions, not bytes.

use minijinja::{
    Environment, Error, ErrorKind, State, filters,
    value::{Rest, Value, ValueOrKwargs},
};

use super::OUTPUT_MAX;

pub(super) fn install(env: &mut Environment<'static>) {
    env.add_filter("replace", replace);
    env.add_filter("join", join);
    env.add_filter("indent", indent);
    env.add_filter("format", format);
    env.add_filter("slice", slice);
    env.add_filter("batch", batch);
}

/// The most lists that `slice` makes, and the longest that `batch` fills up.
const PARTS_MAX: usize = 100_000;

fn slice(state: &mut State<'_, '_>, value: &Value, count: usize, filler: Option<Value>) -> Result<Value, Error> {
    few(count)?;
    filters::slice(state, value.clone(), count, filler)
}

fn batch(state: &mut State<'_, '_>, value: &Value, size: usize, filler: Option<Value>) -> Result<Value, Error> {
    if filler.is_some() {
        few(size)?;
    }
    filters::batch(state, value.clone(), size, filler)
}

fn few(count: usize) -> Result<(), Error> {
    if count <= PARTS_MAX {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidOperation, format!("{count} are more parts than the {PARTS_MAX} allowed")))
}

fn room(bytes: usize) -> Result<(), Error> {
    if bytes <= OUTPUT_MAX {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidOperation, format!("the result is larger than {OUTPUT_MAX} bytes")))
}

fn replace(text: &str, from: &str, to: &str) -> Result<String, Error> {
    let found = if from.is_empty() { text.chars().count() + 1 } else { text.matches(from).count() };
    room(text.len().saturating_add(found.saturating_mul(to.len())))?;
    Ok(text.replace(from, to))
}

fn join(value: &Value, separator: Option<&str>) -> Result<String, Error> {
    let separator = separator.unwrap_or_default();
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let mut text = String::new();
    for (at, item) in value.try_iter()?.enumerate() {
        if at > 0 {
            text.push_str(separator);
        }
        match item.as_str() {
            Some(it) => text.push_str(it),
            None => text.push_str(&item.to_string()),
        }
        room(text.len())?;
    }
    Ok(text)
}

fn indent(text: &str, width: usize, first: Option<bool>, blank: Option<bool>) -> Result<String, Error> {
    let lines = text.lines().count() + 1;
    room(text.len().saturating_add(lines.saturating_mul(width)))?;
    let pad = " ".repeat(width);
    let mut out = String::with_capacity(text.len() + lines * width);
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let wanted = (at > 0 || first == Some(true)) && (!line.trim().is_empty() || blank == Some(true));
        if wanted {
            out.push_str(&pad);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// `format` with widths and precisions of at most three digits: they are the way to make much out of little.
fn format(state: &mut State<'_, '_>, pattern: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let text = pattern.as_str().unwrap_or_default();
    let wide = text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 3);
    if wide || text.contains('*') || text.contains(":{") {
        let message = "a width or precision in `format` has at most three digits and is written out";
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    filters::format(state, pattern, args)
}
