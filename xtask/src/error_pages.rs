//! Every error that a user can see has a page, and the book lists them all.
//!
//! **Invariant:** the codes are read off the sources: the strings in each `fn code(&self) -> &'static str`, and the
//! list of diagnostics.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::sources;

const FOLDER: &str = "docs/src/errors";
const SUMMARY: &str = "docs/src/SUMMARY.md";

/// The line of the summary below which the pages are listed.
const INDEX: &str = "- [Errors and warnings](reference/errors.md)\n";

/// The file names and titles of the pages, sorted.
pub(crate) fn titles(root: &Path) -> Result<Vec<(String, String)>> {
    let folder = root.join(FOLDER);
    let mut pages = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {FOLDER}"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            let page = fs::read_to_string(folder.join(&name)).with_context(|| format!("cannot read {name}"))?;
            let title = page.lines().find_map(|it| it.strip_prefix("# "));
            let title = title.with_context(|| format!("{FOLDER}/{name} has no title"))?.to_owned();
            pages.push((name, title));
        }
    }
    pages.sort();
    Ok(pages)
}

/// The summary of the book with the list of today.
pub(crate) fn summary(root: &Path) -> Result<String> {
    let text = fs::read_to_string(root.join(SUMMARY)).context("cannot read the summary of the book")?;
    let end = text.find(INDEX).context("the summary lacks the line of the error pages")? + INDEX.len();
    let list: String = titles(root)?.iter().map(|(name, title)| format!("  - [{title}](errors/{name})\n")).collect();
    Ok(format!("{}{list}", &text[..end]))
}

/// Codes without a page, and pages without a code.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut codes = BTreeSet::new();
    // The strings of this very file would look like codes.
    let ours = |it: &PathBuf| it.starts_with(root.join("crates"));
    for file in sources::rust_files(root)?.into_iter().filter(ours) {
        let text = fs::read_to_string(&file)?;
        if text.contains("macro_rules! codes") {
            codes.extend(diagnostics(&text));
        }
        codes.extend(named(&text));
    }
    let pages: BTreeSet<String> =
        titles(root)?.iter().map(|(name, _)| name.trim_end_matches(".md").to_owned()).collect();
    let missing = codes.difference(&pages).map(|it| format!("the error `{it}` has no page: write {FOLDER}/{it}.md"));
    let orphans = pages.difference(&codes).map(|it| format!("{FOLDER}/{it}.md is the page of no error"));
    Ok(missing.chain(orphans).collect())
}

/// The codes of diagnostics: a line each, `"DL0101" Name "title"`.
fn diagnostics(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().filter_map(|it| it.trim().strip_prefix('"'));
    let codes = lines.filter_map(|it| it.split_once('"')).map(|(code, _)| code);
    codes.filter(|it| it.starts_with("DL") && it.len() == 6).map(str::to_owned)
}

/// The strings in the function that names errors.
fn named(text: &str) -> Vec<String> {
    let Some((_, body)) = text.split_once("pub fn code(&self) -> &'static str {") else { return Vec::new() };
    let body = body.split("\n    }\n").next().unwrap_or_default();
    body.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_off_the_sources() {
        let text = "    pub fn code(&self) -> &'static str {\n        match self {\n            A => \"a-b\",\n            B => \"c\",\n        }\n    }\n\n    \"no\"\n";
        assert_eq!(named(text), ["a-b", "c"]);
        assert_eq!(diagnostics("    \"DL0101\" Yaml \"title\"\n    \"other\"\n").collect::<Vec<_>>(), ["DL0101"]);
    }
}
