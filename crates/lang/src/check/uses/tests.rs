use super::*;
use crate::{Text, template::Template};

/// The names in an expression, in order; those whose absence is provided for in brackets.
fn check(source: &str, expected: &str) {
    let text = Text::made(format!("{{{{ {source} }}}}"), Span::default());
    let mut problems = Vec::new();
    let template = Template::parse(&text, &mut problems);
    let uses = find(template.single().expect("one expression"), &mut problems);
    let shown = |it: &Use| {
        let parts: Vec<&str> = it.tail.iter().map(|it| it.name.as_deref().unwrap_or("*")).collect();
        let path = [&[it.root], parts.as_slice()].concat().join(".");
        if it.guarded { format!("[{path}]") } else { path }
    };
    let found: Vec<String> = uses.iter().map(shown).collect();
    assert_eq!(found.join(" "), expected, "{source}");
    assert_eq!(problems, []);
}

#[test]
fn names_are_found_with_the_way_into_their_values() {
    check("a.b[0].c", "a.b.*.c");
    check("a['b c'][d.e][1:f]", "f d.e a.b c.*.*");
    check("[a, {'k': b}] | map(attribute=c) | join(d)", "a b c d");
    check("range(a) | list ~ now()", "a");
    check("(a | upper).b", "a");
    check("a < b <= c and not d", "a b c d");
}

#[test]
fn defaults_provide_for_the_path_before_them() {
    check("a.b | default(c)", "[a.b] c");
    check("(a.b | d(c)) | default(0)", "[a.b] [c]");
    check("(a + b) | default(0)", "a b");
    check("a | first | default(0)", "a");
    check("(a if b else c) | default(0)", "b [a] [c]");
    check("a.b is defined", "[a.b]");
    check("(a or b) | default(0)", "a [b]");
}

#[test]
fn tests_provide_for_what_they_let_through() {
    check("a.x if a is defined else b", "[a] [a.x] b");
    check("b if a is undefined else a", "[a] b [a]");
    check("a is defined and a.x and b", "[a] [a.x] b");
    check("a is undefined or a.x", "[a] [a.x]");
    check("not (a is undefined) and a", "[a] [a]");
    check("a is defined or a", "[a] a");
    check("(a is defined and b is defined) and a ~ b", "[a] [b] [a] [b]");
}
