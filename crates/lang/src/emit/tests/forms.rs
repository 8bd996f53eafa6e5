//! Golden blueprints of every step form, plain and optimised.

use super::plain;
use crate::{Optimise, explain, optimise::optimise};

/// Compares the plain and the optimised form of a flow with what was approved.
fn golden(name: &str, steps: &str) {
    let document = format!("drawloom: 1\nname: {name}\nvars: {{ limit: 3, on: true }}\nsteps:\n{steps}");
    golden_document(name, &document);
}

fn golden_document(name: &str, document: &str) {
    let before = plain(document);
    let plain = explain::text(&before, &[]);
    let (after, passes) = optimise(before, Optimise::On);
    let optimised = explain::text(&after, &passes);
    insta::assert_snapshot!(name, format!("{document}\n=== plain\n{plain}\n=== optimised\n{optimised}"));
}

#[test]
fn a_task() {
    golden(
        "task",
        r#"
  - id: fetch
    name: Fetch it
    uses: http
    with: { url: "https://x/{{ inputs.day }}", headers: { authorization: "Bearer {{ secrets.TOKEN }}" } }
    retry: { attempts: 5, delay: 1s, backoff: 2.0, max_delay: 60s, jitter: 0.1, on: [timeout, unavailable] }
    timeout: 30s
    cache: { ttl: 1h, key: "{{ inputs.day }}" }
    queue: big
    priority: 5
    compensate:
      - { id: undo, uses: shell, with: { command: "undo {{ fetch.body.id }}" } }
  - { id: note, uses: log, with: { message: "limit {{ vars.limit }}" }, on_failure: continue }
"#,
    );
}

#[test]
fn branches() {
    golden(
        "parallel",
        "
  - id: publish
    timeout: 1m
    join: any
    parallel:
      mail: [ { id: send, uses: http, with: { url: x } } ]
      audit: [ { id: note, uses: log, with: { message: done } } ]
  - id: listed
    join: 1
    parallel:
      - [ { id: one, uses: log } ]
      - []
",
    );
}

#[test]
fn conditions() {
    golden(
        "switch",
        r#"
  - id: a
    if: "{{ inputs.x > vars.limit }}"
    then: [ { id: b, uses: log } ]
    else: [ { id: c, uses: log } ]
  - { id: d, if: "{{ not vars.on }}", then: [ { id: e, uses: log, with: { message: gone } } ] }
  - id: f
    switch:
      - { when: "{{ inputs.x }}", do: [ { id: g, uses: log } ] }
      - { when: "{{ 1 > 2 }}", do: [ { id: h, if: "{{ inputs.x }}", then: [ { id: i, uses: log } ] } ] }
      - { when: "{{ vars.on }}", do: [ { id: j, uses: log } ] }
      - { do: [ { id: k, uses: log } ] }
  - { id: l, uses: log, when: "{{ vars.limit == 4 }}" }
  - { id: m, uses: log, when: "{{ vars.on }}" }
"#,
    );
}

#[test]
fn repetition() {
    golden(
        "repeat",
        r#"
  - id: each
    for_each: { in: "{{ inputs.items }}", as: order, index: at, concurrency: 50, batch: "{{ 1 + 1 }}", on_failure: continue }
    do:
      - { id: score, set: { total: "{{ order.total * 2 }}" } }
      - { id: note, uses: log, with: { message: "{{ score.total }} {{ at }}" } }
  - id: one
    for_each: { in: [1, 2], concurrency: 1 }
    do:
      - { id: x, set: { y: "{{ item }}" } }
      - { id: z, uses: log, with: { message: "{{ x.y }}" } }
  - id: poll
    loop: { until: "{{ status.done }}", while: "{{ inputs.go }}", every: 5s }
    do: [ { id: status, uses: http, with: { url: x } } ]
"#,
    );
}

#[test]
fn rescue() {
    golden(
        "try",
        r#"
  - id: careful
    try: [ { id: risky, uses: shell, with: { command: "false" } } ]
    catch: [ { id: say, uses: log, with: { message: "{{ error.message }}" } } ]
    finally: [ { id: clean, uses: shell, with: { command: rm } } ]
  - { id: simple, try: [ { id: again, uses: shell, with: { command: "true" } } ] }
"#,
    );
}

#[test]
fn waits_and_ends() {
    golden(
        "waits",
        r#"
  - { id: nap, wait: { for: 5s } }
  - { id: later, wait: { until: "{{ inputs.at }}" } }
  - { id: signalled, wait: { signal: "go-{{ inputs.x }}", timeout: 1h } }
  - { id: called, wait: { webhook: {} } }
  - { id: approved, wait: { approval: Ship it? } }
  - { id: calc, set: { a: 1, b: "{{ inputs.x }}" } }
  - { id: bad, fail: "no {{ calc.a }}", when: "{{ inputs.bad }}" }
  - { id: good, stop: enough, when: "{{ inputs.good }}" }
"#,
    );
}

#[test]
fn sub_flows() {
    golden(
        "flows",
        r#"
  - { id: newest, flow: other, with: { x: "{{ inputs.x }}" } }
  - { id: fixed, flow: other@3, detach: true }
"#,
    );
}

#[test]
fn groups_and_needs() {
    golden(
        "graph",
        r#"
  - { id: a, uses: shell, with: { command: a } }
  - { id: b, uses: shell, with: { command: b }, needs: [a] }
  - { id: c, uses: shell, with: { command: c }, needs: [a, b] }
  - id: g
    group:
      - { id: d, uses: log, needs: [a, c] }
      - { id: e, uses: log, when: "{{ inputs.x }}" }
  - { id: f, uses: log, needs: [g, a], run_if: none_failed }
"#,
    );
}

#[test]
fn a_chain_of_inline_steps() {
    golden(
        "fused",
        r#"
  - { id: a, set: { x: "{{ vars.limit * 2 }}" } }
  - { id: b, uses: log, with: { message: "{{ a.x }}" } }
  - { id: c, uses: log, with: { message: [ "{{ vars.limit }}", "{{ vars.missing }}" ] }, run_if: one_failed }
  - { id: d, loop: { while: "{{ inputs.x }}" }, do: [ { id: e, uses: log }, { id: f, uses: log } ] }
  - { id: h, parallel: [ [ { id: i, uses: log }, { id: j, uses: log } ], [] ] }
"#,
    );
}

#[test]
fn everything_around_the_steps() {
    golden_document(
        "header",
        r#"
drawloom: 1
name: header
description: All of it.
labels: { team: data, day: "{{ inputs.day }}" }
inputs:
  day: { type: string, format: date }
  limit: { type: integer, minimum: 1, default: 100 }
vars: { factor: 2 }
limits:
  parallel_steps: 64
  timeout: 2h
  on_failure: stop
  concurrency: { max: 4, key: "{{ inputs.day }}", when_full: reject }
triggers:
  - { cron: "0 2 * * MON-FRI", timezone: Europe/Berlin, overlap: skip, with: { limit: 500 } }
steps: []
outputs:
  twice: "{{ inputs.limit * vars.factor }}"
  two: "{{ vars.factor }}"
"#,
    );
}
