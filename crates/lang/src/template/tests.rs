use super::*;

/// The parts of a text: plain ones quoted, expressions in brackets, problems as code and place.
fn check(text: &str, expected: &str) {
    let span = Span::new(0, text.len());
    let text = Text::literal(text.to_owned(), span, 0);
    let mut problems = Vec::new();
    let template = Template::parse(&text, &mut problems);
    let mut seen: Vec<String> = Vec::new();
    for part in &template.parts {
        seen.push(match part {
            Part::Plain(it) => format!("{it:?}"),
            Part::Expr(it) => {
                assert_eq!(&text.value[it.span.range()], it.source);
                format!("[{}]", it.source)
            }
        });
    }
    for it in &problems {
        seen.push(format!("{}@{:?}", it.code, &text.value[it.span.range()]));
    }
    assert_eq!(seen.join(" "), expected, "{}", text.value);
}

#[test]
fn texts_split_at_double_braces_only() {
    check("", "");
    check("plain", "\"plain\"");
    check("{{ a }}", "[a]");
    check("  {{a}}\n", "[a]");
    check("x {{ a }}{{ b }} y", "\"x \" [a] [b] \" y\"");
    check("${#x} {% if %} {# c #} { } }}", "\"${#x} {% if %} {# c #} { } }}\"");
    check("{{ {'a': {'b': 1}}}}", "[{'a': {'b': 1}}]");
    check("{{ '}}' ~ \"\\\"}}\" }}!", "['}}' ~ \"\\\"}}\"] \"!\"");
    check("a {{- b -}} c", "\"a\" [b] \"c\"");
    check("{{-1}}", "[-1]");
    check("ä {{ 'ü' }} ö", "\"ä \" ['ü'] \" ö\"");
}

#[test]
fn faults_are_reported_where_they_are() {
    check("x {{ a", "\"x \" DL0502@\"{{\"");
    check("{{ it's }}", "DL0502@\"{{\"");
    check("{{ }} {{}}", "\" \" DL0503@\"{{ }}\" DL0503@\"{{}}\"");
    check("{{ a b }}", "DL0501@\"b\"");
    check("{{ a + }}{{ b }}", "[b] DL0501@\"+\"");
    check("{{ a.b[ }}", "DL0501@\"[\"");
    check("{{ (1 }}", "DL0501@\"1\"");
    check("{{ a | }}", "DL0501@\"|\"");
    check("{{ a ? b }}", "DL0501@\"?\"");
}

#[test]
fn long_and_deep_expressions_are_refused_quickly() {
    for (open, item, count) in [("", "-", 50_000), ("", "not ", 50_000), ("1", "+1", 50_000), ("a", ".a", 50_000)] {
        let text = format!("{{{{ {open}{}a }}}}", item.repeat(count));
        let text = Text::made(text, Span::default());
        let mut problems = Vec::new();
        Template::parse(&text, &mut problems);
        assert_eq!(problems[0].code, Code::ExpressionTooLong);
    }
    for (open, item) in
        [("", "-"), ("", "not "), ("1", "+1"), ("a", ".a"), ("a", "|abs"), ("", "("), ("", "["), ("a", "[0]")]
    {
        let text = Text::made(format!("{{{{ {open}{} }}}}", item.repeat(330)), Span::default());
        Template::parse(&text, &mut Vec::new());
    }
}
