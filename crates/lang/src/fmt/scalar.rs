//! The spelling of scalars: quotes, lines, block scalars.

use std::ops::Range;

use saphyr_parser::ScalarStyle;

use super::tree::{Block, Content};

/// A scalar as it is written.
pub(super) fn content(text: &str, value: &str, style: ScalarStyle, range: Range<usize>) -> Option<Content> {
    if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
        return block(text, value, range).map(Content::Block);
    }
    if value.is_empty() && style == ScalarStyle::Plain {
        return Some(Content::Nothing);
    }
    let raw = &text[range];
    if raw.contains('\n') {
        let end = |line: &str| {
            // A backslash at the end keeps what stands before it.
            let cut = line.trim_end_matches([' ', '\t']);
            if cut.ends_with('\\') { line.to_owned() } else { cut.to_owned() }
        };
        let mut lines = raw.lines();
        let first = lines.next().map(end);
        let rest = lines.map(|it| end(it.trim_start_matches([' ', '\t'])));
        return Some(Content::Lines(first.into_iter().chain(rest).collect()));
    }
    Some(Content::Plain(requoted(raw, value, style)))
}

/// Text in single quotes goes into double quotes where nothing in it has to be escaped.
fn requoted(raw: &str, value: &str, style: ScalarStyle) -> String {
    let simple =
        |c: char| !c.is_control() && !matches!(c, '"' | '\\' | '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{85}');
    if style == ScalarStyle::SingleQuoted && !value.contains('\'') && value.chars().all(simple) {
        format!("\"{value}\"")
    } else {
        raw.to_owned()
    }
}

/// How long the text in quotes is with which `text` begins.
pub(super) fn quoted_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let Some(quote) = bytes.first() else { return 0 };
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if *quote == b'"' => at += 1,
            byte if byte == *quote && byte == b'\'' && bytes.get(at + 1) == Some(&byte) => at += 1,
            byte if byte == *quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Where the header (`|`, `>-`, …) of a block scalar begins whose content begins at `content`.
pub(super) fn header_start(text: &str, content: usize) -> Option<usize> {
    let above = &text[..content];
    let mut end = if content < text.len() { above.rfind('\n')? } else { above.len() };
    loop {
        let start = text[..end].rfind('\n').map_or(0, |it| it + 1);
        let line = &text[start..end];
        if !line.trim().is_empty() {
            let found = line.char_indices().find(|(at, c)| {
                let apart = line[..*at].chars().next_back().is_none_or(char::is_whitespace);
                matches!(c, '|' | '>') && apart && header(&line[*at..]).is_some()
            });
            return found.map(|(at, _)| start + at);
        }
        end = start.checked_sub(1)?;
    }
}

/// The parts of a header: style, chomping, whether a digit says the indentation, and the comment.
fn header(text: &str) -> Option<(char, Option<char>, bool, Option<String>)> {
    let style = text.chars().next().filter(|it| matches!(it, '|' | '>'))?;
    let rest = &text[1..];
    let end = rest.find(|c: char| !matches!(c, '-' | '+' | '1'..='9')).unwrap_or(rest.len());
    let (indicators, rest) = rest.split_at(end);
    if indicators.len() > 2 {
        return None;
    }
    let comment = match rest.trim() {
        "" => None,
        it if it.starts_with('#') && rest.starts_with([' ', '\t']) => Some(it.to_owned()),
        _ => return None,
    };
    let chomp = indicators.chars().find(|it| matches!(it, '-' | '+'));
    Some((style, chomp, indicators.contains(|c: char| c.is_ascii_digit()), comment))
}

fn block(text: &str, value: &str, range: Range<usize>) -> Option<Block> {
    let start = header_start(text, range.start)?;
    let line_end = text[start..].find('\n').map_or(text.len(), |it| start + it);
    let (style, chomp, explicit, comment) = header(&text[start..line_end])?;
    let body = text.get(line_end + 1..range.end.max(line_end + 1)).unwrap_or_default();
    let indent = indentation(body, value)?;
    let mut lines: Vec<String> = Vec::new();
    for line in body.lines() {
        match line.get(indent..) {
            Some(rest) if spaces(line) >= indent => lines.push(rest.to_owned()),
            _ if is_blank(line) => lines.push(String::new()),
            _ => return None,
        }
    }
    // What the parser counts to the block may reach into the line of the next key.
    if !body.ends_with('\n') && lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    if chomp != Some('+') {
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
    }
    Some(Block { style, chomp, explicit, comment, lines })
}

/// How far in the lines of a block scalar stand that says `value`.
fn indentation(body: &str, value: &str) -> Option<usize> {
    let mut lines = body.lines();
    if let Some(said) = value.lines().find(|it| !is_blank(it)) {
        return spaces(lines.find(|it| !is_blank(it))?).checked_sub(spaces(said));
    }
    // Blank lines alone: those that are wider than the indentation say their spaces.
    match value.lines().position(|it| !it.is_empty()) {
        Some(at) => spaces(lines.nth(at)?).checked_sub(spaces(value.lines().nth(at)?)),
        None => Some(usize::MAX),
    }
}

fn spaces(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_blank(line: &str) -> bool {
    line.trim_matches(' ').is_empty()
}
