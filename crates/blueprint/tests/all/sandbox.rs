//! Hostile expressions: each ends within a bounded time and makes a bounded value, whatever it says.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use drawloom_blueprint::{
    ExprIx, Timestamp, Value,
    expr::{Expr, FILTERS, Found, Names, OUTPUT_MAX, TESTS, eval},
};

use crate::arbitrary::Source;

/// The longest that an expression may take here: far above what it takes, so that a busy machine fails no test.
const TIME_MAX: Duration = Duration::from_secs(10);

struct World;

impl Names for World {
    fn find(&self, name: &str) -> Found {
        let json = match name {
            "a" => r#"{"items": [{"n": 1}, {"n": 2}], "deep": [[[[[[[[1]]]]]]]]}"#,
            "s" => r#""0123456789abcdef""#,
            "l" => "[3, 1, 2]",
            _ => return Found::Missing(Arc::from("nothing")),
        };
        Found::Value(Value::from_json(json.as_bytes()).expect("JSON"))
    }

    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

#[expect(clippy::disallowed_methods, reason = "how long an evaluation takes is what is tested")]
fn evaluate(source: &str) -> Result<Value, String> {
    let roots = ["a", "s", "l", "now"].map(str::to_owned).to_vec();
    let begin = Instant::now();
    let result = eval(&[Expr::jinja(source.to_owned(), roots)], ExprIx(0), &World).map_err(|it| it.message);
    let took = begin.elapsed();
    assert!(took < TIME_MAX, "{source:.200} took {took:?}");
    if let Ok(it) = &result {
        assert!(it.to_json().len() <= OUTPUT_MAX * 2, "{source:.200} made {} bytes", it.to_json().len());
    }
    result
}

/// The most memory that a test's process may ever have had, where the system says and each test has its own.
fn within_memory() {
    const MEMORY_MAX_KIB: u64 = 2 * 1024 * 1024;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).and_then(|it| it.trim().split(' ').next());
    if let Some(peak) = peak.and_then(|it| it.parse::<u64>().ok()) {
        assert!(peak < MEMORY_MAX_KIB, "{peak} KiB of memory were used");
    }
}

fn refused(source: &str) {
    let result = evaluate(source);
    assert!(result.is_err(), "{source:.200} gives {} bytes", result.map_or(0, |it| it.to_json().len()));
}

#[test]
fn statements_cannot_be_reached() {
    for source in [
        "}}{% for i in range(10**9) %}x{% endfor %}{{ 1",
        "1 }}{% macro m() %}{{ m() }}{% endmacro %}{{ m()",
        "{% set x = 1 %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "loop",
        "self",
        "super()",
        "caller()",
        "namespace(x=1)",
        "debug()",
        "include('x')",
        "cycler(1)",
        "lipsum()",
        "joiner()",
        "a.__class__",
        "''.__class__.__mro__",
        "a.items.append(1)",
        "env.get_template('x')",
    ] {
        refused(source);
    }
}

#[test]
fn what_grows_is_stopped() {
    let long = |len: usize| "x".repeat(len);
    for source in [
        "range(10**9) | list",
        "range(10**18)",
        "range(99999) | map('string') | join(s * 1000)",
        "s * 10**9",
        "s * (10**18)",
        "[0] * 10**9",
        "(s * 100000) ~ (s * 1000000)",
        "(s * 500000) | replace('0', s * 1000)",
        "(s * 500000) | replace('', s)",
        "range(99999) | join(s * 100)",
        "(s * 500000) | list | join(s)",
        "'\n' * 100000 | indent(10000, true, true)",
        "'%999999999d' | format(1)",
        "'%*d' | format(999999999, 1)",
        "'%.999999999f' | format(1)",
        "('%999d' * 100000) | format(1)",
        "2 ** 10 ** 10",
        "9 ** 9 ** 9 ** 9",
        "range(1000) | map('string') | map('replace', '', s * 1000) | list",
        &format!("{}1{}", "[".repeat(5000), "]".repeat(5000)),
        &format!("{}1{}", "(".repeat(5000), ")".repeat(5000)),
        &format!("{}1", "not ".repeat(100_000)),
        &format!("{}1", "-".repeat(100_000)),
        &format!("1{}", " + 1".repeat(2_000_000)),
        &format!("'{}' * 100000", long(1000)),
    ] {
        refused(source);
    }
    within_memory();
}

#[test]
fn chains_that_double_are_stopped() {
    for (start, link) in [
        ("s", " | replace('', 'xxxxxxxx')"),
        ("[l]", " | tojson"),
        ("s", " | tojson | tojson"),
        ("s", " | urlencode | replace('', '%')"),
        ("l", " | zip(l) | list"),
        ("s", " | list | tojson"),
        ("s", " | indent(999, true)"),
        ("s", " | upper | title | lower | trim"),
        ("l", " | batch(2) | list | slice(7) | list"),
        ("[s, s]", " | join(s * 64) | list"),
    ] {
        for len in [1, 5, 12, 40] {
            let _ = evaluate(&format!("{start}{}", link.repeat(len)));
        }
    }
    let twice = (0..30).fold("s".to_owned(), |it, _| if it.len() < 4_000_000 { format!("({it} ~ {it})") } else { it });
    let _ = evaluate(&twice);
    let nested = (0..14).fold("l".to_owned(), |it, _| format!("[{it}, {it}[0]]"));
    let _ = evaluate(&nested);
    within_memory();
}

#[test]
fn every_filter_and_test_is_bounded_on_large_arguments() {
    let large = ["s * 100000", "range(99999)", "l * 10000", "10 ** 18", "none"];
    let arguments = ["", "(10 ** 18)", "(-(10 ** 18))", "('x', s * 10000)", "(100000, true)"];
    for value in large {
        for name in FILTERS {
            for argument in arguments {
                let _ = evaluate(&format!("({value}) | {name}{argument}"));
            }
        }
        for name in TESTS {
            let _ = evaluate(&format!("({value}) is {name}"));
            let _ = evaluate(&format!("({value}) is {name}(s * 10000)"));
        }
    }
    within_memory();
}

#[test]
fn random_words_end() {
    let words = [
        "a",
        "s",
        "l",
        ".items",
        "[0]",
        "[::2]",
        "[-1]",
        " | ",
        "list",
        "join",
        "(",
        ")",
        "range(",
        "10",
        "**",
        " * ",
        "~",
        "1",
        "'x'",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        " if ",
        " else ",
        " in ",
        " not ",
        " is ",
        "defined",
        "map(",
        "tojson",
        "sort",
        "groupby(",
        "batch(",
        "slice(",
        "%",
        "//",
        "none",
        "=",
        "attribute",
        "dict(",
        "now()",
    ];
    for seed in 0..5_000 {
        let mut source = Source(seed);
        let text: String =
            (0..1 + source.below(14)).map(|_| words[source.below(words.len() as u64) as usize]).collect();
        let _ = evaluate(&text);
    }
}
