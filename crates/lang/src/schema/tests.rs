//! The schema against the reader, and against documents good and bad.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::*;
use crate::{Code, KindInfo, Placement, Source, parse};

fn kinds() -> Kinds {
    let log = json!({
        "type": "object",
        "properties": { "message": {}, "level": { "type": "string", "enum": ["debug", "info", "warn", "error"] } },
        "required": ["message"],
        "additionalProperties": false
    });
    let any = json!({ "type": "object" });
    let kind = |name: &str, schema: Json| KindInfo {
        name: name.to_owned(),
        placement: Placement::Worker,
        place: None,
        schema,
    };
    Kinds::new([kind("log", log), kind("http", any.clone()), kind("shell", any.clone()), kind("code", any)])
}

fn problems(document: &Json) -> Vec<String> {
    let validator = jsonschema::draft202012::new(&schema(&kinds())).expect("a schema");
    validator.iter_errors(document).map(|it| format!("{}: {it}", it.instance_path())).collect()
}

/// A document as the reader reads it.
fn document(text: &str) -> Json {
    let mut problems = Vec::new();
    let node = crate::parse::read(&Source::new("x", text), &mut problems).expect("a document");
    (&node.to_value()).into()
}

/// The keys that the reader knows where it finds one that it does not know: it lists them.
fn known_to_reader(text: &str) -> BTreeSet<String> {
    let (_, problems) = parse(&Source::new("x", text));
    let found = problems.iter().find(|it| it.code == Code::UnknownKey && it.message.contains("zzzzzzzz"));
    let help = found.and_then(|it| it.help.clone()).unwrap_or_else(|| panic!("{text}: {problems:?}"));
    let list = help.strip_prefix("known here: ").expect("a list of keys");
    list.split(", ").map(|it| it.trim_matches('`').to_owned()).collect()
}

fn keys(schema: &Json, pointer: &str) -> BTreeSet<String> {
    let properties = schema.pointer(pointer).and_then(|it| it.get("properties")).and_then(Json::as_object);
    properties.unwrap_or_else(|| panic!("no {pointer}")).keys().cloned().collect()
}

#[test]
fn the_schema_knows_the_keys_that_the_reader_knows() {
    let all = schema(&Kinds::default());
    let flow = |rest: &str| format!("drawloom: 1\nname: x\n{rest}\n");
    let step = |rest: &str| flow(&format!("steps:\n- {{ id: a, {rest} }}"));
    for (pointer, text) in [
        ("", flow("steps: []\nzzzzzzzz: 1")),
        ("/$defs/Defaults", flow("steps: []\ndefaults: { zzzzzzzz: 1 }")),
        ("/$defs/Limits", flow("steps: []\nlimits: { zzzzzzzz: 1 }")),
        ("/$defs/ConcurrencySettings", flow("steps: []\nlimits: { concurrency: { max: 1, zzzzzzzz: 1 } }")),
        ("/$defs/RetrySettings", flow("steps: []\ndefaults: { retry: { zzzzzzzz: 1 } }")),
        ("/$defs/CacheSettings", flow("steps: []\ndefaults: { cache: { ttl: 1s, zzzzzzzz: 1 } }")),
        ("/$defs/Trigger", flow("steps: []\ntriggers: [{ interval: 1s, zzzzzzzz: 1 }]")),
        ("/$defs/WebhookSettings", flow("steps: []\ntriggers: [{ webhook: { path: x, zzzzzzzz: 1 } }]")),
        ("/$defs/CatchupSettings", flow("steps: []\ntriggers: [{ cron: x, catchup: { window: 1d, zzzzzzzz: 1 } }]")),
        ("/$defs/Arm", step("switch: [{ do: [], zzzzzzzz: 1 }]")),
        ("/$defs/ForEachSettings", step("for_each: { in: [1], zzzzzzzz: 1 }, do: []")),
        ("/$defs/LoopSettings", step("loop: { while: true, zzzzzzzz: 1 }, do: []")),
        ("/$defs/WaitSettings", step("wait: { for: 1s, zzzzzzzz: 1 }")),
        ("/$defs/AskedSettings", step("wait: { approval: { zzzzzzzz: 1 } }")),
    ] {
        assert_eq!(keys(&all, pointer), known_to_reader(&text), "{pointer}");
    }
}

