//! The habits of CONTRIBUTING.md that a machine can see: size of files, words at their head, width of traits.
//!
//! **Invariant:** an exception is named here with its reason, or there is none.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The most lines of a file that are not tests.
const FILE_LINES_MAX: usize = 600;

/// The most methods of a trait.
const TRAIT_METHODS_MAX: usize = 12;

/// Files that may be longer, each with the reason.
const LONGER: &[(&str, &str)] = &[];

pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in rust_files(root)? {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = relative(root, &file);
        if !text.starts_with("//!") && !is_test(&name) {
            problems.push(format!("{name} does not open with `//!` and what it is for"));
        }
        let lines = counted_lines(&name, &text);
        let excepted = LONGER.iter().any(|(path, _)| *path == name);
        if lines > FILE_LINES_MAX && !excepted {
            problems.push(format!("{name} has {lines} lines, more than {FILE_LINES_MAX}"));
        }
        for (title, methods) in traits(&text) {
            if methods > TRAIT_METHODS_MAX {
                problems.push(format!("{name}: trait {title} has {methods} methods, more than {TRAIT_METHODS_MAX}"));
            }
        }
    }
    Ok(problems)
}

/// All Rust sources of the workspace, in order.
pub(crate) fn rust_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![root.join("crates"), root.join("xtask")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                if path.file_name().is_some_and(|it| it != "target" && it != "testdata") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|it| it == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The path from the root on, with `/`.
pub(crate) fn relative(root: &Path, file: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).to_string_lossy().replace('\\', "/")
}

/// Whether a file holds tests only.
pub(crate) fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("/tests.rs") || name.contains("/benches/")
}

fn counted_lines(name: &str, text: &str) -> usize {
    if is_test(name) {
        return 0;
    }
    text.lines().take_while(|line| *line != "mod tests {").count()
}

/// Names of the traits of a file, and how many methods each has. rustfmt puts a trait's end at the line's start.
fn traits(text: &str) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let opens = line.strip_prefix("pub trait ").or_else(|| line.strip_prefix("pub(crate) trait "));
        if let Some(rest) = opens.or_else(|| line.strip_prefix("trait ")) {
            let title: String = rest.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
            found.push((title, 0));
            inside = !line.ends_with('}');
        } else if line.starts_with('}') {
            inside = false;
        } else if inside
            && (line.starts_with("    fn ") || line.starts_with("    async fn "))
            && let Some(last) = found.last_mut()
        {
            last.1 += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traits_and_lines_are_counted() {
        let text = "//! x\npub trait One {}\ntrait Two: Send {\n    fn a();\n    async fn b() {\n        1\n    }\n}\nfn c() {}\n";
        assert_eq!(traits(text), [("One".to_owned(), 0), ("Two".to_owned(), 2)]);
        assert_eq!(counted_lines("crates/a/src/b.rs", "a\nb\nmod tests {\nc\n"), 2);
        assert_eq!(counted_lines("crates/a/tests/all.rs", text), 0);
    }
}
