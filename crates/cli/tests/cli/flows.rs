//! Published flows: publish, apply, versions, diff, rollback, run by name.

use serde_json::json;

use crate::support::Home;

fn flow(value: u32) -> String {
    format!(
        "drawloom: 1\nname: answer\nsteps:\n  - id: a\n    set: {{ x: {value} }}\noutputs: {{ x: '{{{{ a.x }}}}' }}\n"
    )
}

#[test]
fn a_flow_is_published_run_changed_and_rolled_back() {
    let home = Home::new();
    home.write("a.yaml", flow(1));
    assert_eq!(home.run(&["flows", "publish", "a.yaml"]).exits(0).out, "answer@1\n");
    assert_eq!(home.run(&["flows", "publish", "a.yaml"]).exits(0).out, "answer@1\n", "what did not change is not new");
    home.write("a.yaml", flow(2));
    assert_eq!(home.run(&["flows", "publish", "a.yaml", "--note", "two"]).exits(0).out, "answer@2\n");
    let ran = home.run(&["run", "answer", "--json"]).exits(0).json();
    assert_eq!((&ran["outputs"], &ran["version"]), (&json!({ "x": 2 }), &json!(2)));
    assert_eq!(home.run(&["run", "answer@1", "--json"]).exits(0).json()["outputs"], json!({ "x": 1 }));
    home.run(&["run", "answer@3"]).exits(2).says("answer@3");
    let versions = home.run(&["flows", "versions", "answer", "--json"]).exits(0).json();
    assert_eq!(versions.as_array().map(Vec::len), Some(2));
    assert_eq!(versions[0]["note"], "two");
    let diff = home.run(&["flows", "diff", "answer@1", "answer@2", "--json"]).exits(0).json();
    assert_eq!(diff["added"], json!(["    set: { x: 2 }"]));
    assert_eq!(diff["removed"], json!(["    set: { x: 1 }"]));
    home.run(&["flows", "rollback", "answer", "1"]).exits(0);
    assert_eq!(home.run(&["run", "answer", "--json"]).exits(0).json()["outputs"], json!({ "x": 1 }));
    assert_eq!(home.run(&["flows", "show", "answer"]).exits(0).out, flow(1));
    home.run(&["flows", "rollback", "answer", "9"]).exits(2);
    assert_eq!(home.run(&["flows", "list", "--json"]).exits(0).json()[0]["version"], 1);
}

#[test]
fn a_folder_is_applied_whole_or_not_at_all() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("flows")).expect("a folder");
    home.write("flows/answer.yaml", flow(1));
    home.write("flows/bad.yaml", "drawloom: 1\nname: bad\n");
    home.run(&["apply", "flows"]).exits(2);
    assert!(!home.path().join(".drawloom").exists());
    home.write("flows/bad.yaml", "drawloom: 1\nname: good\nsteps:\n  - id: a\n    set: { x: 1 }\n");
    let applied = home.run(&["apply", "flows", "--json"]).exits(0).json();
    assert_eq!(applied["flows"], json!([{ "flow": "answer", "version": 1 }, { "flow": "good", "version": 1 }]));
    home.run(&["apply", "nowhere"]).exits(2);
}
