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
        r#"
            DL0604 4:6 'strng' `strng` is not a type of JSON Schema (did you mean `string`?)
            DL0604 5:14 'int' `int` is not a type of JSON Schema (did you mean `integer`?)
            DL0604 6:36 'objct' `objct` is not a type of JSON Schema (did you mean `object`?)
            DL0604 7:31 '"("' the schema of `d` is not valid: `pattern` must be a regular expression
            DL0604 8:17 'many' the schema of `e` is not valid: `minimum` must be a number, not a string
            DL0604 9:3 'f' the schema of `f` is not valid: it has a `$ref` that leads nowhere, or out of the document
            DL0604 10:3 'g' the schema of `g` is not valid: it has a `$ref` that leads nowhere, or out of the document
            DL0604 11:14 'any' `any` is not a type of JSON Schema (leave `type` out to allow any value)
        "#,
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
        r#"
            DL0605 4:32 'many' the default of `a` must be an integer, not a string
            DL0605 5:56 '9' the default of `b` must be at most 5
            DL0605 6:45 'yesterday' the default of `c` must be of the format `date`
            DL0605 7:3 'd' `y` is missing in the default of `d`
            DL0605 11:23 'two' `x[1]` must be an integer, not a string
            DL0605 12:37 'gren' the default of `e` must be one of `red`, `green` (did you mean `green`?)
        "#,
    );
}
