//! The keys of a flow but for its steps.

use crate::said::check;

/// Checks a flow that is fine but for `rest`, which begins on its third line.
#[track_caller]
fn check_rest(rest: &str, expected: &str) {
    check(&format!("drawloom: 1\nname: test\n{rest}\nsteps: []\n"), expected);
}

#[test]
fn unknown_keys_come_with_advice() {
    check_rest(
        "descripton: x",
        "\
        DL0201 3:1 'descripton' unknown key `descripton` in a flow (did you mean `description`?)",
    );
    check_rest(
        "Labels: {}",
        "\
        DL0201 3:1 'Labels' unknown key `Labels` in a flow (did you mean `labels`?)",
    );
    check_rest(
        "tags: [a]",
        "\
        DL0201 3:1 'tags' unknown key `tags` in a flow (known here: `drawloom`, `name`, `description`, `labels`, `inputs`, `vars`, `defaults`, `limits`, `triggers`, `steps`, `outputs`)",
    );
    check_rest(
        "limits: { timeuot: 5s, parallel_steps: 0 }",
        "\
        DL0201 3:11 'timeuot' unknown key `timeuot` in `limits` (did you mean `timeout`?)
        DL0211 3:40 '0' `parallel_steps` must be at least 1",
    );
    check(
        "drawloom: 1\nnmae: t\nstep:\n- id: a\n  use: log\n",
        "\
        DL0201 2:1 'nmae' unknown key `nmae` in a flow (did you mean `name`?)
        DL0201 3:1 'step' unknown key `step` in a flow (did you mean `steps`?)
        DL0205 5:3 'use' step `a` does not say what it does (`use` is unknown; did you mean `uses`?)",
    );
}

#[test]
fn values_have_their_types() {
    check_rest(
        "description: 5",
        "\
        DL0204 3:14 '5' `description`: expected a string, found an integer (put it into quotes to have it as a text)",
    );
    check_rest(
        "labels: [a]",
        "\
        DL0204 3:10 'a' `labels`: expected an object of names and texts, found a list",
    );
    check_rest(
        "labels: { team: [a], n: 5, x: null }",
        "\
        DL0204 3:18 'a' label `team`: expected a string, found a list",
    );
    check_rest(
        "vars: x\noutputs: [1]\ninputs: []",
        "\
        DL0204 3:7 'x' `vars`: expected an object of names and values, found a string
        DL0204 4:11 '1' `outputs`: expected an object of names and values, found a list
        DL0204 5:9 '[]' `inputs`: expected an object of names and JSON Schemas, found a list",
    );
    check_rest(
        "inputs: { day: string, n: { type: integer }, any: , bad: 5 }",
        "\
        DL0204 3:58 '5' input `bad`: expected a JSON Schema, such as { type: string }, found an integer",
    );
    check_rest("description:\nvars:\noutputs:\ninputs:\nlabels:\nlimits:\ndefaults:\ntriggers:", "");
    check(
        "drawloom: 1\nname: ''\nsteps: x",
        "\
        DL0208 2:7 '''' a name must not be blank
        DL0204 3:8 'x' `steps`: expected a list of steps, found a string",
    );
    check(
        "drawloom: 1\nname: [x]\nsteps:",
        "\
        DL0204 2:8 'x' `name`: expected a string, found a list
        DL0204 3:6 '' `steps`: expected a list of steps, found nothing",
    );
    check(
        "drawloom: 1\nname: \"a\\nb\"\nsteps: {id: a}",
        "\
        DL0208 2:7 '\"a\\nb\"' a name has no control characters or line breaks
        DL0204 3:9 'id' `steps`: expected a list of steps, found an object (begin each step with `- `)",
    );
}

