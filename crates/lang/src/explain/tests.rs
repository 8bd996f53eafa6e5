use crate::{Optimise, emit::tests::plain, optimise::optimise};

#[test]
fn the_json_form_is_stable() {
    let before = plain(
        r#"
drawloom: 1
name: shown
labels: { team: data }
inputs: { x: { type: integer, default: 1 } }
vars: { on: true }
limits: { concurrency: { max: 2, key: "{{ inputs.x }}" } }
steps:
  - { id: a, name: First, uses: shell, with: { command: "echo {{ inputs.x }}" }, retry: { attempts: 2 } }
  - id: b
    when: "{{ vars.on }}"
    for_each: { in: "{{ a.lines }}" }
    do: [ { id: c, set: { y: "{{ item }}" } } ]
  - { id: d, switch: [ { when: "{{ inputs.x > 1 }}", do: [] }, { do: [ { id: e, fail: "no" } ] } ] }
outputs: { all: "{{ b }}" }
"#,
    );
    let (after, passes) = optimise(before, Optimise::On);
    let json = super::json(&after, &passes);
    insta::assert_snapshot!("json", serde_json::to_string_pretty(&json).expect("JSON"));
}

#[test]
fn long_texts_are_cut_at_a_character() {
    let text = "ü".repeat(500);
    assert_eq!(super::shorten(&text).chars().count(), 201);
    assert_eq!(super::shorten("short"), "short");
}
