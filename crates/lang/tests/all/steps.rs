//! Steps: their common keys and each of their forms.

use crate::said::check_steps;

#[test]
fn every_form_is_read() {
    check_steps(
        "{ id: a, uses: x, with: {}, retry: { attempts: 5, delay: 1s, backoff: 2.0, max_delay: 60s, jitter: 0.1, on: [timeout] } }",
        "",
    );
    check_steps(
        "{ id: a, uses: x, retry: 3, cache: { ttl: 1h, key: x }, queue: q, priority: 5, compensate: [{ id: b, uses: x }] }",
        "",
    );
    check_steps(
        "{ id: a, uses: x, name: N, description: D, needs: [], when: '{{ x }}', run_if: always, on_failure: continue, timeout: 5s }",
        "",
    );
    check_steps("{ id: a, parallel: { x: [], y: [] }, join: any }, { id: b, parallel: [[], []], join: 1 }", "");
    check_steps("{ id: a, if: '{{ x }}', then: [], else: [] }, { id: b, if: true, then: [] }", "");
    check_steps("{ id: a, switch: [{ when: '{{ x }}', do: [] }, { do: [] }] }", "");
    check_steps(
        "{ id: a, for_each: { in: [1], as: x, index: i, concurrency: '{{ 5 }}', batch: 2, on_failure: fail }, do: [] }",
        "",
    );
    check_steps("{ id: a, for_each: '{{ x }}', do: [] }, { id: b, for_each: [1, 2], do: [] }", "");
    check_steps("{ id: a, loop: { while: '{{ x }}', until: '{{ y }}', max: 5, every: 1s }, do: [] }", "");
    check_steps("{ id: a, flow: name@3, with: {}, detach: true }, { id: b, flow: ./x.yaml }, { id: c, flow: x }", "");
    check_steps(
        "{ id: a, wait: { for: 5s } }, { id: b, wait: { until: '{{ x }}' } }, { id: c, wait: { signal: s, timeout: 1d } }",
        "",
    );
    check_steps("{ id: a, wait: { webhook: } }, { id: b, wait: { approval: 'Go?' } }, { id: c, wait: 5s }", "");
    check_steps("{ id: a, try: [], catch: [], finally: [] }, { id: b, group: [] }, { id: c, set: { x: 1 } }", "");
    check_steps("{ id: a, fail: no }, { id: b, stop: yes }, { id: c, stop: }", "");
}

