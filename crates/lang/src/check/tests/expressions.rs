//! Names, filters, tests and functions in expressions.

use super::{check, check_flow};

#[test]
fn unknown_names_are_compared_with_known_ones() {
    check(
        r#"{id: fetch, uses: http, with: {url: x}},
        {id: a, set: {a: "{{ fecth.body }}", b: "{{ steps.fetch.body }}", c: "{{ null }}", d: "{{ name }}",
            e: "{{ env.HOME }}", f: "{{ zzz }}", g: "{{ now }}", h: "{{ input.n }}"}}"#,
        r#"
            DL0305 3:30 'fecth' unknown name `fecth` (did you mean `fetch`?)
            DL0305 3:53 'steps' unknown name `steps` (steps are named directly: `fetch`)
            DL0305 3:82 'null' unknown name `null` (write `none`)
            DL0305 3:99 'name' unknown name `name` (did you mean `inputs.name`?)
            DL0305 4:20 'env' unknown name `env` (the environment cannot be read; declare an input, or use a secret)
            DL0305 4:41 'zzz' unknown name `zzz`
            DL0305 4:57 'now' unknown name `now` (`now` is a function: write `now(…)`)
            DL0305 4:73 'input' unknown name `input` (write `inputs.n`)
        "#,
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
        r#"
            DL0306 7:23 'inputs.limt' unknown input `limt` (did you mean `limit`?)
            DL0307 7:55 'vars.regoin' unknown variable `regoin` (did you mean `region`?)
            DL0317 12:14 'sum.totl' the output of `sum` has no `totl` (did you mean `total`?)
            DL0317 13:14 'both.lft' the output of `both` has no `lft` (did you mean `left`?)
            DL0313 14:14 'run.ids' `run` has no `ids` (did you mean `id`?)
            DL0313 14:47 'run.zzz' `run` has no `zzz` (there is `id`, `flow`, `version`, `hash`, `started_at`, `trigger`, `depth`)
            DL0306 15:14 'inputs['dya']' unknown input `dya` (did you mean `day`?)
            DL0306 15:33 'inputs.zzz' unknown input `zzz` (the inputs are `day`, `limit`)
        "#,
    );
    check_flow(
        r#"{drawloom: 1, name: test, steps: [{id: a, set: {a: "{{ inputs.x }}", b: "{{ vars.x }}"}}]}"#,
        r#"
            DL0306 1:56 'inputs.x' unknown input `x` (the flow has no inputs; declare it in `inputs`)
            DL0307 1:77 'vars.x' unknown variable `x` (the flow has no variables; declare it in `vars`)
        "#,
    );
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
        r#"
            DL0504 3:31 'lenght' unknown filter `lenght` (did you mean `length`?)
            DL0504 3:61 'len' unknown filter `len` (the filter for it is `length`)
            DL0506 3:89 'define' unknown test `define` (did you mean `defined`?)
            DL0505 4:20 'length' unknown function `length` (`length` is a filter: write `value | length`)
            DL0505 4:49 'rnage' unknown function `rnage` (did you mean `range`?)
            DL0513 4:82 'upper' `upper` is not a function: values have no methods (use the filter: `value | upper`)
            DL0504 5:35 ''uper'' unknown filter `uper` (did you mean `upper`?)
            DL0506 5:89 ''nope'' unknown test `nope` (did you mean `none`?)
            DL0512 6:31 'replace' the filter `replace` takes 2 arguments, not 1
            DL0512 6:67 'join' the filter `join` takes at most 1 argument, not 3
            DL0512 6:110 'divisibleby' the test `divisibleby` takes one argument, not 0
            DL0512 7:20 'now' the function `now` takes no argument, not 1
            DL0512 7:32 'range' the function `range` takes 1 to 3 arguments, not 0
            DL0513 7:95 'n' `n` is not a function: values have no methods (use a filter: `value | filter`)
            DL0504 9:31 'safe' unknown filter `safe` (texts are never escaped here: leave it out)
            DL0504 9:59 'odd' unknown filter `odd` (`odd` is a test: write `value is odd`)
        "#,
    );
}

