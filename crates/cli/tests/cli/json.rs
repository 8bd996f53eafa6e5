//! With `--json`, standard output is one JSON document, whatever the command and however it ends.

use serde_json::{Value as Json, json};

use crate::support::Home;

const FLOW: &str = "drawloom: 1
name: facts
steps:
  - id: flaky
    uses: shell
    retry: { attempts: 2, delay: 10ms, jitter: 0 }
    with: { command: 'test -f tried || { touch tried; echo no luck >&2; exit 3; }; echo \"[fine]\"', parse: json }
  - id: each
    for_each: { in: '{{ flaky.output }}', as: it }
    do: [ { id: show, uses: shell, with: { command: 'echo {{ it }}' } } ]
  - id: unwanted
    when: '{{ inputs.want }}'
    uses: log
    with: { message: no }
  - id: ask
    wait: { approval: Shall we?, timeout: 1h }
inputs: { want: { type: boolean, default: false } }
outputs: { shown: '{{ each }}' }
";

#[test]
fn every_command_prints_one_document() {
    let home = Home::new();
    home.write("flow.yaml", FLOW.replace("[fine]", "[1]"));
    home.run(&["run", "flow.yaml", "--detach", "--json"]).exits(0).json();
    home.run(&["flows", "publish", "flow.yaml"]).exits(0);
    let commands = "runs list; runs show last; runs logs last; runs facts last; runs state last --at 1; runs why last ask; \
        runs fork last --dry-run; runs fork --where failed --dry-run; runs replay last --dry-run; runs cancel --where failed; \
        flows list; flows versions facts; flows show facts; secrets list; store info; store check; store prune --keep 9; kinds; \
        kinds http; schema; doctor; validate flow.yaml; compile flow.yaml; fmt flow.yaml; fmt --check flow.yaml";
    for command in commands.split("; ") {
        let args: Vec<&str> = command.split_whitespace().chain(["--json"]).collect();
        assert!(!home.run(&args).exits(0).json().is_null(), "{command}");
    }
    let wrong = "run; bogus; run nope; run nope.yaml; run flow.yaml --input want=7; runs show zzz; runs why last nope; \
        runs state last --at 0; flows show nope; secrets delete NOPE; kinds nope; resume zzz; run flow.yaml --bogus";
    for command in wrong.split("; ") {
        let args: Vec<&str> = command.split_whitespace().chain(["--json"]).collect();
        let error = home.run(&args).exits(2).json();
        assert!(error["error"]["message"].as_str().is_some_and(|it| !it.is_empty()), "{command}: {error}");
    }
}

#[test]
fn facts_are_told_in_words_and_give_no_power_away() {
    let home = Home::new();
    home.write("flow.yaml", FLOW.replace("[fine]", "[7]"));
    let run = home.run(&["run", "flow.yaml", "--detach", "--json"]).exits(0).json()["run"].to_string();
    let run = run.trim_matches('"');
    let mut child = home.command(&["resume", run, "--quiet"]).spawn().expect("the binary starts");
    crate::exits::wait_for(|| home.run(&["runs", "facts", run]).out.contains("ask waits for an approval"));
    child.kill().expect("it can be killed");
    child.wait().expect("it is gone");
    let told = home.run(&["runs", "facts", run]).exits(0).out;
    for line in [
        "run started: facts (version ",
        "flaky attempt 1 handed out",
        "flaky attempt failed; the next one is due at ",
        "each began with 1 items",
        "each[0].show succeeded: {",
        "each[0] is done",
        "unwanted skipped: its `when` does not hold",
        "ask waits for an approval: Shall we?, until ",
    ] {
        assert!(told.contains(line), "`{line}` is not in:\n{told}");
    }
    let json = home.run(&["runs", "facts", run, "--json"]).exits(0).json();
    let moves: Vec<&Json> =
        json["facts"].as_array().into_iter().flatten().flat_map(|it| it["moves"].as_array()).flatten().collect();
    let find =
        |name: &str| moves.iter().find(|it| it["move"] == name).unwrap_or_else(|| panic!("no {name}: {moves:?}"));
    assert_eq!(find("started")["inputs"], json!({ "want": false }));
    assert_eq!(find("retrying")["step"], "flaky");
    assert_eq!(find("retrying")["error"]["class"], "failed");
    assert_eq!(find("skipped")["reason"], "when");
    let wait = moves.iter().find(|it| it["for"] == "approval").expect("the wait is told");
    assert_eq!((&wait["step"], &wait["message"]), (&json!("ask"), &json!("Shall we?")));
    // The token of a wait, and the seed that it comes from, are for those who may answer.
    for text in [told.to_lowercase(), json.to_string().to_lowercase()] {
        assert!(!text.contains("seed") && !text.contains("token"), "{text}");
    }
    let state = home.run(&["runs", "state", run, "--at", "2", "--json"]).exits(0).json();
    assert_eq!((&state["fact"], &state["steps"][0]["status"]), (&json!(2), &json!("retrying")));
}
