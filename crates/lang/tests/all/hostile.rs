//! Documents made to cost much or to break the reader: each must end quickly, with an error or a flow.

use std::time::{Duration, Instant};

use drawloom_lang::{Code, Colour, Source, parse, parse_bytes, render, to_json};
use proptest::prelude::*;

/// Generous for a slow machine and a build without optimisation; what takes quadratic time takes far longer.
const BOUND: Duration = Duration::from_secs(60);

/// Reads, renders and reports a document within [`BOUND`]; its first error is `code`, if that is given.
#[track_caller]
fn check(name: &str, document: &str, code: impl Into<Option<Code>>) {
    let sources = [Source::new("hostile.yaml", document)];
    let (flow, problems, shown) = in_time(name, || {
        let (flow, problems) = parse(&sources[0]);
        let shown = render(&problems, &sources, Colour::On).len() + to_json(&problems, &sources).to_string().len();
        (flow, problems, shown)
    });
    assert!(shown < 4_000_000, "{name} is said in {shown} bytes");
    assert!(problems.len() <= 1_000, "{name} has {} problems", problems.len());
    assert!(flow.is_some() || problems.iter().any(drawloom_lang::Diagnostic::is_error), "{name} is neither");
    if let Some(code) = code.into() {
        assert_eq!(problems.first().map(|it| it.code), Some(code), "{name}: {problems:?}");
    }
}

/// What `work` gives, if it ends within [`BOUND`].
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
fn in_time<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    assert!(took < BOUND, "{name} took {took:?}");
    result
}

fn flow(rest: &str) -> String {
    format!("drawloom: 1\nname: hostile\n{rest}\n")
}

#[test]
fn alias_bombs_are_refused() {
    let mut laughs = flow("steps: []\nvars:\n  a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]");
    for level in 1..30 {
        let last = format!("*a{}", level - 1);
        laughs.push_str(&format!("  a{level}: &a{level} [{}]\n", vec![last; 9].join(", ")));
    }
    check("billion laughs", &laughs, Code::TooManyNodes);
    let long = format!("vars:\n  a: &a {}\n  b: [{}]", "x".repeat(1_000_000), "*a,".repeat(50_000));
    check("long text again and again", &flow(&long), Code::TooManyNodes);
    let mut chain = flow("steps: []\nvars:\n  a0: &a0 x");
    for level in 1..5_000 {
        chain.push_str(&format!("  a{level}: &a{level} [*a{}]\n", level - 1));
    }
    check("a chain of aliases", &chain, Code::TooDeep);
    let anchors = format!("vars: {}x{}", "&a [".repeat(100), "]".repeat(100));
    check("anchors in anchors", &flow(&anchors), None);
    check("an alias in its anchor", &flow("vars: &a {b: *a}"), Code::UnknownAnchor);
    check("many anchors", &flow(&format!("vars: [{}]", "&a x, *a, ".repeat(40_000))), None);
}

#[test]
fn deep_documents_are_refused() {
    const LEVELS: usize = 20_000;
    for (name, open) in [
        ("lists", "["),
        ("objects", "{a: "),
        ("quoted objects", "{\"a\":"),
        ("block lists", "- "),
        ("complex keys", "? "),
        ("single pairs", "[a: "),
    ] {
        check(name, &open.repeat(LEVELS), None);
        check(name, &flow(&format!("vars:\n  {}", open.repeat(LEVELS))), None);
    }
    check("closed lists", &format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS)), Code::TooDeep);
    check("short lines", &"-\n ".repeat(LEVELS), None);
    let indented = (0..2_000).map(|it| format!("{}a:\n", " ".repeat(it))).collect::<String>();
    check("indented objects", &indented, Code::TooDeep);
    let mut steps = String::from("steps: ");
    for level in 0..60 {
        steps.push_str(&format!("[{{id: s{level}, group: "));
    }
    check("groups in groups", &flow(&format!("{steps}[]{}", "}]".repeat(60))), None);
}

#[test]
fn large_documents_and_texts_are_refused() {
    let text = "x".repeat(5_000_000);
    check("a plain text", &flow(&format!("description: {text}")), Code::ScalarTooLarge);
    check("a quoted text", &flow(&format!("description: \"{text}\"")), Code::ScalarTooLarge);
    check("a block", &flow(&format!("description: |\n  {}", "x\n  ".repeat(3_000_000))), Code::ScalarTooLarge);
    check("a key", &flow(&format!("? {text}\n: x")), Code::ScalarTooLarge);
    check("a document", &format!("# {}", "x".repeat(33 << 20)), Code::DocumentTooLarge);
    assert_eq!(parse_bytes("x", &vec![b'x'; 33 << 20]).unwrap_err().code, Code::DocumentTooLarge);
    check("a text below the limit", &flow(&format!("description: {}\nsteps: []", "x".repeat(4_000_000))), None);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let bad = parse_bytes("x.yaml", b"name: a\xffb").unwrap_err();
    assert_eq!((bad.code, bad.span.start, bad.path.as_str()), (Code::NotUtf8, 7, "x.yaml"));
    assert_eq!(parse_bytes("x", b"\xc3").unwrap_err().code, Code::NotUtf8);
    assert_eq!(parse_bytes("x", "ä".as_bytes()).unwrap().text(), "ä");
    check("NUL", &flow("description: a\0b"), Code::ControlCharacter);
    check("escape", &flow("description: \u{1b}[31mred"), Code::ControlCharacter);
    check("NUL alone", "\0", Code::ControlCharacter);
}

