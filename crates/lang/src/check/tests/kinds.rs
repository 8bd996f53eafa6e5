//! Kinds and their parameters.

use super::check;

#[test]
fn kinds_are_known() {
    check(
        r#"{id: a, uses: htp, with: {url: x}}, {id: b, uses: sleep}, {id: c, uses: set}, {id: d, uses: zzz}, {id: e, uses: bash}"#,
        r#"
            DL0401 2:15 'htp' unknown kind `htp` (did you mean `http`?)
            DL0401 2:51 'sleep' unknown kind `sleep` (write `wait: { for: 5s }` instead of `uses`)
            DL0401 2:73 'set' unknown kind `set` (`set` is a form of its own: write `set: …` instead of `uses`)
            DL0401 2:93 'zzz' unknown kind `zzz` (the kinds are `http`, `log`, `shell`)
            DL0401 2:113 'bash' unknown kind `bash` (did you mean `shell`?)
        "#,
    );
}

#[test]
fn parameters_fit_the_schema_of_the_kind() {
    check(
        r#"{id: a, uses: http}, {id: b, uses: http, with: {method: POST}},
        {id: c, uses: http, with: {url: 5, methd: POST, zzz: 1, max_bytes: -1, response: jsn, headers: [a]}},
        {id: d, uses: http, with: {url: x, auth: {bearr: a}, follow: often}},
        {id: e, uses: http, with: {url: x, body: {any: [thing]}, method: null, follow: 3}},
        {id: f, uses: shell, with: {command: ""}}, {id: g, uses: shell, with: {command: {a: 1}}}"#,
        r#"
            DL0404 2:15 'http' `url` is missing in `with` (`url`: Where the request goes)
            DL0404 2:36 'http' `url` is missing in `with` (`url`: Where the request goes)
            DL0402 3:41 '5' `url` must be a string, not an integer
            DL0403 3:44 'methd' unknown field `methd` in `with` (did you mean `method`?)
            DL0403 3:57 'zzz' unknown field `zzz` in `with` (known here: `url`, `method`, `headers`, `body`, `max_bytes`, `response`, `auth`, `follow`)
            DL0402 3:76 '-1' `max_bytes` must be at least 0
            DL0402 3:90 'jsn' `response` must be one of `auto`, `json`, `text` (did you mean `json`?)
            DL0402 3:95 'headers' `headers` must be an object, not a list
            DL0403 4:51 'bearr' unknown field `bearr` in `auth` (did you mean `bearer`?)
            DL0402 4:70 'often' `follow` must be a boolean or an integer or null, not a string
            DL0402 6:46 '""' `command` must have at least one character
            DL0402 6:80 'command' `command` must be a string, not an object
        "#,
    );
}

#[test]
fn expressions_are_typed_as_far_as_they_are_known() {
    check(
        r#"{id: a, uses: http, with: {url: "{{ inputs.name }}", max_bytes: "{{ inputs.n }}", response: "{{ inputs.name }}", follow: "{{ inputs.n }}"}},
        {id: b, uses: http, with: {url: "x{{ inputs.name }}", max_bytes: "1{{ inputs.n }}", response: "j{{ inputs.name }}", follow: "{{ inputs.n }}%"}},
        {id: c, uses: http, with: {url: "{{ 1 + 1 }}", max_bytes: "{{ 2 * 3 }}", headers: {"{{ inputs.n }}": 1}}},
        {id: d, uses: http, with: {url: x, auth: {bearer: "{{ secrets.T }}", extra: "{{ inputs.n }}"}}},
        {id: e, uses: http, with: {url: "{{ inputs.n }}", max_bytes: "{{ d.body | tojson }}", headers: "{{ [1] if inputs.n > 1 else d.x }}"}},
        {id: f, uses: http, with: {url: "{{ inputs.n | string }}", max_bytes: "{{ d.body | length }}", headers: "{{ dict(a=1) }}", follow: "{{ inputs.n > 1 }}"}}"#,
        r#"
            DL0402 3:74 '"1{{ inputs.n }}"' `max_bytes` must be an integer, not a string
            DL0402 3:133 '"{{ inputs.n }}%"' `follow` must be a boolean or an integer or null, not a string
            DL0402 4:41 '"{{ 1 + 1 }}"' `url` must be a string, not an integer
            DL0403 5:78 'extra' unknown field `extra` in `auth` (known here: `bearer`)
            DL0402 6:41 '"{{ inputs.n }}"' `url` must be a string, not an integer
            DL0402 6:70 '"{{ d.body | tojson }}"' `max_bytes` must be an integer, not a string
        "#,
    );
}

#[test]
fn policies_mean_nothing_to_what_is_done_on_the_spot() {
    check(
        r#"{id: a, uses: log, with: {message: x}, retry: 3, timeout: 5s, queue: q, priority: 1, cache: 1h},
        {id: b, uses: log, with: {message: x}, retry: 3, compensate: []},
        {id: c, set: {}, timeout: 5s}, {id: g, timeout: 5s, group: []}"#,
        r#"
            DL0405 2:47 '3' `retry` has no meaning for `log`, which is done on the spot (leave it out)
            DL0405 2:59 '5s' `timeout` has no meaning for `log`, which is done on the spot (leave it out)
            DL0405 2:70 'q' `queue` has no meaning for `log`, which is done on the spot (leave it out)
            DL0405 2:83 '1' `priority` has no meaning for `log`, which is done on the spot (leave it out)
            DL0405 2:93 '1h' `cache` has no meaning for `log`, which is done on the spot (leave it out)
            DL0904 warning 4:35 '5s' `timeout` has no effect: the step is done on the spot (leave it out)
            DL0209 4:57 '5s' a group has no time limit: its steps behave as if they stood outside (give each step its own, or use `try` instead of `group`, which is a block)
        "#,
    );
}
