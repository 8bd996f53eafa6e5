//! Commands on documents: validate, compile, fmt, schema, kinds, init, import.

use serde_json::json;

use crate::support::Home;

const BAD: &str = "drawloom: 1\nname: bad\nsteps:\n  - id: fetch\n    uses: http\n    with: { url: 'https://example.com' }\n  - id: show\n    needs: [fecth]\n    uses: log\n    with: { message: 'hi' }\n    retires: 3\n";

#[test]
fn all_problems_are_said_at_once_with_place_and_code() {
    let home = Home::new();
    home.write("bad.yaml", BAD);
    let ran = home.run(&["validate", "bad.yaml", "--json"]).exits(2);
    let all = ran.json()["diagnostics"].as_array().cloned().unwrap_or_default();
    let find = |code: &str| all.iter().find(|it| it["code"] == code).unwrap_or_else(|| panic!("no {code} in {all:?}"));
    let need = find("DL0303");
    let keys: Vec<&str> = need.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["code", "severity", "message", "help", "line", "column", "end_line", "end_column", "path"]);
    assert_eq!((&need["line"], &need["column"], &need["end_column"]), (&json!(8), &json!(13), &json!(18)));
    assert_eq!(need["path"], "bad.yaml");
    assert!(need["message"].as_str().is_some_and(|it| it.contains("fecth")));
    assert!(need["help"].as_str().is_some_and(|it| it.contains("fetch")));
    assert_eq!(find("DL0201")["line"], 11);
    let text = home.run(&["validate", "bad.yaml"]).exits(2);
    assert!(text.out.is_empty());
    for part in ["DL0303", "bad.yaml:8:13", "^^^^^", "DL0201"] {
        assert!(text.err.contains(part), "{part} is not in\n{}", text.err);
    }
    let run = home.run(&["run", "bad.yaml", "--json"]).exits(2);
    assert_eq!(run.json()["diagnostics"].as_array().map(Vec::len), Some(all.len()));
    assert!(!home.path().join(".drawloom").exists());
}

#[test]
fn several_flows_are_validated_in_one_go_and_stdin_too() {
    let home = Home::new();
    home.write("good.yaml", "drawloom: 1\nname: good\nsteps:\n  - id: a\n    set: { x: 1 }\n");
    home.write("bad.yaml", BAD);
    assert_eq!(home.run(&["validate", "good.yaml", "--json"]).exits(0).json(), json!({ "diagnostics": [] }));
    home.run(&["validate", "good.yaml", "bad.yaml"]).exits(2);
    home.feed(&["validate", "-", "--json"], BAD).exits(2);
    home.write("latin1.yaml", b"drawloom: 1\nname: caf\xe9\n");
    let ran = home.run(&["validate", "latin1.yaml", "--json"]).exits(2).json();
    assert_eq!(ran["diagnostics"][0]["code"], "DL0102");
}

#[test]
fn the_starter_runs_and_is_formatted() {
    let home = Home::new();
    home.run(&["init", "first"]).exits(0);
    let text = home.read("first.yaml");
    assert!(text.contains("# ") && text.contains("name: first"));
    home.run(&["run", "first.yaml", "--input", "name=Ada", "--json"]).exits(0);
    home.run(&["fmt", "--check", "first.yaml"]).exits(0);
    home.run(&["init", "first"]).exits(2);
    assert_eq!(home.read("first.yaml"), text, "what is there is not overwritten");
    home.run(&["init", "No Name"]).exits(2);
}

#[test]
fn fmt_keeps_comments() {
    let home = Home::new();
    home.write(
        "flow.yaml",
        "drawloom:   1   # the language\nname: x\n\n\n\nsteps:\n- {uses: log, id: a, with: {message: hi}} # says hi\n",
    );
    home.run(&["fmt", "--check", "flow.yaml"]).exits(1);
    home.run(&["fmt", "flow.yaml"]).exits(0);
    let text = home.read("flow.yaml");
    assert!(text.contains("# the language") && text.contains("# says hi") && text.contains("drawloom: 1"), "{text}");
    home.run(&["fmt", "--check", "flow.yaml"]).exits(0);
    assert_eq!(home.feed(&["fmt", "-"], &text).exits(0).out, text);
}

