//! Diagnostics for people, with the source underlined, and for machines, as JSON.
//!
//! **Invariant:** the cost of one diagnostic does not depend on the size of the document, and nothing that a
//! document holds reaches a terminal as a control sequence.

use std::borrow::Cow;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value as Json, json};

use crate::{Diagnostic, Place, Severity, Source, Span};

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    Off,
    /// With ANSI escapes.
    On,
}

/// Lines longer than this are not shown.
const LINE_MAX: usize = 4_000;
/// Places that are this many lines apart are shown in one piece.
const NEAR: usize = 12;

/// The diagnostics as text, each with its code, its place in one of the `sources`, and advice.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &[Source], colour: Colour) -> String {
    let renderer = match colour {
        Colour::Off => Renderer::plain(),
        Colour::On => Renderer::styled(),
    };
    let mut text = String::new();
    for it in diagnostics {
        text.push_str(&renderer.render(&[group(it, sources)]));
        text.push_str("\n\n");
    }
    text
}

/// The diagnostics as JSON: `{"diagnostics": [{"code", "severity", "message", "help", "line", "column", "end_line",
/// "end_column", "path"}]}`. Lines and columns count from 1, columns in characters; the end is behind the last.
#[must_use]
pub fn to_json(diagnostics: &[Diagnostic], sources: &[Source]) -> Json {
    let one = |it: &Diagnostic| {
        let place = |offset| find(it, sources).map_or(Place { line: 1, column: 1 }, |source| source.place(offset));
        let (start, end) = (place(it.span.start), place(it.span.end));
        json!({
            "code": it.code.as_str(),
            "severity": it.severity.name(),
            "message": it.message,
            "help": it.help,
            "line": start.line,
            "column": start.column,
            "end_line": end.line,
            "end_column": end.column,
            "path": it.path,
        })
    };
    json!({ "diagnostics": diagnostics.iter().map(one).collect::<Vec<_>>() })
}

fn find<'a>(it: &Diagnostic, sources: &'a [Source]) -> Option<&'a Source> {
    sources.iter().find(|source| source.name() == it.path)
}

fn group<'a>(it: &'a Diagnostic, sources: &'a [Source]) -> Group<'a> {
    let level = match it.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level.primary_title(clean(&it.message)).id(it.code.as_str()).elements(Vec::<Origin>::new());
    if let Some(source) = find(it, sources) {
        let main = Mark { span: it.span, label: None, kind: AnnotationKind::Primary };
        let others = it.labels.iter().map(|label| Mark {
            span: label.span,
            label: Some(&label.message),
            kind: AnnotationKind::Context,
        });
        let line = |it: &Mark| source.place(it.span.start).line;
        let (near, far): (Vec<_>, Vec<_>) = others.partition(|it| line(it).abs_diff(line(&main)) <= NEAR);
        let marks: Vec<Mark> = std::iter::once(main).chain(near).collect();
        group = shown(group, source, &marks);
        for it in far {
            group = shown(group, source, &[it]);
        }
    } else if !it.path.is_empty() {
        group = group.element(Origin::path(clean(&it.path)));
    }
    match &it.help {
        Some(help) => group.element(Level::HELP.message(clean(help))),
        None => group,
    }
}

/// A place to underline.
struct Mark<'a> {
    span: Span,
    label: Option<&'a str>,
    kind: AnnotationKind,
}

/// Adds the lines of the source in which the marks stand, underlined.
fn shown<'a>(group: Group<'a>, source: &'a Source, marks: &[Mark<'a>]) -> Group<'a> {
    let text = source.text();
    let cut = |offset: u32| {
        let mut offset = (offset as usize).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    let first = marks.iter().map(|it| cut(it.span.start)).min().unwrap_or(0);
    let last = marks.iter().map(|it| cut(it.span.start)).max().unwrap_or(0);
    // A byte order mark is no character of the first line.
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let start = text[..first].rfind('\n').map_or(mark, |at| at + 1);
    let end = text[last..].find('\n').map_or(text.len(), |at| last + at);
    let part = &text[start..end];
    if part.lines().any(|line| line.len() > LINE_MAX) {
        let place = marks.first().map_or(Place { line: 1, column: 1 }, |it| source.place(it.span.start));
        return group.element(Origin::path(clean(source.name())).line(place.line).char_column(place.column));
    }
    let annotation = |it: &Mark<'a>| -> Annotation<'a> {
        let from = cut(it.span.start).saturating_sub(start);
        // Only the first line of what spans several is underlined.
        let line = part[from..].find('\n').map_or(part.len(), |at| from + at);
        let to = cut(it.span.end).saturating_sub(start).clamp(from, line);
        let annotation = it.kind.span(from..to);
        match it.label {
            Some(label) => annotation.label(clean(label)),
            None => annotation,
        }
    };
    let line = source.place(u32::try_from(start).unwrap_or(u32::MAX)).line;
    // A carriage return before a line break would be shown as a sign of its own.
    let part = if part.contains('\r') { Cow::Owned(part.replace('\r', " ")) } else { Cow::Borrowed(part) };
    let annotations: Vec<_> = marks.iter().map(annotation).collect();
    let snippet = Snippet::source(part).line_start(line).path(clean(source.name()));
    group.element(snippet.annotations(annotations))
}

/// A text without line breaks and without characters that a terminal would obey or that would turn the line about.
fn clean(text: &str) -> String {
    let obeyed = |it: char| {
        it.is_control() || matches!(it, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(obeyed) {
        return text.to_owned();
    }
    let mut out = String::new();
    for it in text.chars() {
        match it {
            '\n' | '\r' | '\t' => out.push(' '),
            it if obeyed(it) => out.extend(it.escape_unicode()),
            it => out.push(it),
        }
    }
    out
}
