//! The comments of a document: what stands between its values behind a `#`.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{scalar, tree::Comment};

/// An event with the bytes that it covers.
pub(super) type Located<'a> = (Event<'a>, Range<usize>);

/// The events of `text`, or nothing where it cannot be read.
pub(super) fn events(text: &str) -> Option<Vec<Located<'_>>> {
    let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let bytes = |span: Span| {
        let at = |it: usize| offsets.get(it).copied().unwrap_or(text.len());
        at(span.start.index())..at(span.end.index())
    };
    Parser::new_from_str(text)
        .map(|it| {
            let (event, span) = it.ok()?;
            let range = tight(text, &event, bytes(span));
            Some((event, range))
        })
        .collect()
}

/// What an event covers without the spaces and comments that the parser counts to it.
fn tight(text: &str, event: &Event<'_>, range: Range<usize>) -> Range<usize> {
    let own = &text[range.clone()];
    let length = match event {
        Event::Scalar(value, ScalarStyle::Plain, ..) if value.is_empty() && !own.starts_with('&') => 0,
        Event::Scalar(_, ScalarStyle::Plain, ..) => own.trim_end().len(),
        Event::Scalar(_, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, ..) => {
            let skipped = if own.starts_with('&') { own.find(['"', '\'']).unwrap_or(0) } else { 0 };
            skipped + scalar::quoted_length(&own[skipped..])
        }
        Event::Alias(_) => name_length(own),
        Event::MappingStart(..) | Event::SequenceStart(..) | Event::MappingEnd | Event::SequenceEnd => {
            let name = if own.starts_with('&') { name_length(own) } else { 0 };
            let bracket = own[name..].len() - own[name..].trim_start().len();
            if own[name + bracket..].starts_with(['{', '[', '}', ']']) { name + bracket + 1 } else { name }
        }
        // Where a block scalar at the end has no lines, the parser counts its header instead.
        Event::Scalar(value, ..) if value.is_empty() && own.starts_with(['|', '>']) => return range.end..range.end,
        _ => own.len(),
    };
    range.start..range.start + length
}

/// How long the anchor or alias is with which `text` begins.
pub(super) fn name_length(text: &str) -> usize {
    text.find(|c: char| c.is_whitespace() || "[]{},".contains(c)).unwrap_or(text.len())
}

/// The comments between the values, in order of writing. Those behind the header of a block scalar belong to it.
pub(super) fn find(text: &str, events: &[Located<'_>]) -> Vec<Comment> {
    let mut out = Vec::new();
    let mut from = 0;
    for (event, range) in events {
        let (start, end) = match event {
            Event::Scalar(value, ScalarStyle::Plain, ..) if value.is_empty() => continue,
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
                (scalar::header_start(text, range.start).unwrap_or(range.start), range.end)
            }
            Event::Scalar(..) | Event::Alias(_) => (range.start, range.end),
            _ => continue,
        };
        gap(text, from..start.max(from), &mut out);
        from = end.max(from);
    }
    gap(text, from..text.len(), &mut out);
    out
}

/// The texts of all comments, sorted: what must survive formatting.
pub(super) fn texts(text: &str) -> Option<Vec<String>> {
    let events = events(text)?;
    let mut texts: Vec<String> = find(text, &events).into_iter().map(|it| it.text).collect();
    for (event, range) in &events {
        if let Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) = event
            && let Some(start) = scalar::header_start(text, range.start)
        {
            let line = text[start..].lines().next().unwrap_or_default();
            texts.extend(line.find('#').map(|at| line[at..].trim_end().to_owned()));
        }
    }
    texts.sort();
    Some(texts)
}

fn gap(text: &str, range: Range<usize>, out: &mut Vec<Comment>) {
    let mut at = range.start;
    while let Some(found) = text[at..range.end].find('#') {
        let start = at + found;
        let before = text[..start].chars().next_back();
        if before.is_none_or(char::is_whitespace) {
            let end = text[start..].find('\n').map_or(text.len(), |it| start + it);
            let line = text[..start].rfind('\n').map_or(0, |it| it + 1);
            out.push(Comment {
                text: text[start..end].trim_end().to_owned(),
                start,
                column: start - line,
                own_line: text[line..start].trim().is_empty(),
                blank: is_blank_above(text, start),
            });
            at = end.min(range.end);
        } else {
            at = start + 1;
        }
    }
}

/// Whether the line above the one with the byte at `at` is blank.
pub(super) fn is_blank_above(text: &str, at: usize) -> bool {
    let Some(line) = text[..at].rfind('\n') else { return false };
    let above = text[..line].rfind('\n').map_or(0, |it| it + 1);
    text[above..line].trim().is_empty()
}
