//! The pages of the book that show flows.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
};

use serde_json::{Value as Json, json};

use crate::support::{Home, repository};

/// The flows that a page shows.
fn flows(page: &str) -> impl Iterator<Item = &str> {
    let blocks = page.split("```yaml\n").skip(1).filter_map(|it| it.split("\n```").next());
    blocks.filter(|it| it.contains("drawloom: 1"))
}

/// Every flow that the book shows outside of the error pages is valid.
#[test]
fn every_flow_of_the_book_is_valid() {
    let home = Home::new();
    let book = repository().join("docs/src");
    let mut count = 0;
    for folder in [repository(), book.clone(), book.join("reference")] {
        for entry in std::fs::read_dir(folder).expect("the book is there") {
            let path = entry.expect("a file").path();
            if path.extension().is_none_or(|it| it != "md") {
                continue;
            }
            let page = std::fs::read_to_string(&path).expect("the page can be read");
            for text in flows(&page) {
                let ran = home.feed(&["validate", "-", "--json"], &format!("{text}\n"));
                let errors = ran.json()["diagnostics"].clone();
                assert_eq!(ran.code, Some(0), "{}: {errors}\n{text}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 15, "only {count} flows were found");
}

#[test]
fn the_language_page_names_all_that_expressions_have() {
    use drawloom_blueprint::{TriggerRule, expr};
    let page = std::fs::read_to_string(repository().join("docs/src/language.md")).expect("the page is there");
    let rules = TriggerRule::ALL.iter().map(|(name, _)| *name);
    for name in expr::FILTERS.iter().chain(expr::TESTS).chain(expr::FUNCTIONS).copied().chain(rules) {
        assert!(page.contains(&format!("`{name}`")), "docs/src/language.md does not name `{name}`");
    }
}

/// Answers every request with the same text, for as long as the test runs, and says where.
fn answering(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines();
            while lines.next().is_some_and(|it| it.is_ok_and(|it| !it.is_empty())) {}
            let head = format!("content-type: application/json\r\ncontent-length: {}\r\nconnection: close", body.len());
            let _ = write!(&stream, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
        }
    });
    format!("base=http://{address}")
}

#[test]
fn the_flows_on_the_pages_of_the_kinds_run_as_they_stand() {
    let (home, _shop) = Home::with_shop();
    let base = answering("{\"stargazers_count\": 7}");
    let expected = [
        ("http-example", json!({"stars": 7})),
        ("http-download", json!({"bytes": 23, "words": 2})),
        ("shell-example", json!({"most_frequent": "loom"})),
        ("code-example", json!({"stats": {"sum": 19.5, "mean": 6.5}})),
        (
            "transform-example",
            json!({
                "sum": 42,
                "digest": "@",
                "letter": "1: 10, 2: 32, in all 42",
            }),
        ),
        ("log-example", json!({"said": "42 orders"})),
    ];
    let mut ran = Vec::new();
    for kind in home.run(&["kinds", "--json"]).exits(0).json().as_array().expect("a list of kinds") {
        let name = kind["name"].as_str().expect("a name");
        let page = home.run(&["kinds", name]).exits(0).out;
        for text in flows(&page) {
            let input = if text.contains("inputs.base") { vec!["--input", &base] } else { Vec::new() };
            let mut outputs = home.flow(text, &input).exits(0).json()["outputs"].clone();
            if outputs["digest"].as_str().is_some_and(|it| it.len() == 64) {
                outputs["digest"] = "@".into();
            }
            let flow = text.lines().find_map(|it| it.strip_prefix("name: ")).expect("a name");
            let wanted = expected.iter().find(|(name, _)| *name == flow).map(|(_, it)| it);
            assert_eq!(Some(&outputs), wanted, "{flow}");
            ran.push(Json::from(flow));
        }
    }
    assert_eq!(ran.len(), expected.len(), "{ran:?}");
    assert_eq!(home.read("rfc9110.txt"), "{\"stargazers_count\": 7}");
    let hash = "65e262478514b03cca2db146a6277238c01618b4cb31c04025eba0faba5346c1";
    assert_eq!(home.run(&["store", "blob", hash]).exits(0).out, "{\"stargazers_count\": 7}");
    home.run(&["store", "blob", &hash.replace('0', "1")]).exits(2).says("there is no blob");
    home.run(&["store", "blob", "nonsense"]).exits(2).says("there is no blob");
}
