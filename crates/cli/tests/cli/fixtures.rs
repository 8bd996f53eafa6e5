//! Stores that earlier versions wrote: this one loads them, finds nothing wrong, and finishes their runs.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value as Json, json};

use crate::support::Home;

/// What to do where this fails.
const ADVICE: &str = "this version cannot go on with what an earlier one wrote. Facts, blueprints and stores that exist \
     must stay readable: give new fields new numbers and make them optional, migrate the schema of the store, and never \
     renumber or reuse anything. Do not write the fixture again: see crates/cli/tests/fixtures/README.md";

/// What the runs of the flows return.
fn expected() -> BTreeMap<&'static str, Json> {
    BTreeMap::from([
        ("child", json!({ "double": "42" })),
        ("compensate", json!({ "refunded": "paid back" })),
        ("ended", json!({ "text": "one and 3", "sum": 8, "list": [1, 2.5, null, true, "ü"] })),
        ("loop", json!({ "n": 3, "way": "fast", "pick": "three" })),
        ("map", json!({ "all": [{ "v": "a0" }, { "v": "b1" }, null, { "v": "d3" }] })),
        ("parent", json!({ "double": "42" })),
        ("retry", json!({ "out": "done" })),
        ("signal", json!({ "word": "hello", "before": 1 })),
    ])
}

#[test]
fn stores_of_earlier_versions_are_finished() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the fixtures") {
        let store = entry.expect("a fixture").path().join("store.db");
        if store.exists() {
            finish(&store);
            count += 1;
        }
    }
    assert!(count > 0, "there are no fixtures: cargo xtask fixtures NAME");
}

fn runs(home: &Home) -> Vec<(String, String, String)> {
    let list = home.run(&["runs", "list", "--json"]).exits(0).json();
    let list = list["runs"].as_array().or(list.as_array()).expect("a list of runs").clone();
    let text = |it: &Json, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    list.iter().map(|it| (text(it, "run"), text(it, "flow"), text(it, "status"))).collect()
}

fn finish(store: &Path) {
    let home = Home::new();
    home.run(&["store", "restore", store.to_str().expect("a path")]).exits(0);
    let check = home.run(&["store", "check"]);
    assert_eq!(check.code, Some(0), "{}: {ADVICE}\n{}{}", store.display(), check.out, check.err);
    let before = runs(&home);
    assert_eq!(before.len(), expected().len(), "{}: {ADVICE}", store.display());
    assert!(before.iter().filter(|(_, _, status)| status == "running").count() >= 6, "{before:?}");
    home.write("ready", "");
    for (run, flow, _) in &before {
        let times = if flow == "map" { 2 } else { 1 };
        for _ in 0..times {
            if !matches!(flow.as_str(), "ended" | "retry" | "parent") {
                home.run(&["runs", "signal", run, "go", "--payload", r#"{"word":"hello"}"#]).exits(0);
            }
        }
    }
    home.run(&["resume", "--quiet"]).exits(0);
    let ended = home.run(&["store", "check"]);
    assert_eq!(ended.code, Some(0), "{}: {ADVICE}\n{}{}", store.display(), ended.out, ended.err);
    for (run, flow, status) in runs(&home) {
        let view = home.run(&["runs", "show", &run, "--json"]).exits(0).json();
        assert_eq!(status, "succeeded", "{} of {}: {ADVICE}\n{view:#}", flow, store.display());
        assert_eq!(view["outputs"], expected()[flow.as_str()], "{} of {}: {ADVICE}", flow, store.display());
    }
}
