//! How the tests write down what is said about a document.

use drawloom_lang::{Colour, Diagnostic, Source, parse, render};

/// Reads a document and compares what is said, each problem on a line: code, place, the words underlined, message,
/// advice in brackets.
#[track_caller]
pub(crate) fn check(document: &str, expected: &str) {
    let source = Source::new("flow.yaml", document);
    let (_, problems) = parse(&source);
    let found: Vec<String> = problems.iter().map(|it| line(it, &source)).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
    assert_eq!(found, expected, "\n{document}\n{}", found.join("\n"));
}

/// The same for steps of a flow that is fine but for them.
#[track_caller]
pub(crate) fn check_steps(steps: &str, expected: &str) {
    check(&format!("{{drawloom: 1, name: test, steps: [\n{steps}]}}"), expected);
}

fn line(it: &Diagnostic, source: &Source) -> String {
    let place = source.place(it.span.start);
    let help = it.help.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    let labels: String =
        it.labels.iter().map(|it| format!(" [{}: {}]", source.place(it.span.start).line, it.message)).collect();
    format!("{} {}:{} '{}' {}{labels}{help}", it.code, place.line, place.column, source.slice(it.span), it.message)
}

/// What reading a document says about it, as people see it.
pub(crate) fn shown(document: &str) -> String {
    let source = Source::new("flow.yaml", document);
    let (_, problems) = parse(&source);
    render(&problems, &[source], Colour::Off)
}