#[test]
fn a_step_is_an_object_with_an_id() {
    check_steps(
        "hello, 5, [], null",
        "\
        DL0204 2:1 'hello' expected a step (an object), found a string
        DL0204 2:8 '5' expected a step (an object), found an integer
        DL0204 2:11 '[]' expected a step (an object), found a list
        DL0204 2:15 'null' expected a step (an object), found nothing",
    );
    check_steps(
        "{ uses: x }",
        "\
        DL0203 2:3 'uses' a step needs the key `id`",
    );
    check_steps("{ id: Fetch-Data, uses: x }, { id: 1st, uses: x }, { id: ü, uses: x }, { id: '', uses: x }, { id: 5, uses: x }", "\
        DL0207 2:7 'Fetch-Data' `Fetch-Data` is not a valid id: small letters, digits and `_`, beginning with a letter (for example `fetch_data`)
        DL0207 2:36 '1st' `1st` is not a valid id: small letters, digits and `_`, beginning with a letter (for example `st`)
        DL0207 2:58 'ü' `ü` is not a valid id: small letters, digits and `_`, beginning with a letter
        DL0207 2:78 '''' `` is not a valid id: small letters, digits and `_`, beginning with a letter
        DL0204 2:99 '5' `id`: expected a string, found an integer (put it into quotes to have it as a text)");
    check_steps(
        "{ if: '{{ x }}', then: [] }",
        "\
        DL0203 2:3 'if' a step needs the key `id`",
    );
    check_steps(
        "{ di: a, uses: x }",
        "\
        DL0201 2:3 'di' unknown key `di` in a step (did you mean `id`?)",
    );
}

#[test]
fn a_step_does_one_thing() {
    check_steps(
        "{ id: a }",
        "\
        DL0205 2:7 'a' step `a` does not say what it does (give it one of `uses`, `parallel`, `if`, `switch`, `for_each`, `loop`, `flow`, `wait`, `try`, `group`, `set`, `fail`, `stop`)",
    );
    check_steps(
        "{ id: a, use: http, with: {} }",
        "\
        DL0205 2:10 'use' step `a` does not say what it does (`use` is unknown; did you mean `uses`?)",
    );
    check_steps(
        "{ id: a, with: {}, retry: 3 }",
        "\
        DL0205 2:7 'a' step `a` does not say what it does (`with` goes with `uses`, `flow`)",
    );
    check_steps("{ id: a, foo: 1, timeout: 5s }", "\
        DL0205 2:7 'a' step `a` does not say what it does (give it one of `uses`, `parallel`, `if`, `switch`, `for_each`, `loop`, `flow`, `wait`, `try`, `group`, `set`, `fail`, `stop`)
        DL0201 2:10 'foo' unknown key `foo` in a step (known here: `id`, `name`, `description`, `needs`, `when`, `run_if`, `on_failure`, `timeout`, `uses`, `parallel`, `if`, `switch`, `for_each`, `loop`, `flow`, `wait`, `try`, `group`, `set`, `fail`, `stop`)");
    check_steps(
        "{ id: a, uses: x, if: '{{ x }}', then: [] }",
        "\
        DL0206 2:19 'if' a step does one thing, not both `uses` and `if` [2: first said here] (make two steps of it)",
    );
}

#[test]
fn keys_go_with_their_form() {
    check_steps("{ id: a, uses: x, do: [], retyr: 3, foo: 1 }", "\
        DL0209 2:19 'do' `do` goes with `for_each`, `loop`, not with `uses`
        DL0201 2:27 'retyr' unknown key `retyr` in a step with `uses` (did you mean `retry`?)
        DL0201 2:37 'foo' unknown key `foo` in a step with `uses` (known here: `uses`, `with`, `retry`, `cache`, `queue`, `priority`, `compensate`, `id`, `name`, `description`, `needs`, `when`, `run_if`, `on_failure`, `timeout`)");
    check_steps("{ id: a, parallel: {}, with: {}, catch: [], ned: [] }", "\
        DL0212 2:10 'parallel' `parallel` has no branches
        DL0209 2:24 'with' `with` goes with `uses`, `flow`, not with `parallel`
        DL0209 2:34 'catch' `catch` goes with `try`, not with `parallel`
        DL0201 2:45 'ned' unknown key `ned` in a step with `parallel` (known here: `parallel`, `join`, `id`, `name`, `description`, `needs`, `when`, `run_if`, `on_failure`, `timeout`)");
    check_steps(
        "{ id: a, wait: { for: 5s, singal: x }, detach: true }",
        "\
        DL0201 2:27 'singal' unknown key `singal` in `wait` (did you mean `signal`?)
        DL0209 2:40 'detach' `detach` goes with `flow`, not with `wait`",
    );
}

#[test]
fn common_keys_have_their_types() {
    check_steps(
        "{ id: a, uses: x, needs: b }, { id: c, uses: x, needs: 5 }, { id: d, uses: x, needs: [5, x, null] }",
        "\
        DL0204 2:56 '5' `needs`: expected a list of step ids, found an integer
        DL0204 2:87 '5' `needs`: expected a string, found an integer (put it into quotes to have it as a text)
        DL0204 2:93 'null' `needs`: expected a string, found nothing",
    );
    check_steps("{ id: a, uses: x, when: 5, run_if: all_sucess, on_failure: ignore, timeout: 1.5h }", "\
        DL0204 2:25 '5' `when`: expected an expression such as \"{{ inputs.limit > 10 }}\", found an integer
        DL0210 2:36 'all_sucess' `run_if`: `all_sucess` is none of `all_success`, `all_failed`, `all_done`, `all_skipped`, `one_success`, `one_failed`, `one_done`, `none_failed`, `none_skipped`, `none_failed_min_one_success`, `always`, `all_done_min_one_success` (did you mean `all_success`?)
        DL0210 2:60 'ignore' `on_failure`: `ignore` is none of `fail`, `continue`
        DL0601 2:77 '1.5h' `timeout`: `1.5h` is not a duration (write for example 500ms, 5s, 1m30s, 2h or 7d)");
    check_steps(
        "{ id: a, uses: x, name: 5, description: [] }",
        "\
        DL0204 2:25 '5' `name`: expected a string, found an integer (put it into quotes to have it as a text)
        DL0204 2:41 '[' `description`: expected a string, found a list",
    );
}

#[test]
fn task_steps_are_checked() {
    check_steps(
        "{ id: a, uses: 5 }, { id: b, uses: '{{ x }}' }, { id: c, uses: x, with: ls }, { id: d, uses: x, with: }",
        "\
        DL0204 2:16 '5' `uses`: expected a string, found an integer (put it into quotes to have it as a text)
        DL0511 2:36 ''{{ x }}'' `uses` must be a constant, not an expression
        DL0204 2:73 'ls' `with`: expected an object of parameters, found a string",
    );
    check_steps("{ id: a, uses: x, retry: { attempts: 0, delay: 1, backoff: 0.5, max_delay: x, jitter: 2, on: [timeot, 5], atempts: 1 } }", "\
        DL0211 2:38 '0' `attempts` must be from 1 to 1000
        DL0601 2:48 '1' `delay`: a duration needs a unit (for seconds write 1s)
        DL0211 2:60 '0.5' `backoff` must be from 1 to 100
        DL0601 2:76 'x' `max_delay`: `x` is not a duration (write for example 500ms, 5s, 1m30s, 2h or 7d)
        DL0211 2:87 '2' `jitter` must be from 0 to 1
        DL0210 2:95 'timeot' `on`: `timeot` is none of `invalid`, `failed`, `timeout`, `unavailable`, `cancelled`, `lost` (did you mean `timeout`?)
        DL0204 2:103 '5' `on`: expected one of `invalid`, `failed`, `timeout`, `unavailable`, `cancelled`, `lost`, found an integer
        DL0201 2:107 'atempts' unknown key `atempts` in `retry` (did you mean `attempts`?)");
    check_steps(
        "{ id: a, uses: x, retry: 2000, cache: {}, queue: [], priority: 1.5, compensate: x }",
        "\
        DL0211 2:26 '2000' `retry` must be from 1 to 1000
        DL0203 2:32 'cache' `cache` needs the key `ttl`
        DL0204 2:50 '[]' `queue`: expected a string, found a list
        DL0204 2:64 '1.5' `priority`: expected an integer, found a number
        DL0204 2:81 'x' `compensate`: expected a list of steps, found a string",
    );
}

#[test]
fn blocks_are_checked() {
    check_steps("{ id: a, parallel: {}, join: some }, { id: b, parallel: [{ id: c, uses: x }] }, { id: d, parallel: x }", "\
        DL0212 2:10 'parallel' `parallel` has no branches
        DL0210 2:30 'some' `join`: `some` is none of `all`, `any`
        DL0204 2:60 'id' `parallel`: expected a list of steps for each branch, found an object (put the steps of each branch into a list of their own: `- [ { id: … } ]`)
        DL0204 2:100 'x' `parallel`: expected branches: an object of names and lists of steps, or a list of lists of steps, found a string");
    check_steps(
        "{ id: a, if: 5, then: x }, { id: b, if: '{{ x }}', esle: [] }",
        "\
        DL0204 2:14 '5' `if`: expected an expression such as \"{{ inputs.limit > 10 }}\", found an integer
        DL0204 2:23 'x' `then`: expected a list of steps, found a string
        DL0203 2:34 'b' a step needs the key `then`
        DL0201 2:52 'esle' unknown key `esle` in a step with `if` (did you mean `else`?)",
    );
    check_steps(
        "{ id: a, switch: [] }, { id: b, switch: {} }, { id: c, switch: [{ do: [] }, { wen: '{{ x }}', do: [] }, x] }",
        "\
        DL0212 2:10 'switch' `switch` has no arms
        DL0204 2:41 '{' `switch`: expected a list of arms, each { when, do }, found an object
        DL0213 2:67 'do' only the last arm of a `switch` may lack `when`; the arms after this one would never be taken
        DL0201 2:79 'wen' unknown key `wen` in an arm of a `switch` (did you mean `when`?)
        DL0204 2:105 'x' `switch`: expected an arm, { when, do }, found a string",
    );
    check_steps(
        "{ id: a, for_each: { inn: x, as: X, batch: 0, concurrency: x }, do: x }, { id: b, for_each: { in: 5 } }",
        "\
        DL0201 2:22 'inn' unknown key `inn` in `for_each` (did you mean `in`?)
        DL0207 2:34 'X' `X` is not a valid id: small letters, digits and `_`, beginning with a letter (for example `x`)
        DL0211 2:44 '0' `batch` must be at least 1
        DL0204 2:60 'x' `concurrency`: expected an integer, found a string
        DL0204 2:69 'x' `do`: expected a list of steps, found a string
        DL0203 2:80 'b' a step needs the key `do`
        DL0204 2:99 '5' `in`: expected a list, an object or an expression that gives one, found an integer",
    );
    check_steps(
        "{ id: a, loop: { max: 0, every: x }, do: {} }, { id: b, loop: 5 }",
        "\
        DL0211 2:23 '0' `max` must be at least 1
        DL0601 2:33 'x' `every`: `x` is not a duration (write for example 500ms, 5s, 1m30s, 2h or 7d)
        DL0204 2:42 '{' `do`: expected a list of steps, found an object (begin each step with `- `)
        DL0203 2:54 'b' a step needs the key `do`
        DL0204 2:63 '5' `loop`: expected an object, found an integer",
    );
    check_steps(
        "{ id: a, flow: 'x@y' }, { id: b, flow: '@1' }, { id: c, flow: '{{ x }}', detach: 1 }",
        "\
        DL0805 2:16 ''x@y'' a sub-flow is named `name`, `name@3` or by its file, `./child.yaml`
        DL0805 2:40 ''@1'' a sub-flow is named `name`, `name@3` or by its file, `./child.yaml`
        DL0511 2:63 ''{{ x }}'' `flow` must be a constant, not an expression
        DL0204 2:82 '1' `detach`: expected true or false, found an integer",
    );
    check_steps("{ id: a, wait: {} }, { id: b, wait: { for: 5s, signal: x } }, { id: c, wait: { signal: 5 } }, { id: d, wait: { until: } }", "\
        DL0205 2:10 'wait' `wait` does not say what it waits for (give it one of `for`, `until`, `signal`, `webhook`, `approval`)
        DL0206 2:48 'signal' a wait is for one thing, not both `for` and `signal` [2: first said here]
        DL0204 2:88 '5' `signal`: expected a string, found an integer
        DL0204 2:117 '' `until`: expected a time or an expression, found nothing");
    check_steps(
        "{ id: a, try: x, catch: 5 }, { id: b, group: {} }, { id: c, set: [] }, { id: d, fail: {} }",
        "\
        DL0204 2:15 'x' `try`: expected a list of steps, found a string
        DL0204 2:25 '5' `catch`: expected a list of steps, found an integer
        DL0204 2:46 '{' `group`: expected a list of steps, found an object (begin each step with `- `)
        DL0204 2:66 '[' `set`: expected an object of names and values, found a list
        DL0204 2:87 '{' `fail`: expected a message, found an object",
    );
}
