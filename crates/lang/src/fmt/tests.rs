//! What formatting does to whole documents, and what it must not do to any.

mod messy;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use messy::Messy;

fn formatted(text: &str) -> String {
    format(&Source::new("flow.yaml", text)).expect("a document")
}

/// Checks the canonical form of a text, and that formatting it again changes nothing.
fn check(text: &str, expected: &str) {
    let once = formatted(text);
    assert_eq!(once, expected, "\n--- made of\n{text}\n--- is\n{once}");
    assert_eq!(formatted(&once), once, "formatting again changes it");
}

#[test]
fn indentation_lists_and_blank_lines() {
    check(
        "drawloom:   1\nname: x   \n\n\n\nsteps:\n-   id: a\n    uses:   log\n    with:\n         message: hi\n\n\n-   id: b\n    fail: no\n",
        "drawloom: 1\nname: x\n\nsteps:\n  - id: a\n    uses: log\n    with:\n      message: hi\n\n  - id: b\n    fail: no\n",
    );
}

#[test]
fn comments_stay_with_what_they_are_about() {
    let text = "# the file\n\n# the version\ndrawloom: 1 # one\nname: x # two\nsteps: # all of them\n  # first\n  - id: a # its id\n    # the kind\n    uses: log\n    with: # parameters\n      message: hi\n      # end of with\n    # end of a\n  # second\n  - id: b\n    fail: no\n# the end\n";
    check(text, text);
}

#[test]
fn comments_at_odd_places_survive() {
    check(
        "a:    # head\n      # above\n   b: 1     # one\nc:\n- # dash\n  d: [ 1, # first\n   2 ]\n",
        "a: # head\n  # above\n  b: 1 # one\nc:\n  - # dash\n    d:\n      - 1 # first\n      - 2\n",
    );
}

#[test]
fn brackets_stay_where_they_fit() {
    check("a: {x:   1,y: [ 1,2 , 3 ]}\nb: [  ]\nc: {}\n", "a: { x: 1, y: [1, 2, 3] }\nb: []\nc: {}\n");
    let long = "l".repeat(60);
    check(
        &format!("with: {{ first: {long}, second: {{ third: {long} }} }}\n"),
        &format!("with:\n  first: {long}\n  second: {{ third: {long} }}\n"),
    );
    check("with: { url: \"x\",\n        args: { a: 1 } }\n", "with: { url: \"x\", args: { a: 1 } }\n");
}

#[test]
fn quotes_are_changed_only_where_that_is_safe() {
    check(
        "a: 'plain'\nb: 'say \"hi\"'\nc: 'it''s'\nd: 'back\\slash'\ne: \"kept\"\n'f': 1\n",
        "a: \"plain\"\nb: 'say \"hi\"'\nc: 'it''s'\nd: 'back\\slash'\ne: \"kept\"\n\"f\": 1\n",
    );
}

#[test]
fn block_scalars_keep_every_line() {
    check(
        "steps:\n- id: a\n  uses: shell\n  with:\n      command: |-\n           if true; then\n             echo hi   # no comment\n           fi\n\n      stdin: >+ # folded\n          one\n          two\n\nname: x\n",
        "steps:\n  - id: a\n    uses: shell\n    with:\n      command: |-\n        if true; then\n          echo hi   # no comment\n        fi\n\n      stdin: >+ # folded\n        one\n        two\n\nname: x\n",
    );
    check("a: |4\n      two more\n    none\n", "a: |2\n    two more\n  none\n");
}

#[test]
fn the_id_comes_first_in_a_step_but_not_in_data() {
    check(
        "steps:\n  - uses: log\n    id: a\n    with: { name: n, id: 1 }\n  - { for_each: { in: [1] }, id: b, do: [{ uses: log, id: c }] }\n",
        "steps:\n  - id: a\n    uses: log\n    with: { name: n, id: 1 }\n  - { id: b, for_each: { in: [1] }, do: [{ id: c, uses: log }] }\n",
    );
    let noted = "steps:\n  - uses: log\n    # why\n    id: a\n";
    check(noted, noted);
}

#[test]
fn json_stays_json() {
    check("{\"a\":1,\n\"b\":[1,2]}", "{ \"a\": 1, \"b\": [1, 2] }\n");
    check("{\n\"a\":1,\"b\":{\n\"x\":[]}}", "{\n  \"a\": 1,\n  \"b\": {\n    \"x\": []\n  }\n}\n");
    let long = "l".repeat(99);
    check(&format!("{{\"a\":\"{long}\",\"b\":[1]}}"), &format!("{{\n  \"a\": \"{long}\",\n  \"b\": [1]\n}}\n"));
    for text in ["{\"a\":1,\n\"b\":[1,2]}", &format!("{{\"a\":\"{long}\",\"b\":[1,{{\n\"c\":null}}]}}")] {
        let before: Json = serde_json::from_str(text).expect("JSON");
        assert_eq!(serde_json::from_str::<Json>(&formatted(text)).expect("still JSON"), before);
    }
}

