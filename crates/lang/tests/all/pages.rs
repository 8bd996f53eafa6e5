//! The pages of the codes: that each code has one, and that their examples show what they say.
//!
//! A section `Wrong` or `Right` holds a document. Where it needs others beside it, each block says its name: `yaml
//! file=child.yaml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use drawloom_lang::{
    Code, Diagnostic, KindInfo, Kinds, Optimise, Options, Placement, Severity, Source, compile, foreign,
};
use serde_json::{Value as Json, json};

const FLOW: &str = "flow.yaml";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/errors")
}

fn page(code: Code) -> String {
    let path = folder().join(format!("{code}.md"));
    fs::read_to_string(&path).unwrap_or_else(|it| panic!("{}: {it}", path.display()))
}

/// The documents in a section of a page, the first of which is the example.
fn section(page: &str, title: &str) -> Vec<Source> {
    let heading = format!("\n## {title}\n");
    let Some((_, rest)) = page.split_once(&heading) else { return Vec::new() };
    let rest = rest.split("\n## ").next().unwrap_or_default();
    // Each second piece lies between fences.
    let blocks = rest.split("```").skip(1).step_by(2).filter_map(|it| it.split_once('\n'));
    blocks.map(|(info, text)| Source::new(info.split_once("file=").map_or(FLOW, |(_, name)| name), text)).collect()
}

/// The kinds that the examples use. What they take is open, but for `log`, by which the pages on parameters show
/// what is wrong.
fn kinds() -> Kinds {
    let open = || json!({ "type": "object" });
    let log = json!({
        "type": "object",
        "properties": { "message": {}, "level": { "type": "string", "enum": ["debug", "info", "warn", "error"] } },
        "required": ["message"],
        "additionalProperties": false,
    });
    let kind = |(name, placement, schema): (&str, Placement, Json)| KindInfo {
        name: name.to_owned(),
        placement,
        place: None,
        schema,
    };
    let (inline, local) = (Placement::Inline, Placement::Local);
    let kinds = [
        ("http", local, open()),
        ("shell", local, open()),
        ("code", local, open()),
        ("transform", inline, open()),
        ("log", inline, log),
    ];
    Kinds::new(kinds.map(kind))
}

/// What the compiler says about the first document; the others are beside it.
fn said(documents: &[Source]) -> Vec<Diagnostic> {
    let beside = documents[1..].iter().map(|it| (it.name().to_owned(), it.clone()));
    let children: BTreeMap<String, Source> = beside.collect();
    let source = documents[0].clone();
    let (source, mut problems) = match foreign::load(&source) {
        Some(it) => (it.source, it.warnings),
        None => (source, Vec::new()),
    };
    let options = Options { optimise: Optimise::On, kinds: &kinds(), children: &children };
    problems.extend(match compile(&source, &options) {
        Ok(it) => it.diagnostics,
        Err(problems) => problems,
    });
    problems
}

fn list(problems: &[Diagnostic]) -> String {
    problems.iter().map(|it| format!("{} {}", it.code, it.message)).collect::<Vec<_>>().join("; ")
}

fn codes<'a>(problems: impl IntoIterator<Item = &'a Diagnostic>) -> BTreeSet<Code> {
    problems.into_iter().map(|it| it.code).collect()
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let known: BTreeSet<String> = Code::ALL.iter().map(|it| format!("{it}.md")).collect();
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder()).expect("the folder of the pages") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        if name.starts_with("DL") {
            found.insert(name);
        }
    }
    assert_eq!(found, known);
    let index = fs::read_to_string(folder().with_extension("md")).expect("the index");
    for code in Code::ALL {
        let (page, title) = (page(*code), code.title());
        assert!(page.starts_with(&format!("# {code}: {title}\n")), "the title of {code} is `{code}: {title}`");
        assert!(page.contains("**Cause.**") && page.contains("**Remedy.**"), "{code} lacks a part");
        assert!(index.contains(&format!("[{code}](errors/{code}.md) | {title} |")), "{code} is not in the index");
    }
}

/// Why the examples of a page do not show what they should.
fn faults(code: Code) -> Vec<String> {
    let page = page(code);
    let (wrong, right) = (section(&page, "Wrong"), section(&page, "Right"));
    if page.contains("\nThere is no example: ") {
        return if wrong.is_empty() && right.is_empty() { Vec::new() } else { vec![format!("{code}: has an example")] };
    }
    if wrong.is_empty() || right.is_empty() {
        return vec![format!("{code}: lacks an example")];
    }
    let mut faults = Vec::new();
    let problems = said(&wrong);
    let is_shown = codes(&problems).contains(&code);
    // What a sub-flow has beside that is its own affair.
    let own = problems.iter().filter(|it| it.is_error() && it.path.starts_with(wrong[0].name()));
    let is_error = is_shown && code.severity() == Severity::Error;
    let expected = if is_error { BTreeSet::from([code]) } else { BTreeSet::new() };
    if !is_shown {
        faults.push(format!("{code}: `Wrong` does not show it, but {}", list(&problems)));
    } else if codes(own) != expected {
        faults.push(format!("{code}: `Wrong` has other errors: {}", list(&problems)));
    }
    let problems = said(&right);
    if problems.iter().any(|it| it.is_error() || it.code == code) {
        faults.push(format!("{code}: `Right` is wrong: {}", list(&problems)));
    }
    faults
}

#[test]
fn examples_show_what_their_pages_say() {
    let faults: Vec<String> = Code::ALL.iter().flat_map(|it| faults(*it)).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