#[test]
fn compile_shows_the_blueprint() {
    let home = Home::new();
    home.write("flow.yaml", "drawloom: 1\nname: c\nsteps:\n  - id: a\n    set: { x: '{{ 1 + 1 }}' }\n  - id: b\n    uses: log\n    with: { message: '{{ a.x }}' }\n");
    let text = home.run(&["compile", "flow.yaml", "--explain"]).exits(0).out;
    assert!(text.contains("passes"), "{text}");
    let optimised = home.run(&["compile", "flow.yaml", "--json"]).exits(0).json();
    let plain = home.run(&["compile", "flow.yaml", "-O0", "--json"]).exits(0).json();
    assert_eq!(optimised["flow"], "c");
    assert_eq!(plain["steps"].as_array().map(Vec::len), Some(2));
    home.run(&["compile", "flow.yaml", "-O7"]).exits(2);
}

#[test]
fn kinds_and_schema_describe_themselves() {
    let home = Home::new();
    let kinds = home.run(&["kinds", "--json"]).exits(0).json();
    let names: Vec<&str> = kinds.as_array().expect("a list").iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["http", "shell", "code", "transform", "log"]);
    assert!(home.run(&["kinds", "http"]).exits(0).out.contains("```yaml"));
    assert_eq!(home.run(&["kinds", "http", "--json"]).exits(0).json()["with"]["type"], "object");
    let schema = home.run(&["schema"]).exits(0).json();
    assert!(schema["properties"]["steps"].is_object(), "{schema}");
}

#[test]
fn documents_of_other_tools_are_converted_and_run() {
    let home = Home::new();
    home.write(
        "kinds.json",
        r#"{"name": "k", "nodes": [{"id": "one", "kind": "Action", "action": "log", "params": {"message": "hello"}}]}"#,
    );
    let text = home.run(&["import", "kinds.json"]).exits(0).out;
    assert!(text.starts_with("drawloom: 1"), "{text}");
    home.write("flow.yaml", &text);
    home.run(&["validate", "flow.yaml"]).exits(0);
    assert_eq!(home.run(&["run", "kinds.json", "--json"]).exits(0).json()["status"], "succeeded");
    home.write("other.json", r#"{"what": "ever"}"#);
    home.run(&["import", "other.json"]).exits(2);
}

#[test]
fn foreign_documents_are_read_in_yaml_too_and_say_what_is_lost_in_their_own_places() {
    let home = Home::new();
    home.write(
        "kinds.yaml",
        "name: k\nnodes:\n  - { id: one, kind: Action, action: log, params: { message: hello } }\n  - { id: two, kind: Teleport }\n",
    );
    let said = home.run(&["validate", "kinds.yaml", "--json"]).exits(0).json();
    let lost = &said["diagnostics"][0];
    assert_eq!((&lost["code"], &lost["severity"]), (&"DL1002".into(), &"warning".into()), "{said}");
    assert_eq!((&lost["line"], &lost["column"], &lost["path"]), (&4.into(), &5.into(), &"kinds.yaml".into()), "{said}");
    let shown = home.run(&["validate", "kinds.yaml"]).exits(0).err;
    assert!(shown.contains("warning[DL1002]") && shown.contains("kinds.yaml:4:5"), "{shown}");
    let imported = home.run(&["import", "kinds.yaml"]).exits(0);
    assert!(imported.out.starts_with("drawloom: 1") && imported.err.contains("DL1002"), "{}", imported.err);
    let imported = home.run(&["import", "kinds.yaml", "--json"]).exits(0).json();
    assert_eq!(imported["diagnostics"][0]["line"], 4, "{imported}");
    let ran = home.run(&["run", "kinds.yaml"]).exits(1);
    assert!(ran.err.contains("DL1002"), "{}", ran.err);

    home.write(
        "circle.yaml",
        "nodes:\n  - { id: a, kind: Action, action: log, depends_on: [b], params: { message: x } }\n  - { id: b, kind: Action, action: log, depends_on: [a], params: { message: x } }\n",
    );
    let said = home.run(&["validate", "circle.yaml", "--json"]).exits(2).json();
    assert_eq!(said["diagnostics"][0]["code"], "DL0304", "{said}");
    assert_eq!(said["diagnostics"][0]["path"], "circle.yaml (converted)", "{said}");
}
