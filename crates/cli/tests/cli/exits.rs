//! Exit codes, and what is said with them.

use std::process::Stdio;

use serde_json::{Value as Json, json};

use crate::support::Home;

const FAILS: &str =
    "drawloom: 1\nname: fails\nsteps:\n  - id: a\n    uses: shell\n    with: { command: 'echo no >&2; exit 3' }\n";
const SUM: &str = "drawloom: 1\nname: sum\ninputs:\n  n: { type: integer }\n  s: { type: string, default: x }\nsteps:\n  - id: a\n    set: { n: '{{ inputs.n + 1 }}' }\noutputs: { n: '{{ a.n }}', s: '{{ inputs.s }}' }\n";

#[test]
fn a_run_that_succeeds_is_0_and_its_object_is_as_documented() {
    let ran = Home::new().flow(SUM, &["--input", "n=41"]).exits(0).json();
    let keys: Vec<&str> = ran.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["run", "flow", "version", "status", "outputs", "error", "steps"]);
    assert_eq!(ran["flow"], "sum");
    assert_eq!(ran["status"], "succeeded");
    assert_eq!(ran["outputs"], json!({ "n": 42, "s": "x" }));
    assert_eq!(ran["error"], Json::Null);
    assert_eq!(ran["run"].as_str().map(str::len), Some(26));
    let step = ran["steps"][0].as_object().expect("a step");
    let keys: Vec<&str> = step.keys().map(String::as_str).collect();
    assert_eq!(keys, ["id", "path", "status", "attempts", "started_at", "ended_at", "error"]);
    assert_eq!((&step["id"], &step["path"], &step["status"]), (&json!("a"), &json!("a"), &json!("succeeded")));
    assert!(step["started_at"].as_str().is_some_and(|it| it.ends_with('Z')));
}

#[test]
fn a_run_that_fails_is_1_and_says_why() {
    let ran = Home::new().flow(FAILS, &[]).exits(1).json();
    assert_eq!(ran["status"], "failed");
    assert_eq!(ran["outputs"], Json::Null);
    assert_eq!(ran["error"]["class"], "failed");
    assert_eq!(ran["error"]["step"], "a");
    assert_eq!(ran["steps"][0]["status"], "failed");
    assert_eq!(ran["steps"][0]["attempts"], 1);
}

#[test]
fn inputs_are_read_by_their_type_and_wrong_ones_are_2_and_named() {
    let home = Home::new();
    let outputs = home.flow(SUM, &["--input", "n=1", "--input", "s=7"]).exits(0).json();
    assert_eq!(outputs["outputs"], json!({ "n": 2, "s": "7" }));
    home.write("inputs.json", r#"{"n": 5, "s": "file"}"#);
    let outputs = home.flow(SUM, &["--inputs", "inputs.json", "--input", "n=6"]).exits(0).json();
    assert_eq!(outputs["outputs"], json!({ "n": 7, "s": "file" }));
    let outputs = home.feed(&["run", "flow.yaml", "--json", "--inputs", "-"], r#"{"n": 9}"#).exits(0).json();
    assert_eq!(outputs["outputs"]["n"], 10);

    let home = Home::new();
    for (args, name) in [
        (vec![], "n"),
        (vec!["--input", "n=many"], "n"),
        (vec!["--input", "n=1", "--input", "m=2"], "m"),
        (vec!["--input", "n"], "name=value"),
        (vec!["--inputs", "no-such-file.json"], "no-such-file.json"),
    ] {
        let ran = home.flow(SUM, &args).exits(2);
        assert!(ran.err.contains(name), "{args:?}: {}", ran.err);
        let message = ran.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains(name), "{args:?}: {message}");
    }
    assert!(!home.path().join(".drawloom").exists(), "bad input starts nothing, and makes no store");
}

#[test]
fn bad_usage_and_unknown_names_are_2() {
    let home = Home::new();
    home.run(&["fly"]).exits(2);
    home.run(&["run"]).exits(2);
    home.run(&["run", "no-such-file.yaml"]).exits(2).says("no-such-file.yaml");
    home.run(&["run", "no-such-flow"]).exits(2).says("no-such-flow");
    assert!(!home.path().join(".drawloom").exists());
    home.flow(SUM, &["--input", "n=1"]).exits(0);
    home.run(&["runs", "show", "7zzzzzzz"]).exits(2).says("7zzzzzzz");
    home.run(&["kinds", "htpp"]).exits(2).says("htpp");
    home.run(&["runs", "cancel"]).exits(2).says("no run is named");
    home.run(&["runs", "list", "--where", "colour = red"]).exits(2).says("colour");
}

#[test]
fn a_store_that_cannot_be_used_is_3() {
    let home = Home::new();
    home.write("flow.yaml", SUM);
    let with = |store: &str| home.run(&["run", "flow.yaml", "--input", "n=1", "--store", store]).exits(3);
    with("postgres://127.0.0.1:1/x").says("no PostgreSQL server answers");
    with("redis://localhost").says("not in this version");
    with("nonsense:x");
    home.write("file", "I am no folder");
    with("sqlite://file/store.db");
    home.write("bad.db", "This is no SQLite file, but it is long enough to look like something. ".repeat(50));
    let ran = home.run(&["run", "flow.yaml", "--input", "n=1", "--store", "sqlite://bad.db", "--json"]).exits(3);
    assert!(ran.json()["error"]["code"].is_string());
    home.run(&["runs", "list", "--store", "sqlite://none.db"]).exits(3).says("there is no store");
}

#[test]
fn a_second_process_on_the_same_store_is_refused_but_may_look() {
    let home = Home::new();
    home.write("flow.yaml", "drawloom: 1\nname: slow\nsteps:\n  - id: a\n    uses: shell\n    with: { command: 'touch began; while ! test -e stop; do sleep 0.05; done' }\n");
    let mut first = home.command(&["run", "flow.yaml"]).spawn().expect("the binary starts");
    wait_for(|| home.path().join("began").exists());
    home.run(&["resume"]).exits(3).says("in use by process");
    let runs = home.run(&["runs", "list", "--json"]).exits(0).json();
    assert_eq!(runs[0]["status"], "running");
    home.write("stop", "");
    assert!(first.wait().is_ok_and(|it| it.success()));
}

#[test]
fn an_interrupted_run_is_130_and_goes_on_later() {
    let home = Home::new();
    home.write("flow.yaml", "drawloom: 1\nname: slow\nsteps:\n  - id: a\n    uses: shell\n    with: { command: 'echo began >> log; test -e go || exec sleep 60' }\noutputs: { done: true }\n");
    let mut command = home.command(&["run", "flow.yaml", "--json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    wait_for(|| home.read("log").contains("began"));
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.is_ok_and(|it| it.success()));
    let output = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{err}");
    let ran: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(ran["status"], "running");
    assert!(err.contains(&format!("drawloom resume {}", ran["run"].as_str().unwrap_or_default())), "{err}");
    home.write("go", "");
    assert_eq!(home.run(&["resume", "--json"]).exits(0).json()["runs"][0]["outputs"], json!({ "done": true }));
    assert_eq!(home.read("log").lines().count(), 2, "the attempt that was stopped was handed out again");
}

/// Waits until something is so, a minute at most.
pub(crate) fn wait_for(mut is_so: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed().as_secs() < 60, "it did not happen");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
