//! The pages of the book that show documents: each example of an error page has that error.

use crate::support::{Home, repository};

#[test]
fn every_example_of_an_error_page_has_its_error() {
    let home = Home::new();
    let mut count = 0;
    for entry in std::fs::read_dir(repository().join("docs/src/errors")).expect("the pages are there") {
        let path = entry.expect("a file").path();
        let name = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.starts_with("DL") {
            continue;
        }
        let page = std::fs::read_to_string(&path).expect("the page can be read");
        assert!(page.starts_with(&format!("# {name}: ")), "{name} has no title");
        assert!(page.contains("**Cause.**") && page.contains("**Remedy.**"), "{name} lacks a part");
        let Some(example) = block(&page) else { continue };
        let ran = home.feed(&["validate", "-", "--json"], example).json();
        let codes: Vec<&str> =
            ran["diagnostics"].as_array().into_iter().flatten().filter_map(|it| it["code"].as_str()).collect();
        assert!(codes.contains(&name.as_str()), "{name}: the example gives {codes:?}");
        count += 1;
    }
    assert!(count > 50, "only {count} pages have an example");
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let folder = repository().join("docs/src/errors");
    let codes: Vec<&str> = drawloom_lang::Code::ALL.iter().map(|it| it.as_str()).collect();
    for code in drawloom_lang::Code::ALL {
        let page = std::fs::read_to_string(folder.join(format!("{code}.md"))).unwrap_or_default();
        assert!(
            page.starts_with(&format!("# {code}: {}\n", code.title())),
            "the page of {code} is missing or has another title"
        );
    }
    for entry in std::fs::read_dir(&folder).expect("the pages are there") {
        let name = entry.expect("a file").file_name().to_string_lossy().into_owned();
        let code = name.trim_end_matches(".md");
        assert!(!code.starts_with("DL") || codes.contains(&code), "{code} has a page, but is no code");
    }
}

/// Every flow that the book shows outside of the error pages is valid.
#[test]
fn every_flow_of_the_book_is_valid() {
    let home = Home::new();
    let book = repository().join("docs/src");
    let mut count = 0;
    for folder in [book.clone(), book.join("reference")] {
        for entry in std::fs::read_dir(folder).expect("the book is there") {
            let path = entry.expect("a file").path();
            if path.extension().is_none_or(|it| it != "md") {
                continue;
            }
            let page = std::fs::read_to_string(&path).expect("the page can be read");
            for text in page.split("```yaml\n").skip(1).filter_map(|it| it.split("\n```").next()) {
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

/// The first block of YAML or JSON.
fn block(page: &str) -> Option<&str> {
    let start = page.find("```yaml\n").or_else(|| page.find("```json\n"))? + "```yaml\n".len();
    let end = page[start..].find("\n```")?;
    Some(&page[start..start + end + 1])
}
