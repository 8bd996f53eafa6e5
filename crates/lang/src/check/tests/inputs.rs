//! Inputs of a flow.

use super::check_flow;

#[test]
fn schemas_are_json_schemas() {
    check_flow(
        r#"drawloom: 1
name: test
inputs:
  a: strng
  b: { type: int }
  c: { type: array, items: { type: objct } }
  d: { type: string, pattern: "(" }
  e: { minimum: many }
  f: { $ref: '#/nowhere' }
  g: { $ref: "https://example.com/schema.json" }
  h: { type: any }
  i: { $ref: '#' }
  j: { type: [string, "null"], enum: [a, null] }
steps: [{ id: s, set: {} }]
"#,
        r#""#,
    );
}

#[test]
fn defaults_fit_their_schemas() {
    check_flow(
        r#"drawloom: 1
name: test
inputs:
  a: { type: integer, default: many }
  b: { type: integer, minimum: 1, maximum: 5, default: 9 }
  c: { type: string, format: date, default: yesterday }
  d:
    type: object
    properties: { x: { type: array, items: { type: integer } } }
    required: [y]
    default: { x: [1, two] }
  e: { enum: [red, green], default: gren }
  f: { type: string, format: date, default: 2026-01-31 }
steps: [{ id: s, set: {} }]
"#,
        r#""#,
    );
}
