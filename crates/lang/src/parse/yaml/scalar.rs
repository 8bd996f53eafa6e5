//! What a scalar means (the core schema of YAML 1.2), and how its bytes lie in the document.
//!
//! Numbers, booleans and null are what YAML 1.2 says: `yes`, `no`, `on` and `1_000` are texts.

use saphyr_parser::ScalarStyle;

use super::{Stop, stop};
use crate::{Code, Data, Source, Span, Text};

/// What a plain scalar means, where it is not a text.
///
/// # Errors
/// Where it is a number that JSON cannot hold.
pub(super) fn plain(text: &str, span: Span) -> Result<Option<Data>, Stop> {
    Ok(Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        _ => return number(text, span),
    }))
}

fn number(text: &str, span: Span) -> Result<Option<Data>, Stop> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |it: &str, radix: u32| !it.is_empty() && it.chars().all(|it| it.is_digit(radix));
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        let problem = stop(Code::NumberTooLarge, span, format!("{text} is no number in JSON"));
        return Err(Box::new(problem.help("put it into quotes to have it as a text")));
    }
    let radix = [("0o", 8), ("0x", 16)];
    if let Some((rest, radix)) = radix.iter().find_map(|(head, radix)| Some((text.strip_prefix(head)?, *radix)))
        && digits(rest, radix)
    {
        return u64::from_str_radix(rest, radix).map(|it| Some(whole(it))).map_err(|_| not_exact(text, span));
    }
    if digits(unsigned, 10) {
        let signed = text.strip_prefix('+').unwrap_or(text);
        let data = signed.parse::<i64>().map(Data::Int).or_else(|_| signed.parse::<u64>().map(whole));
        return data.map(Some).map_err(|_| not_exact(text, span));
    }
    if !is_float(unsigned) {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(it) if it.is_finite() => Ok(Some(Data::Float(it))),
        _ => Err(not_exact(text, span)),
    }
}

fn whole(it: u64) -> Data {
    i64::try_from(it).map_or(Data::UInt(it), Data::Int)
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let (number, exponent) = text.find(['e', 'E']).map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])));
    let all_digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let exponent = exponent.is_none_or(|it| {
        let it = it.strip_prefix(['-', '+']).unwrap_or(it);
        !it.is_empty() && all_digits(it)
    });
    let (before, after) = number.split_once('.').map_or((number, None), |(before, after)| (before, Some(after)));
    let some = !before.is_empty() || after.is_some_and(|it| !it.is_empty());
    exponent && some && all_digits(before) && after.is_none_or(all_digits)
}

fn not_exact(text: &str, span: Span) -> Stop {
    let short: String = text.chars().take(40).collect();
    let problem = stop(Code::NumberTooLarge, span, format!("the number {short} does not fit 64 bits"));
    Box::new(problem.help("put it into quotes to have it as a text"))
}

/// A text with the way from its bytes to the document.
pub(super) fn text(value: String, style: ScalarStyle, source: &Source, span: Span) -> Text {
    let raw = source.slice(span);
    let quote = usize::from(matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted));
    if raw.get(quote..raw.len().saturating_sub(quote)) == Some(&value) {
        let first = span.start + u32::from(quote > 0);
        return Text::literal(value, span, first);
    }
    // Only parts of texts with expressions are ever pointed at.
    if !value.contains("{{") {
        return Text::made(value, span);
    }
    match align(&value, raw, style) {
        Some(pieces) => {
            let pieces = pieces.into_iter().map(|(text, at)| (text, span.start + at)).collect();
            Text::in_pieces(value, span, pieces)
        }
        None => Text::made(value, span),
    }
}

/// Lays a text beside what was written for it: from which offset on its bytes are those at which offset. Nothing
/// where that does not come out.
fn align(value: &str, raw: &str, style: ScalarStyle) -> Option<Vec<(u32, u32)>> {
    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    let double = style == ScalarStyle::DoubleQuoted;
    // The parser's place of a block begins with its content, behind the header.
    let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
    let (mut at, mut raw_at) = if block { (blank(value), blank(raw)) } else { (0, usize::from(quoted)) };
    let mut pieces = Vec::new();
    let mut begin = true;
    while at < value.len() {
        if begin {
            pieces.push((u32::try_from(at).ok()?, u32::try_from(raw_at).ok()?));
        }
        let rest = &raw[raw_at..];
        let (wanted, written) = (value[at..].chars().next()?, rest.chars().next());
        begin = true;
        let run = blank(rest);
        if run > 0 && rest[..run].contains('\n') {
            raw_at += run;
            at += if block { blank(&value[at..]) } else { folded(&rest[..run], &value[at..]) };
        } else if double && written == Some('\\') {
            let (length, makes) = escape(rest)?;
            raw_at += length;
            at += if makes { wanted.len_utf8() } else { 0 };
        } else if style == ScalarStyle::SingleQuoted && rest.starts_with("''") {
            raw_at += 2;
            at += 1;
        } else if written == Some(wanted) {
            raw_at += wanted.len_utf8();
            at += wanted.len_utf8();
            begin = false;
        } else if block && wanted == '\n' && written.is_none() {
            break;
        } else {
            return None;
        }
    }
    Some(pieces)
}

fn blank(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t', '\r', '\n']).len()
}

/// How many bytes of a text a line break with the spaces around it makes: a space, or the breaks but the first.
fn folded(run: &str, value: &str) -> usize {
    match run.matches('\n').count() {
        1 if value.starts_with(' ') => 1,
        breaks => value.bytes().take(breaks - 1).take_while(|it| *it == b'\n').count(),
    }
}

/// The length of an escape at the start of `raw`, and whether it makes a character.
fn escape(raw: &str) -> Option<(usize, bool)> {
    match raw.as_bytes().get(1)? {
        b'x' => Some((4, true)),
        b'u' if super::place::is_pair(raw) => Some((12, true)),
        b'u' => Some((6, true)),
        b'U' => Some((10, true)),
        b'\r' | b'\n' => Some((1 + blank(&raw[1..]), false)),
        _ => Some((1 + raw[1..].chars().next()?.len_utf8(), true)),
    }
    .filter(|(length, _)| raw.is_char_boundary(*length))
}

#[cfg(test)]
mod tests;
