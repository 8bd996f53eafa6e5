//! How problems look, to people and to machines.

use drawloom_lang::{Colour, Source, parse, render, to_json};
use insta::{assert_json_snapshot, assert_snapshot};

use crate::said::shown;

const DOCUMENT: &str = "\
drawloom: 1
name: ünicode
steps:
  - { id: ä, uses: log }   # an id of other letters
  - id: a
    id: b
    uses: log
    timeout: soon
";

#[test]
fn the_source_is_underlined() {
    assert_snapshot!(shown(DOCUMENT));
}

#[test]
fn colours_are_for_terminals_only() {
    let sources = [Source::new("flow.yaml", "steps: x")];
    let (_, problems) = parse(&sources[0]);
    assert!(render(&problems, &sources, Colour::On).contains('\u{1b}'));
    assert!(!render(&problems, &sources, Colour::Off).contains('\u{1b}'));
}

#[test]
fn machines_get_places_in_characters() {
    let sources = [Source::new("flow.yaml", DOCUMENT)];
    let (_, problems) = parse(&sources[0]);
    assert_json_snapshot!(to_json(&problems, &sources));
}

#[test]
fn far_labels_and_long_lines_are_shown_apart() {
    let far = format!("drawloom: 1\nname: t\n{}name: u\nsteps: []\n", "# comment\n".repeat(100));
    assert_snapshot!(shown(&far));
    let long = format!(
        "drawloom: 1\nname: t\nvars: {{a: {}}}\nsteps: []\nfoo: {{b: {}}}",
        "x".repeat(9_000),
        "y".repeat(9_000)
    );
    assert_snapshot!(shown(&long));
}
