//! Names, filters, tests and functions in expressions.

use super::{check, check_flow};

#[test]
fn unknown_names_are_compared_with_known_ones() {
    check(
        r#"{id: fetch, uses: http, with: {url: x}},
        {id: a, set: {a: "{{ fecth.body }}", b: "{{ steps.fetch.body }}", c: "{{ null }}", d: "{{ name }}",
            e: "{{ env.HOME }}", f: "{{ zzz }}", g: "{{ now }}", h: "{{ input.n }}"}}"#,
        r#""#,
    );
}

#[test]
fn members_that_are_known_are_checked() {
    check_flow(
        r#"drawloom: 1
name: test
inputs: { limit: integer, day: string }
vars: { region: eu }
steps:
  - id: sum
    set: { total: "{{ inputs.limt + 1 }}", where: "{{ vars.regoin }}{{ vars.region.a }}" }
  - id: both
    parallel: { left: [{ id: l, set: {} }], right: [{ id: r, set: {} }] }
  - id: use
    set:
      a: "{{ sum.totl }}"
      b: "{{ both.lft.x }}{{ both['right'] }}"
      c: "{{ run.ids }}{{ run.started_at }}{{ run.zzz }}"
      d: "{{ inputs['dya'] }}{{ inputs.zzz | default(1) }}"
      e: "{{ sum.nope | default(1) }}{{ sum.nope is defined }}"
"#,
        r#""#,
    );
    check_flow(r#"{drawloom: 1, name: test, steps: [{id: a, set: {a: "{{ inputs.x }}", b: "{{ vars.x }}"}}]}"#, r#""#);
}

#[test]
fn filters_tests_and_functions_are_known_and_get_what_they_take() {
    check(
        r#"{id: a, set: {
            a: "{{ inputs.n | lenght }}", b: "{{ inputs.n | len }}", c: "{{ inputs.n is define }}",
            d: "{{ length(inputs.n) }}", e: "{{ rnage(3) }}", f: "{{ inputs.name.upper() }}",
            g: "{{ inputs.n | map('uper') }}", h: "{{ inputs.n | select('odd') | reject('nope') | selectattr('a', '==', 1) }}",
            i: "{{ inputs.n | replace('a') }}", j: "{{ inputs.n | join(', ', 'a', 3) }}", k: "{{ inputs.n is divisibleby }}",
            l: "{{ now(1) }}{{ range() }}{{ range(1, 2, 3) }}{{ dict(a=1) }}", m: "{{ (inputs.n)(1) }}",
            n: "{{ inputs.n | sort(attribute='x') | sum(attribute='y') | round(2) | default('a', true) }}",
            o: "{{ inputs.n | safe }}", p: "{{ inputs.n | odd }}"}}"#,
        r#""#,
    );
}

#[test]
fn faults_of_syntax_are_reported_wherever_they_stand() {
    check(
        r#"{id: a, when: "{{ inputs.n > }}", uses: http, with: {url: "x{{ }}", headers: {a: ["{{ inputs.n"]}}}"#,
        r#""#,
    );
}

#[test]
fn conditions_are_expressions() {
    check(
        r#"{id: a, when: "inputs.n > 3", set: {}}, {id: b, when: "true", set: {}}, {id: c, when: "{{ inputs.n }} > 3", set: {}},
        {id: d, if: true, then: []}, {id: e, when: "{{ 1 > 2 }}", set: {}}, {id: f, when: "{{ inputs.n > 3 }}", set: {}},
        {id: g, switch: [{when: "{{ 1 }}", do: []}, {when: "{{ inputs.n > 1 }}", do: []}, {do: []}]}"#,
        r#""#,
    );
}

#[test]
fn what_looks_like_another_language_is_pointed_at() {
    check(
        r#"{id: a, set: {a: "${{ inputs.n }}", b: "{% if x %}y{% endif %}"}},
        {id: b, uses: shell, with: {command: "echo ${#x} ${HOME} %{http_code}"}},
        {id: c, name: "for {{ inputs.n }}", set: {}}"#,
        r#""#,
    );
}

#[test]
fn constants_hold_no_expressions() {
    check_flow(
        r#"drawloom: 1
name: test
inputs: { a: { type: string, default: "{{ run.id }}" } }
vars: { b: ["{{ inputs.a }}"] }
steps: [{ id: s, set: {} }]
"#,
        r#""#,
    );
}