#[test]
fn anchors_stay() {
    check("a: &x\n    b: 1\nc:   *x\nd: [ &y 1, *y ]\n", "a: &x\n  b: 1\nc: *x\nd: [&y 1, *y]\n");
}

#[test]
fn what_cannot_be_formatted_safely_stays_as_it_is() {
    for text in ["just   a text\n", "'quoted'  # note\n"] {
        assert_eq!(formatted(text), text);
    }
}

#[test]
fn a_document_that_cannot_be_read_is_refused() {
    assert!(format(&Source::new("x", "a: [1")).is_err());
    assert!(format(&Source::new("x", "a: 1\na: 2\n")).is_err());
}

/// Block scalars whose last lines count, before another key: found by chance.
#[test]
fn lines_that_are_kept_stay_as_many() {
    check("a:\n   b: |+\n      x\n\n   c: 1\n", "a:\n  b: |+\n    x\n\n  c: 1\n");
    check("a: |1\n  x\n \n   \nb: 1\n", "a: |2\n   x\n\n    \nb: 1\n");
    check("- a: |+\n\n\n  b: 1\n", "- a: |+\n\n\n  b: 1\n");
    check("{ a: 1, 'b\n c' : 2, d\n\n e: 3 }\n", "{ a: 1, \"b c\": 2, \"d\\ne\": 3 }\n");
    for text in ["a: |", "a: |\n", "b: 1\na: |+ # c", "a: >\n  "] {
        let before = value(&Source::new("x", text)).expect("readable");
        assert!(canonical(&Source::new("x", text), &before).is_some(), "{text}");
    }
    let lines = serde_json::json!({ "a": { "a": "a\n\n", "b": null }, "b": { "a": ":\n\n", "b": 0 } });
    for seed in (0..2_000).chain([1_117_379_496_349_738_754, 5_444_585_889_312_646_422]) {
        unchanged(&lines, seed);
    }
}

/// Writes a value in some style, and checks that formatting changes the style alone.
fn unchanged(it: &Json, seed: u64) {
    let text = Messy::new(seed).write(it);
    let source = Source::new("x", text.as_str());
    let before = value(&source).unwrap_or_else(|it| panic!("{text}\n{it:?}"));
    assert_eq!(before, Value::from(it.clone()), "\n{text}");
    let Some(once) = canonical(&source, &before) else {
        let made = read::read(&text).map(|it| print::print(&it)).unwrap_or_default();
        panic!("left as it is:\n{text}\n--- was to become\n{made}");
    };
    let again = Source::new("x", once.as_str());
    assert_eq!(value(&again).expect("readable"), before, "\n{once}");
    assert_eq!(comments::texts(&once), comments::texts(&text));
    assert_eq!(canonical(&again, &before), Some(once), "made of\n{text}");
}

fn json() -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        "[a-z]{0,8}",
        "[ -~]{0,20}",
        Just("{{ a.b }}".to_owned()),
        Just("true".to_owned()),
        Just("1.5".to_owned()),
        Just("- x".to_owned()),
        Just("#".to_owned()),
        "[a-zé \\n\\t:#'\"\\\\-]{0,30}",
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e6..1e6).prop_map(Json::from),
        text.clone().prop_map(Json::from),
    ];
    let value = leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec(("[a-z_]{1,6}", inner.clone()), 0..6)
                .prop_map(|it| it.into_iter().collect::<serde_json::Map<_, _>>().into()),
            prop::collection::vec((text.clone(), inner), 0..3)
                .prop_map(|it| it.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    });
    prop::collection::vec(("[a-z_]{1,6}", value), 1..6)
        .prop_map(|it| it.into_iter().collect::<serde_json::Map<_, _>>().into())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(it in json()) {
        let text = to_yaml(&it);
        let value = value(&Source::new("x", text.as_str()));
        let value = value.unwrap_or_else(|it| panic!("{text}\n{it:?}"));
        prop_assert_eq!(value, Value::from(it), "\n{}", text);
    }

    #[test]
    fn formatting_changes_nothing_but_the_form(it in json(), seed in any::<u64>()) {
        unchanged(&it, seed);
    }

    #[test]
    fn no_text_is_too_odd(text in "[ -~\\n\\t#:{}\\[\\]'\"|>&*-]{0,60}") {
        let source = Source::new("x", text.as_str());
        if let Ok(once) = format(&source) {
            let again = Source::new("x", once.as_str());
            prop_assert_eq!(value(&again).expect("readable"), value(&source).expect("readable"));
        }
        if let Ok(before) = value(&source) && (before.as_object().is_some() || before.as_list().is_some()) {
            prop_assert!(canonical(&source, &before).is_some(), "left as it is");
        }
    }
}
