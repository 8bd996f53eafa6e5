//! The code map of ARCHITECTURE.md: each source file with the first sentence that it says of itself.
//!
//! **Invariant:** the map is read off the files; nobody writes it by hand, so it cannot be out of date.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};

use crate::sources;

const BEGIN: &str = "<!-- code map: written by `cargo xtask codegen` -->\n";
const END: &str = "<!-- end of the code map -->\n";

/// ARCHITECTURE.md with the map of today between its marks.
pub(crate) fn architecture(root: &Path) -> Result<String> {
    let path = root.join("ARCHITECTURE.md");
    let text = fs::read_to_string(&path).context("cannot read ARCHITECTURE.md")?;
    let begin = text.find(BEGIN).context("ARCHITECTURE.md lacks the mark where the code map begins")? + BEGIN.len();
    let end = text.find(END).context("ARCHITECTURE.md lacks the mark where the code map ends")?;
    Ok(format!("{}{}{}", &text[..begin], map(root)?, &text[end..]))
}

fn map(root: &Path) -> Result<String> {
    let mut crates: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for file in sources::rust_files(root)? {
        let name = sources::relative(root, &file);
        let Some((folder, inner)) = name.split_once("/src/") else { continue };
        if sources::is_test(&name) {
            continue;
        }
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {name}"))?;
        crates.entry(folder.to_owned()).or_default().push((inner.to_owned(), sentence(&text)));
    }
    let mut out = String::new();
    for (folder, mut files) in crates {
        files.sort_by_key(|(name, _)| (name != "lib.rs" && name != "main.rs", name.trim_end_matches(".rs").to_owned()));
        out.push_str(&format!("\n### `{folder}`\n\n| file | what it is for |\n|---|---|\n"));
        for (name, what) in files {
            out.push_str(&format!("| [{name}]({folder}/src/{name}) | {what} |\n"));
        }
    }
    out.push('\n');
    Ok(out)
}

/// The first paragraph of a file's own words.
fn sentence(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let paragraph: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ").replace('|', "\\|");
    // Links to items make sense in the crate's own documentation only.
    let mut out = String::new();
    let mut rest = paragraph.as_str();
    while let Some((before, link)) = rest.split_once('[') {
        out.push_str(before);
        let Some((title, after)) = link.split_once(']') else {
            out.push_str(link);
            return out;
        };
        out.push_str(title);
        rest = match after.strip_prefix('(').and_then(|it| it.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_paragraph_without_links_is_the_sentence() {
        let text = "//! What [`Run`](crate::Run) and [it] is,\n//! in a | few words.\n//!\n//! More.\n\nuse x;\n";
        assert_eq!(sentence(text), "What `Run` and it is, in a \\| few words.");
    }
}