#[test]
fn repetition_costs_linear_time() {
    const MANY: usize = 200_000;
    for (name, piece) in [
        ("keys", "a: b\n"),
        ("quotes", "'"),
        ("double quotes", "\""),
        ("colons", ":"),
        ("colons and spaces", ": "),
        ("key starts", "a: "),
        ("dashes", "-"),
        ("document starts", "---\n"),
        ("document ends", "...\n"),
        ("tags", "! "),
        ("bangs", "!"),
        ("anchors", "&a "),
        ("aliases", "*a "),
        ("blocks", "|\n"),
        ("folded lines", "a\n"),
        ("empty lines", "\n"),
        ("returns", "\r"),
        ("tabs", "\t"),
        ("spaces", " "),
        ("comments", "#\n"),
        ("comment", "#"),
        ("directives", "%A\n"),
        ("commas", ","),
        ("braces", "{}"),
        ("open braces", "{{ "),
        ("brackets", "[],"),
        ("question marks", "?\n"),
        ("backslashes", "\\"),
        ("surrogates", "\\ud83d\\ude00"),
        ("marks", "\u{feff}"),
        ("umlauts", "ä"),
    ] {
        check(name, &piece.repeat(MANY), None);
        check(
            name,
            &flow(&format!("description: \"{}\"\nsteps: []", piece.replace(['"', '\\'], "").repeat(MANY))),
            None,
        );
        check(name, &format!("[\"{}\"]", piece.repeat(MANY)), None);
        check(name, &flow(&format!("vars: [{}]", piece.repeat(MANY))), None);
    }
}

#[test]
fn many_problems_stay_readable() {
    let unknown: String = (0..100_000).map(|it| format!("key{it}: 1\n")).collect();
    check("unknown keys", &flow(&unknown), None);
    check("duplicate keys", &flow(&"steps: []\n".repeat(100_000)), None);
    let steps: String = (0..50_000).map(|it| format!("- {{id: A{it}, use: x, retry: 0}}\n")).collect();
    check("bad steps", &flow(&format!("steps:\n{steps}")), None);
    let one_line: String = (0..50_000).map(|it| format!("{{id: A{it}}},")).collect();
    check("bad steps on one line", &flow(&format!("steps: [{one_line}]")), None);
}

#[test]
fn large_flows_are_read() {
    let steps: String = (0..100_000)
        .map(|it| {
            format!("- id: s{it}\n  needs: [s{}]\n  uses: log\n  with: {{ message: \"{{{{ s0 }}}}\" }}\n", it / 2)
        })
        .collect();
    let source = Source::new("large.yaml", flow(&format!("steps:\n{steps}")));
    let (flow, problems) = in_time("a large flow", || parse(&source));
    assert_eq!(problems, []);
    assert_eq!(flow.expect("a flow").steps.len(), 100_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Whatever is written with the signs of YAML and of expressions, reading ends, with a flow or a reason.
    #[test]
    fn nonsense_is_read_without_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        let document = pieces.concat();
        for document in [document.clone(), flow(&format!("steps:\n{document}")), format!("{{{document}")] {
            let source = Source::new("nonsense.yaml", document);
            let (flow, problems) = parse(&source);
            prop_assert!(flow.is_some() || !problems.is_empty());
            for it in &problems {
                prop_assert!(it.span.start <= it.span.end);
                prop_assert!(it.span.end as usize <= source.text().len());
            }
            let sources = [source];
            prop_assert_eq!(render(&problems, &sources, Colour::Off).is_empty(), problems.is_empty());
            let _ = to_json(&problems, &sources);
        }
    }
}

/// What nonsense is made of.
const PIECES: &[&str] = &[
    "a",
    "id: ",
    "uses: log",
    "with: ",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    " ",
    ": ",
    ":",
    ", ",
    "{",
    "}",
    "[",
    "]",
    "{{",
    "}}",
    "{{ a }}",
    "\"",
    "'",
    "''",
    "|",
    "|\n",
    ">-\n",
    "&x ",
    "*x",
    "!t ",
    "!!str ",
    "# c",
    "---\n",
    "...\n",
    "? ",
    "%YAML 1.2\n",
    "\t",
    "\r\n",
    "\\",
    "\\u00e9",
    "\\ud83d\\ude00",
    "ä",
    "😀",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "0",
    "1.5",
    "null",
    "do: ",
    "for_each: ",
    "if: ",
    "then: ",
    "retry: ",
    "timeout: 5s",
    "needs: ",
    "parallel: ",
    "<<: ",
    "~",
    "-",
    "--- ",
    "@",
    "`",
    "\u{7f}",
];