#[test]
fn the_schema_knows_which_keys_go_with_which_form() {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let common = step::members(&<step::Common as schemars::JsonSchema>::json_schema(&mut generator), "properties");
    let mut every: BTreeSet<String> = common.keys().cloned().collect();
    for (form, make) in step::FORMS {
        let own = step::members(&make(&mut generator), "properties");
        let keys: BTreeSet<String> = own.keys().chain(common.keys()).cloned().collect();
        let text = format!("drawloom: 1\nname: x\nsteps:\n- {{ id: a, {form}: [], zzzzzzzz: 1 }}\n");
        assert_eq!(keys, known_to_reader(&text), "{form}");
        every.extend(own.keys().cloned());
    }
    assert_eq!(keys(&schema(&Kinds::default()), "/$defs/Step"), every);
}

/// The flow that the language is explained with.
const ORDER_REPORT: &str = r#"
drawloom: 1
name: order-report
description: Scores yesterday's orders and reports them.
labels: { team: data }

inputs:
  day:   { type: string, format: date }
  limit: { type: integer, minimum: 1, default: 100 }

defaults: { timeout: 5m, retry: { attempts: 3 } }

limits:
  parallel_steps: 64
  timeout: 2h
  concurrency: { max: 4, key: "{{ inputs.day }}", when_full: queue }

triggers:
  - cron: "0 2 * * MON-FRI"
    timezone: Europe/Berlin
    overlap: skip
    catchup: { window: 1d }
    with: { limit: 500 }
  - webhook: { path: orders, method: POST, secret: "{{ secrets.ORDERS_HMAC }}", respond: accepted }

steps:
  - id: fetch
    uses: http
    with:
      url: "https://api.example.com/orders?day={{ inputs.day }}"
      headers: { authorization: "Bearer {{ secrets.API_TOKEN }}" }
    retry: { attempts: 5, delay: 1s, backoff: 2.0, max_delay: 60s, jitter: 0.1, on: [timeout, unavailable] }
    timeout: 30s
    cache: { ttl: 1h }

  - id: rates
    needs: []
    uses: shell
    with: { command: "curl -s https://rates.example.com | jq .eur" }

  - id: enrich
    needs: [fetch, rates]
    for_each: { in: "{{ fetch.body.items }}", as: order, concurrency: 50, on_failure: continue }
    do:
      - id: score
        uses: code
        with: { source: "export default ({order, eur}) => ({ ...order, score: order.total * eur })",
                args: { order: "{{ order }}", eur: "{{ rates.output }}" } }

  - id: size
    switch:
      - when: "{{ enrich | length > 100 }}"
        do: [ { id: big, uses: log, with: { message: "{{ enrich | length }} orders" } } ]
      - do: []

  - id: publish
    parallel:
      mail:  [ { id: send, uses: http, with: { url: "…", method: POST, body: "{{ enrich }}" } } ]
      audit: [ { id: note, uses: log,  with: { message: done } } ]

outputs:
  orders: "{{ enrich | length }}"
"#;

