//! Writes the generated pages, or says which are out of date.
//!
//! **Invariant:** `Mode::Check` changes no file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{code_map, error_pages, reference, sources};

/// Folders of which every file is generated.
const GENERATED: &str = "docs/src/reference";

/// What to do with a page that is out of date.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Check,
}

pub(crate) fn run(root: &Path, mode: Mode) -> Result<Vec<String>> {
    let mut wanted = vec![(root.join("ARCHITECTURE.md"), code_map::architecture(root)?)];
    wanted.push((root.join("docs/src/SUMMARY.md"), error_pages::summary(root)?));
    let pages = reference::pages(root)?;
    wanted.extend(pages.into_iter().map(|(name, text)| (root.join(GENERATED).join(name), text)));
    let mut problems = Vec::new();
    for (path, text) in &wanted {
        let name = sources::relative(root, path);
        if fs::read_to_string(path).is_ok_and(|it| it == *text) {
            continue;
        }
        match mode {
            Mode::Check => problems.push(format!("{name} is out of date: run `cargo xtask codegen`")),
            Mode::Write => {
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::write(path, text).with_context(|| format!("cannot write {name}"))?;
                eprintln!("wrote {name}");
            }
        }
    }
    for path in files_below(&root.join(GENERATED))? {
        if wanted.iter().any(|(it, _)| *it == path) {
            continue;
        }
        let name = sources::relative(root, &path);
        match mode {
            Mode::Check => problems.push(format!("{name} is not generated any more: run `cargo xtask codegen`")),
            Mode::Write => fs::remove_file(&path).with_context(|| format!("cannot remove {name}"))?,
        }
    }
    Ok(problems)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        let Ok(entries) = fs::read_dir(&at) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}
