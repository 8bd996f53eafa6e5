//! Values as YAML for people: in block style, texts of several lines as block scalars, quotes only where needed.
//!
//! **Invariant:** what is written reads back as the same value.

use serde_json::Value as Json;

/// `value` as a YAML document.
#[must_use]
pub fn to_yaml(value: &Json) -> String {
    let mut out = String::new();
    match value {
        Json::Object(it) if !it.is_empty() => object(it, 0, false, &mut out),
        Json::Array(it) if !it.is_empty() => list(it, 0, false, &mut out),
        other => {
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
    out
}

fn indentation(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn object(members: &serde_json::Map<String, Json>, indent: usize, inside: bool, out: &mut String) {
    let mut before = None;
    for (at, (name, value)) in members.iter().enumerate() {
        // The steps of a flow stand apart from the rest.
        let apart = is_steps(value) || before.is_some_and(is_steps);
        if indent == 0 && at > 0 && apart {
            out.push('\n');
        }
        if at > 0 || !inside {
            indentation(indent, out);
        }
        out.push_str(&text(name));
        out.push(':');
        member(value, indent, false, out);
        before = Some(value);
    }
}

fn is_steps(value: &Json) -> bool {
    value.as_array().is_some_and(|it| it.first().is_some_and(|it| it.get("id").is_some()))
}

fn list(items: &[Json], indent: usize, inside: bool, out: &mut String) {
    for (at, value) in items.iter().enumerate() {
        if at > 0 && indent == 2 && value.get("id").is_some() {
            out.push('\n');
        }
        if at > 0 || !inside {
            indentation(indent, out);
        }
        out.push('-');
        member(value, indent, true, out);
    }
}

/// A value behind a key or a dash at `indent`.
fn member(value: &Json, indent: usize, dash: bool, out: &mut String) {
    match value {
        Json::Object(it) if !it.is_empty() => {
            out.push(if dash { ' ' } else { '\n' });
            object(it, indent + 2, dash, out);
        }
        Json::Array(it) if !it.is_empty() && it.iter().all(is_short) => {
            let items: Vec<String> = it.iter().map(in_brackets).collect();
            let line = format!("[{}]", items.join(", "));
            if line.chars().count() + indent <= 80 {
                out.push(' ');
                out.push_str(&line);
                out.push('\n');
            } else {
                out.push(if dash { ' ' } else { '\n' });
                list(it, indent + 2, dash, out);
            }
        }
        Json::Array(it) if !it.is_empty() => {
            out.push(if dash { ' ' } else { '\n' });
            list(it, indent + 2, dash, out);
        }
        Json::String(it) if is_block(it) => block(it, indent + 2, out),
        other => {
            out.push(' ');
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

/// Whether a value may stand with others between brackets.
fn is_short(value: &Json) -> bool {
    match value {
        Json::String(it) => !is_block(it),
        Json::Array(_) | Json::Object(_) => false,
        _ => true,
    }
}

fn in_brackets(value: &Json) -> String {
    let it = scalar(value);
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '+');
    let plain = it.starts_with('"') || (it.chars().all(safe) && !it.ends_with('-'));
    if plain { it } else { quoted(&it) }
}

fn scalar(value: &Json) -> String {
    match value {
        Json::String(it) => text(it),
        Json::Array(_) => "[]".to_owned(),
        Json::Object(_) => "{}".to_owned(),
        other => other.to_string(),
    }
}

/// Whether a text is best written as a block scalar: it has lines, and nothing that only quotes can say.
fn is_block(text: &str) -> bool {
    let first = text.trim_start_matches('\n');
    text.trim_end_matches('\n').contains('\n')
        && !first.starts_with([' ', '\t'])
        && !first.is_empty()
        && text.chars().all(|c| c == '\n' || is_printable(c))
        && !text.lines().any(|it| it.trim().is_empty() && !it.is_empty())
}

fn is_printable(c: char) -> bool {
    (c == '\t' || !c.is_control()) && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
}

fn block(text: &str, indent: usize, out: &mut String) {
    let ends = text.len() - text.trim_end_matches('\n').len();
    out.push_str(match ends {
        0 => " |-\n",
        1 => " |\n",
        _ => " |+\n",
    });
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            indentation(indent, out);
        }
        out.push_str(line);
        out.push('\n');
    }
}

/// A text, in quotes where it would be read as something else without.
fn text(it: &str) -> String {
    if is_plain(it) { it.to_owned() } else { quoted(it) }
}

/// Whether a text means itself without quotes, by the core schema.
fn is_plain(it: &str) -> bool {
    const WORDS: &[&str] = &["null", "true", "false", ".nan", ".inf"];
    let first = it.chars().next();
    first.is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '/' | '.' | '$') || c.is_ascii_digit())
        && !it.ends_with([' ', '\t', ':'])
        && it.chars().all(is_printable)
        && !it.contains(": ")
        && !it.contains(" #")
        && !it.contains('\t')
        && !it.starts_with("...")
        && !WORDS.contains(&it.to_ascii_lowercase().as_str())
        && !looks_like_a_number(it)
}

/// Numbers, dates and times, versions such as `1.20`: whatever begins with a digit and holds no letter but those of
/// numbers.
fn looks_like_a_number(it: &str) -> bool {
    let numeric = |c: char| {
        c.is_ascii_digit() || matches!(c, '.' | '_' | ':' | '-' | '+' | 'e' | 'E' | 'T' | 'Z' | 'x' | 'o' | ' ')
    };
    let hex = it.strip_prefix("0x").is_some_and(|it| it.chars().all(|c| c.is_ascii_hexdigit()));
    hex || (it.starts_with(|c: char| c.is_ascii_digit() || c == '.') && it.chars().all(numeric))
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c if (c as u32) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out.push('"');
    out
}