#[test]
fn documents_of_every_form_fit() {
    assert_eq!(problems(&document(ORDER_REPORT)), Vec::<String>::new());
    assert_eq!(problems(&example()), Vec::<String>::new());
    let forms = r#"
drawloom: 1
name: forms
inputs: { a: string, b: , c: { type: [string, "null"], default: x } }
limits: { concurrency: 3, on_failure: stop }
defaults: { retry: 5, cache: 1h, queue: q, priority: -3 }
triggers: [{ interval: 5m, catchup: 1d }, { webhook: hook }, { queue: { name: x } }, { dataset: d }, { flow: other }]
steps:
  - { id: a, uses: log, with: { message: hi, level: "{{ inputs.a }}" }, compensate: [{ id: b, stop: done }] }
  - { id: c, parallel: [[{ id: d, fail: 5 }], []], join: any }
  - { id: e, needs: c, if: true, then: [], else: [], when: "{{ a }}", run_if: all_done }
  - { id: f, for_each: "{{ inputs.c }}", do: [] }
  - { id: g, for_each: [1, 2], do: [] }
  - { id: h, loop: { until: "{{ true }}", max: "{{ 3 }}", every: 1m30s }, do: [] }
  - { id: i, flow: ./child.yaml, with: { a: 1 }, detach: true }
  - { id: j, wait: 5s }
  - { id: k, wait: { for: 90, timeout: 1h } }
  - { id: l, wait: { approval: { message: "ok?" } } }
  - { id: m, try: [], catch: [], finally: [] }
  - { id: n, group: [{ id: o, set: { x: 1 } }] }
outputs: { x: [1] }
"#;
    let (_, diagnostics) = parse(&Source::new("x", forms));
    assert!(diagnostics.iter().all(|it| !it.is_error()), "{diagnostics:?}");
    assert_eq!(problems(&document(forms)), Vec::<String>::new());
}

#[test]
fn documents_that_are_wrong_do_not_fit() {
    let flow = |rest: &str| format!("drawloom: 1\nname: x\n{rest}\n");
    let step = |rest: &str| flow(&format!("steps:\n- {{ id: a, {rest} }}"));
    for text in [
        "name: x\nsteps: []".to_owned(),
        "drawloom: 2\nname: x\nsteps: []".to_owned(),
        "drawloom: 1\nsteps: []".to_owned(),
        "drawloom: 1\nname: ''\nsteps: []".to_owned(),
        flow("steps: {}"),
        flow("steps: []\nextra: 1"),
        flow("steps: []\nlimits: { timeout: soon }"),
        flow("steps: []\nlimits: { timeout: 5 }"),
        flow("steps: []\nlimits: { parallel_steps: 0 }"),
        flow("steps: []\nlimits: { concurrency: { key: x } }"),
        flow("steps: []\ntriggers: [{ cron: x, interval: 5s }]"),
        flow("steps: []\ntriggers: [{ timezone: UTC }]"),
        flow("steps: [{ uses: log, with: { message: x } }]"),
        step("name: only a name"),
        step("uses: log, with: { message: x }, fail: both"),
        step("uses: nothing-like-it"),
        step("uses: log"),
        step("uses: log, with: {}"),
        step("uses: log, with: { message: x, unknown: 1 }"),
        step("uses: log, with: { message: x, level: loud }"),
        step("uses: log, with: { message: x }, join: all"),
        step("uses: log, with: { message: x }, timeout: 1.5s"),
        step("uses: log, with: { message: x }, retry: { on: [bad] }"),
        step("uses: log, with: { message: x }, run_if: sometimes"),
        step("if: true"),
        step("loop: { max: 3 }, do: []"),
        step("for_each: { as: x }, do: []"),
        step("wait: { for: 1s, signal: x }"),
        step("wait: {}"),
        step("parallel: [{ id: b, stop: x }]"),
        "drawloom: 1\nname: x\nsteps: [{ id: Bad, stop: x }]".to_owned(),
    ] {
        assert_ne!(problems(&document(&text)), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn everything_is_described() {
    let all = schema(&kinds());
    assert_eq!(all["$id"], ID);
    assert_eq!(all["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for (pointer, of) in [("/properties", "the flow"), ("/$defs/Step/properties", "a step")] {
        let properties = all.pointer(pointer).and_then(Json::as_object).expect("properties");
        for (name, schema) in properties {
            assert!(schema.get("description").is_some(), "`{name}` of {of} has no description");
        }
    }
}
