//! Looking at runs and steering them, and looking after their store.

use std::process::Stdio;

use serde_json::{Value as Json, json};

use crate::{exits::wait_for, support::Home};

const FLOW: &str = "drawloom: 1\nname: two\nlabels: { team: data }\ninputs: { ok: { type: boolean, default: true } }\nsteps:\n  - id: a\n    uses: shell\n    with: { command: echo a >> done; echo hello }\n  - id: b\n    uses: shell\n    with: { command: \"{{ 'echo b >> done' if inputs.ok else 'exit 1' }}\" }\noutputs: { a: '{{ a.output }}' }\n";

fn id(run: &Json) -> String {
    run["run"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_run_is_listed_shown_explained_and_replayed_from_its_journal() {
    let home = Home::new();
    let run = id(&home.flow(FLOW, &[]).exits(0).json());
    let listed = home.run(&["runs", "list", "--label", "team=data", "--json"]).exits(0).json();
    assert_eq!(listed[0]["run"], run.as_str());
    assert_eq!(home.run(&["runs", "list", "--label", "team=x", "--json"]).exits(0).json(), json!([]));
    let shown = home.run(&["runs", "show", &run[..12], "--json"]).exits(0).json();
    assert_eq!(shown["outputs"], json!({ "a": "hello" }));
    assert!(home.run(&["runs", "show", "last"]).exits(0).out.contains("two"));
    let logs = home.run(&["runs", "logs", &run, "a", "--json"]).exits(0).json();
    let lines = logs["lines"].as_array().expect("a list of lines");
    assert_eq!(lines.iter().filter(|it| it["text"] == "hello").count(), 1);
    let facts = home.run(&["runs", "facts", &run, "--json"]).exits(0).json();
    let facts = facts["facts"].as_array().expect("a list of facts");
    let seqs: Vec<u64> = facts.iter().filter_map(|it| it["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    let before = home.run(&["runs", "state", &run, "--at", "1", "--json"]).exits(0).json();
    assert_eq!(before["status"], "running");
    assert_eq!(before["steps"][1]["status"], "pending");
    let why = home.run(&["runs", "why", &run, "b", "--json"]).exits(0).json();
    assert_eq!(why[0]["status"], "succeeded");
    home.run(&["runs", "why", &run, "nobody"]).exits(2);
    let again = home.run(&["runs", "replay", &run, "--json"]).exits(0).json();
    assert_ne!(id(&again), run);
    assert_eq!(home.read("done"), "a\nb\na\nb\n");
}

#[test]
fn a_fork_keeps_what_succeeded() {
    let home = Home::new();
    let run = id(&home.flow(FLOW, &["--input", "ok=false"]).exits(1).json());
    assert_eq!(home.read("done"), "a\n");
    let plan = home.run(&["runs", "fork", &run, "--dry-run", "--json"]).exits(0).json();
    assert_eq!((&plan["keep"], &plan["redo"]), (&json!(["a"]), &json!(["b"])));
    let found =
        home.run(&["runs", "fork", "--where", "flow = two and failed at step b since 1h", "--dry-run", "--json"]);
    assert_eq!(id(&found.exits(0).json()["runs"][0]), run);
    let forked = home.run(&["runs", "fork", &run, "--set", "ok=true", "--json"]).exits(0).json();
    assert_eq!(forked["outputs"], json!({ "a": "hello" }));
    assert_eq!(home.read("done"), "a\nb\n");
    let from = home.run(&["runs", "fork", &run, "--from", "a", "--set", "ok=true", "--json"]).exits(0).json();
    assert_eq!(from["status"], "succeeded");
    assert_eq!(home.read("done"), "a\nb\na\nb\n");
    home.run(&["runs", "fork", &run, "--from", "nobody"]).exits(2);
}

#[test]
fn runs_are_paused_resumed_cancelled_and_deleted() {
    let home = Home::new();
    home.write("flow.yaml", "drawloom: 1\nname: waits\nsteps:\n  - id: w\n    wait: { signal: go }\n");
    let start = || home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
    let status = |run: &str| home.run(&["runs", "show", run, "--json"]).exits(0).json()["status"].clone();
    let (one, two) = (start(), start());
    home.run(&["runs", "pause", &one]).exits(0);
    assert_eq!(status(&one), "paused");
    home.run(&["runs", "resume", &one]).exits(0);
    assert_eq!(status(&one), "running");
    let dry = home.run(&["runs", "cancel", "--flow", "waits", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(dry["runs"].as_array().map(Vec::len), Some(2));
    home.run(&["runs", "cancel", &one]).exits(0);
    assert_eq!(status(&one), "cancelled");
    home.run(&["runs", "cancel", &one]).exits(2);
    home.run(&["runs", "delete", &two]).exits(2);
    home.run(&["runs", "delete", &one]).exits(0);
    home.run(&["runs", "show", &one]).exits(2);
    home.run(&["runs", "signal", &two, "go"]).exits(0);
    assert_eq!(status(&two), "succeeded");
    assert_eq!(home.run(&["resume", "--json"]).exits(0).says("nothing to resume").json(), json!({ "runs": [] }));
}

#[test]
fn a_run_that_another_process_follows_can_be_answered_and_cancelled() {
    let home = Home::new();
    home.write(
        "flow.yaml",
        "drawloom: 1\nname: asks\nsteps:\n  - id: begin\n    uses: shell\n    with: { command: touch began }\n  - id: ask\n    wait: { approval: Shall we? }\n  - id: sure\n    wait: { signal: sure }\noutputs: { a: '{{ ask }}', b: '{{ sure }}' }\n",
    );
    let mut command = home.command(&["run", "flow.yaml", "--json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let waits = |home: &Home| home.run(&["runs", "why", "last", "ask", "--json"]).json()[0]["status"] == "waiting";
    wait_for(|| home.path().join("began").exists() && waits(&home));
    home.run(&["runs", "signal", "last", "sure", "--payload", "[1]"]).exits(0);
    home.run(&["runs", "signal", "last", "ask", "--payload", "true"]).exits(0);
    let output = child.wait_with_output().expect("it ends");
    let ran: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(ran["outputs"], json!({ "a": true, "b": [1] }));

    let child =
        home.command(&["run", "flow.yaml", "--json"]).stderr(Stdio::piped()).spawn().expect("the binary starts");
    wait_for(|| home.run(&["runs", "list", "--status", "running", "--json"]).json()[0]["run"].is_string());
    wait_for(|| home.run(&["runs", "cancel", "last"]).code == Some(0));
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "a cancelled run is 1");
    assert!(!home.path().join(".drawloom/store.db.sock").exists());
}

#[test]
fn live_events_are_lines_of_json() {
    let home = Home::new();
    let events = home.flow(FLOW, &["--events"]).exits(0).lines();
    let (run, events) = events.split_last().expect("events");
    assert_eq!(run["status"], "succeeded");
    assert!(events.iter().any(|it| it["event"] == "line" && it["text"] == "hello"));
    assert!(events.iter().any(|it| it["event"] == "step" && it["id"] == "b" && it["status"] == "succeeded"));
    assert!(events.iter().any(|it| it["event"] == "run" && it["status"] == "succeeded"));
}

#[test]
fn a_store_is_described_checked_copied_and_pruned() {
    let home = Home::new();
    let run = id(&home.flow(FLOW, &[]).exits(0).json());
    let info = home.run(&["store", "info", "--json"]).exits(0).json();
    assert_eq!(info["runs"], json!({ "succeeded": 1 }));
    assert_eq!(home.run(&["store", "check", "--json"]).exits(0).json()["sound"], true);
    home.run(&["store", "backup", "copy.db"]).exits(0);
    home.run(&["store", "restore", "copy.db"]).exits(3);
    home.run(&["store", "restore", "copy.db", "--store", "sqlite://new.db"]).exits(0);
    let copied = home.run(&["store", "copy", "sqlite://new.db", "sqlite://newer.db", "--json"]).exits(0);
    assert_eq!(copied.says("each run was replayed").json()["runs"], 1);
    home.run(&["store", "copy", "sqlite://new.db", "sqlite://newer.db"]).exits(3).says("something at");
    home.run(&["store", "copy", "sqlite://new.db", "new.db"]).exits(2).says("itself");
    home.run(&["store", "copy", "sqlite://none.db", "sqlite://other.db"]).exits(3);
    assert!(!home.path().join("other.db").exists(), "nothing is made for nothing");
    let shown = home.run(&["runs", "show", &run, "--store", "sqlite://newer.db", "--json"]).exits(0).json();
    assert_eq!(shown["outputs"], json!({ "a": "hello" }));
    assert_eq!(home.run(&["store", "prune", "--keep", "1", "--json"]).exits(0).json()["runs"], 0);
    assert_eq!(home.run(&["store", "prune", "--keep", "0s", "--json"]).exits(0).json()["runs"], 1);
    home.run(&["store", "prune", "--keep", "soon"]).exits(2);
}

#[test]
fn a_start_with_the_same_key_finds_the_same_run() {
    let home = Home::new();
    let first = home.flow(FLOW, &["--idempotency-key", "k"]).exits(0).json();
    let second = home.flow(FLOW, &["--idempotency-key", "k"]).exits(0).json();
    assert_eq!(id(&first), id(&second));
    assert_eq!(home.read("done"), "a\nb\n");
}

#[test]
fn items_beyond_a_thousand_are_counted() {
    let home = Home::new();
    let text = "drawloom: 1\nname: many\nsteps:\n  - id: m\n    for_each: { in: '{{ range(1500) | list }}', as: n }\n    do: [ { id: x, set: { n: '{{ n }}' } } ]\noutputs: { n: '{{ m | length }}' }\n";
    let ran = home.flow(text, &[]).exits(0).json();
    assert_eq!(ran["outputs"], json!({ "n": 1500 }));
    assert_eq!(ran["steps"].as_array().map(Vec::len), Some(1001));
    assert_eq!(ran["counted"], json!({ "x": { "succeeded": 500 } }));
}
