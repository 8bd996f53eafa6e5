//! What it means when the document is no YAML, with the advice that most often helps.

use saphyr_parser::ScanError;

use super::{Stop, place::Places, stop};
use crate::{Code, Diagnostic, Source, Span, limits};

pub(super) fn explain(error: &ScanError, source: &Source, places: &Places) -> Stop {
    let at = places.offset(error.marker().index());
    let text = source.text();
    let start = text[..at].rfind('\n').map_or(0, |it| it + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let length = text[at..].chars().next().filter(|it| *it != '\n').map_or(0, char::len_utf8);
    let span = Span::new(at, at + length);
    let info = error.info();
    if info.contains("recursion limit") {
        let message = format!("lists and objects are nested deeper than {} levels", limits::DEPTH);
        return stop(Code::TooDeep, span, message);
    }
    if info.contains("unknown anchor") {
        return stop(Code::UnknownAnchor, span, "this alias names no anchor before it");
    }
    let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    if let Some(tab) = indent.find('\t') {
        let tab = start + tab;
        let problem = Diagnostic::new(Code::TabIndent, Span::new(tab, tab + 1), "a tab cannot indent in YAML");
        return Box::new(problem.help("indent with spaces"));
    }
    let mut problem = stop(Code::YamlSyntax, span, format!("this cannot be read as YAML: {info}"));
    problem.help = advice(info, line);
    problem
}

fn advice(info: &str, line: &str) -> Option<String> {
    let value = line.split_once(": ").map_or(line, |(_, value)| value).trim_start();
    let help = if value.starts_with("{{") {
        "a text that begins with an expression goes into quotes: \"{{ … }}\""
    } else if value.starts_with(['@', '`', '%']) {
        "a text that begins with this sign goes into quotes"
    } else if info.contains("mapping values are not allowed") && value.contains(": ") {
        "a text that contains `: ` goes into quotes"
    } else if info.contains("quoted scalar") {
        "a quote is not closed"
    } else if ["expected key", "expected '-'", "indentation", "not allowed"].iter().any(|it| info.contains(it)) {
        "look at the indentation: the keys of one object, and the `-` of one list, stand in one column"
    } else {
        return None;
    };
    Some(help.to_owned())
}
