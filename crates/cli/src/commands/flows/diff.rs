//! `drawloom flows diff`: two documents, line by line.

use std::path::Path;

use console::style;
use serde_json::json;

use super::document;
use crate::{failure::Failure, flow, output, workshop::Workshop};

/// How a line differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Same,
    Gone,
    New,
}

/// Documents with more lines are not compared: the table of the comparison has lines times lines.
const LINES_MAX: usize = 5_000;
/// So many lines that are the same are shown around those that differ.
const AROUND: usize = 3;

pub(super) async fn say(workshop: &Workshop, old: &str, new: &str) -> Result<(), Failure> {
    let (before, after) = (text(workshop, old).await?, text(workshop, new).await?);
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    if before.len().max(after.len()) > LINES_MAX {
        return Err(Failure::usage(format!("documents of more than {LINES_MAX} lines are not compared")));
    }
    let changes = compare(&before, &after);
    if workshop.settings.json {
        let of = |wanted| changes.iter().filter(|(it, _)| *it == wanted).map(|(_, line)| *line).collect::<Vec<_>>();
        output::json(&json!({ "old": old, "new": new, "removed": of(Change::Gone), "added": of(Change::New) }));
        return Ok(());
    }
    let near = |at: usize| {
        let from = at.saturating_sub(AROUND);
        changes[from..(at + AROUND + 1).min(changes.len())].iter().any(|(it, _)| *it != Change::Same)
    };
    let mut hidden = false;
    for (at, (change, line)) in changes.iter().enumerate() {
        match change {
            Change::Same if near(at) => output::line(&format!("  {line}")),
            Change::Same => hidden = true,
            Change::Gone => output::line(&style(format!("- {line}")).red().to_string()),
            Change::New => output::line(&style(format!("+ {line}")).green().to_string()),
        }
        if hidden && changes.get(at + 1).is_some() && near(at + 1) {
            output::line(&style("  …").dim().to_string());
            hidden = false;
        }
    }
    Ok(())
}

async fn text(workshop: &Workshop, name: &str) -> Result<String, Failure> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(flow::read(path)?.text().to_owned());
    }
    Ok(document(workshop, name).await?.1)
}

/// The lines of both, with the longest run of lines that they share in common.
fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(Change, &'a str)> {
    // `longest[i][j]`: how many lines the rests from `i` and `j` on have in common.
    let wide = new.len() + 1;
    let mut longest = vec![0_u32; (old.len() + 1) * wide];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * wide + j] = if old[i] == new[j] {
                longest[(i + 1) * wide + j + 1] + 1
            } else {
                longest[(i + 1) * wide + j].max(longest[i * wide + j + 1])
            };
        }
    }
    let (mut i, mut j, mut all) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            all.push((Change::Same, old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && longest[(i + 1) * wide + j] >= longest[i * wide + j + 1]) {
            all.push((Change::Gone, old[i]));
            i += 1;
        } else {
            all.push((Change::New, new[j]));
            j += 1;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_common_stay() {
        use Change::{Gone, New, Same};
        let all = compare(&["a", "b", "c"], &["a", "x", "c", "d"]);
        assert_eq!(all, [(Same, "a"), (Gone, "b"), (New, "x"), (Same, "c"), (New, "d")]);
        assert!(compare(&[], &[]).is_empty());
    }
}