#[test]
fn faults_of_syntax_are_reported_wherever_they_stand() {
    check(
        r#"{id: a, when: "{{ inputs.n > }}", uses: http, with: {url: "x{{ }}", headers: {a: ["{{ inputs.n"]}}}"#,
        r#"
            DL0501 2:28 '>' the expression cannot be read: unexpected end of input, expected expression
            DL0503 2:61 '{{ }}' there is nothing between `{{` and `}}`
            DL0502 2:84 '{{' this `{{` has no matching `}}` (close it with `}}`; for the braces themselves write `{{ "{{" }}`)
        "#,
    );
}

#[test]
fn conditions_are_expressions() {
    check(
        r#"{id: a, when: "inputs.n > 3", set: {}}, {id: b, when: "true", set: {}}, {id: c, when: "{{ inputs.n }} > 3", set: {}},
        {id: d, if: true, then: []}, {id: e, when: "{{ 1 > 2 }}", set: {}}, {id: f, when: "{{ inputs.n > 3 }}", set: {}},
        {id: g, switch: [{when: "{{ 1 }}", do: []}, {when: "{{ inputs.n > 1 }}", do: []}, {do: []}]}"#,
        r#"
            DL0509 2:15 '"inputs.n > 3"' a condition must be an expression; a plain text always holds (write `{{ inputs.n > 3 }}`)
            DL0509 2:55 '"true"' a condition must be an expression; a plain text always holds (write true without quotes)
            DL0509 2:87 '"{{ inputs.n }} > 3"' a condition must be one expression; a text with expressions in it always holds (put the whole condition between one `{{` and `}}`)
            DL0902 warning 3:21 'true' the condition of `then` always holds
            DL0902 warning 3:52 '"{{ 1 > 2 }}"' the condition of the step never holds
            DL0902 warning 4:33 '"{{ 1 }}"' the condition of the arm always holds
            DL0901 warning 4:53 '{when: "{{ inputs.n > 1 }}", do: []}' this arm is never taken: one before it always is [4 '"{{ 1 }}"': this always holds]
            DL0901 warning 4:91 '{do: []}' this arm is never taken: one before it always is [4 '"{{ 1 }}"': this always holds]
        "#,
    );
}

#[test]
fn what_looks_like_another_language_is_pointed_at() {
    check(
        r#"{id: a, set: {a: "${{ inputs.n }}", b: "{% if x %}y{% endif %}"}},
        {id: b, uses: shell, with: {command: "echo ${#x} ${HOME} %{http_code}"}},
        {id: c, name: "for {{ inputs.n }}", set: {}}"#,
        r#"
            DL0907 warning 2:19 '${{' the `$` stays in the text: an expression begins with `{{` (leave the `$` out)
            DL0907 warning 2:41 '{% ' `{% … %}` stays in the text as it is: only `{{ … }}` is evaluated (use an expression with `if` in it, a filter, or a block such as `for_each`)
            DL0904 warning 4:23 '"for {{ inputs.n }}"' expressions in `name` are not evaluated: it is shown as it is written
        "#,
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
        r#"
            DL0511 3:39 '"{{ run.id }}"' the default of the input `a` must be a constant, not an expression (compute it in a step with `set`)
            DL0903 warning 4:9 'b' nothing uses the variable `b` (use it, or leave it out)
            DL0511 4:13 '"{{ inputs.a }}"' the variable `b` must be a constant, not an expression (compute it in a step with `set`)
        "#,
    );
}

#[test]
fn variables_that_nothing_uses_are_reported() {
    check_flow(
        r#"drawloom: 1
name: test
vars: { used: 1, spare: 2 }
steps: [{ id: s, set: { v: "{{ vars.used }}" } }]"#,
        "DL0903 warning 3:18 'spare' nothing uses the variable `spare` (use it, or leave it out)",
    );
    check_flow("drawloom: 1\nname: test\nvars: { a: 1 }\nsteps: [{ id: s, set: { v: '{{ vars }}' } }]", "");
}
