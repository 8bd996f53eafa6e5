//! The pages of the book that show flows.

use crate::support::{Home, repository};

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
            let blocks = page.split("```yaml\n").skip(1).filter_map(|it| it.split("\n```").next());
            for text in blocks.filter(|it| it.contains("drawloom: 1")) {
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