#[test]
fn limits_and_defaults_are_read() {
    check_rest("limits: { parallel_steps: 4, timeout: 2h, on_failure: stop, concurrency: 3 }", "");
    check_rest("limits: { concurrency: { max: 4, key: '{{ inputs.day }}', when_full: cancel_running } }", "");
    check_rest(
        "limits: { concurrency: { key: x, when_full: wait }, timeout: 2 hours, on_failure: halt }",
        "\
        DL0203 3:11 'concurrency' `concurrency` needs the key `max`
        DL0210 3:45 'wait' `when_full`: `wait` is none of `queue`, `skip`, `reject`, `cancel_running`
        DL0601 3:62 '2 hours' `timeout`: `2 hours` is not a duration (write for example 500ms, 5s, 1m30s, 2h or 7d)
        DL0210 3:83 'halt' `on_failure`: `halt` is none of `continue`, `stop`",
    );
    check_rest(
        "limits: { parallel_steps: 1.5, timeout: '{{ x }}', concurrency: { max: -1 } }",
        "\
        DL0204 3:27 '1.5' `parallel_steps`: expected an integer, found a number
        DL0511 3:41 ''{{ x }}'' `timeout` must be a constant, not an expression
        DL0211 3:72 '-1' `max` must be at least 1",
    );
    check_rest(
        "limits: 5",
        "\
        DL0204 3:9 '5' `limits`: expected an object, found an integer",
    );
    check_rest("defaults: { timeout: 5m, retry: { attempts: 3 }, cache: 1h, queue: big, priority: -5 }", "");
    check_rest("defaults: { timeout: 5, retry: never, cache: {}, queue: 5, priority: high, with: {} }", "\
        DL0601 3:22 '5' `timeout`: a duration needs a unit (for seconds write 5s)
        DL0204 3:32 'never' `retry`: expected a number of attempts, or an object, found a string
        DL0203 3:39 'cache' `cache` needs the key `ttl`
        DL0204 3:57 '5' `queue`: expected a string, found an integer (put it into quotes to have it as a text)
        DL0204 3:70 'high' `priority`: expected an integer, found a string
        DL0201 3:76 'with' unknown key `with` in `defaults` (known here: `timeout`, `retry`, `cache`, `queue`, `priority`)");
}

#[test]
fn triggers_are_read() {
    check_rest(
        "triggers: [{ cron: '0 2 * * *', timezone: Europe/Berlin, overlap: skip, catchup: { window: 1d }, with: { a: 1 } }]",
        "",
    );
    check_rest(
        "triggers: [{ interval: 5m }, { webhook: x }, { webhook: { path: x, method: POST, respond: result } }]",
        "",
    );
    check_rest(
        "triggers: { cron: x }",
        "\
        DL0204 3:13 'cron' `triggers`: expected a list of triggers, found an object",
    );
    check_rest("triggers: [x, {}, { corn: '* * * * *' }, { cron: x, interval: 5s }]", "\
        DL0204 3:12 'x' expected a trigger, such as { cron: \"0 2 * * *\" }, found a string
        DL0205 3:15 '{}' a trigger does not say what it waits for (give it one of `cron`, `interval`, `webhook`, `queue`, `dataset`, `flow`)
        DL0205 3:21 'corn' a trigger does not say what it waits for (`corn` is unknown; did you mean `cron`?)
        DL0206 3:53 'interval' a trigger is one thing, not both `cron` and `interval` [3: first said here] (write two triggers)");
    check_rest(
        "triggers: [{ cron: 5, overlap: never, catchup: {}, with: [] }, { webhook: { respond: no, pth: x } }]",
        "\
        DL0204 3:20 '5' `cron`: expected a string, found an integer (put it into quotes to have it as a text)
        DL0210 3:32 'never' `overlap`: `never` is none of `skip`, `queue`, `parallel`, `cancel_running`
        DL0203 3:39 'catchup' `catchup` needs the key `window`
        DL0204 3:58 '[' `with`: expected an object of inputs, found a list
        DL0210 3:86 'no' `respond`: `no` is none of `accepted`, `result`
        DL0201 3:90 'pth' unknown key `pth` in `webhook` (did you mean `path`?)",
    );
}
