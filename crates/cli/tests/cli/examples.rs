//! Every example is valid, runs, and gives what its text says.

use serde_json::{Value as Json, json};

use crate::support::{Home, repository};

fn path(name: &str) -> String {
    repository().join("examples/flows").join(name).with_extension("yaml").to_string_lossy().into_owned()
}

/// Runs an example and gives its outputs.
#[track_caller]
fn outputs(home: &Home, name: &str, args: &[&str]) -> Json {
    let path = path(name);
    let ran = home.run(&[&["run", path.as_str(), "--json"], args].concat()).exits(0).json();
    assert_eq!(ran["status"], "succeeded");
    assert_eq!(ran["error"], Json::Null);
    ran["outputs"].clone()
}

#[track_caller]
fn in_shop(name: &str, args: &[&str]) -> Json {
    let (home, shop) = Home::with_shop();
    let shop = shop.input();
    outputs(&home, name, &[&["--input", shop.as_str()], args].concat())
}

#[test]
fn every_example_is_valid_and_has_a_test_here() {
    let tests = include_str!("examples.rs");
    let home = Home::new();
    let mut count = 0;
    for entry in std::fs::read_dir(repository().join("examples/flows")).expect("the examples are there") {
        let path = entry.expect("a file").path();
        let Some(name) = path.file_stem().filter(|_| path.is_file()).map(|it| it.to_string_lossy().into_owned()) else {
            continue;
        };
        let ran = home.run(&["validate", &path.to_string_lossy(), "--json"]).exits(0);
        assert_eq!(ran.json(), json!({ "diagnostics": [] }), "{name}");
        assert!(tests.contains(&format!("\"{name}\"")), "the example `{name}` is not run here");
        count += 1;
    }
    assert!(count >= 12);
}

#[test]
fn hello_greets() {
    let home = Home::new();
    let greeting = |args: &[&str]| outputs(&home, "hello", args)["greeting"].as_str().unwrap_or_default().to_owned();
    assert!(greeting(&[]).starts_with("Hello, World! It is "));
    assert!(greeting(&["--input", "name=ada"]).starts_with("Hello, Ada!"));
}

#[test]
fn etl_ranks_the_customers() {
    let outputs = in_shop("etl", &["--input", "top=2"]);
    assert_eq!(outputs["orders"], 13);
    assert_eq!(outputs["best"], json!(["Ken,263.83", "Alan,253.3"]));
}

#[test]
fn pagination_reads_every_page() {
    let outputs = in_shop("pagination", &[]);
    assert_eq!(outputs["count"], 13);
    assert_eq!(outputs["customers"][12], "Frances");
}

#[test]
fn fan_out_survives_items_that_fail() {
    let expected = json!({ "found": ["Ada", "Grace", "Alan", "Edsger"], "missing": 1 });
    assert_eq!(in_shop("fan-out", &[]), expected);
}

#[test]
fn fastest_does_not_wait_for_the_slow_mirror() {
    let began = std::time::Instant::now();
    assert_eq!(in_shop("fastest", &[]), json!({ "mirror": "fast" }));
    assert!(began.elapsed().as_secs() < 5, "the slow mirror takes 5 s");
}

#[test]
fn retry_tries_again_until_the_service_is_there() {
    assert_eq!(in_shop("retry", &["--input", "fails=2"]), json!({ "tries": 3 }));
}

#[test]
fn poll_waits_for_the_job() {
    assert_eq!(in_shop("poll", &[]), json!({ "result": 42 }));
}

#[test]
fn switch_takes_the_first_arm_that_fits() {
    let home = Home::new();
    let class = |kilos: &str| outputs(&home, "switch", &["--input", &format!("kilos={kilos}")])["class"].clone();
    assert_eq!([class("0.5"), class("10"), class("10.5")], ["letter", "parcel", "freight"]);
}

#[test]
fn rescue_catches_the_error() {
    let home = Home::new();
    let rescued = outputs(&home, "rescue", &[]);
    assert_eq!(rescued["from"], "default");
    assert!(rescued["text"].as_str().is_some_and(|it| it.contains("read: failed")), "{rescued}");
    home.write("note.txt", "a note\n");
    let file = home.path().join("note.txt");
    let read = outputs(&home, "rescue", &["--input", &format!("file={}", file.display())]);
    assert_eq!(read, json!({ "text": "a note\n", "from": "file" }));
}

#[test]
fn saga_undoes_in_reverse_order() {
    assert_eq!(in_shop("saga", &[]), json!({ "tracking": "T-1000" }));
    let (home, shop) = Home::with_shop();
    let (path, shop) = (path("saga"), shop.input());
    let args = ["run", &path, "--json", "--input", &shop, "--input", "country=XX"];
    let ran = home.run(&args).exits(1).json();
    assert_eq!(ran["status"], "failed");
    assert_eq!(ran["outputs"], Json::Null);
    let steps = ran["steps"].as_array().expect("a list of steps");
    let find = |id: &str| steps.iter().find(|it| it["id"] == id).unwrap_or_else(|| panic!("no step {id} in {steps:?}"));
    assert_eq!(find("refund")["status"], "succeeded");
    assert!(find("release")["ended_at"].as_str() <= find("refund")["started_at"].as_str());
}

#[test]
fn approval_waits_for_its_signal() {
    let home = Home::new();
    let path = path("approval");
    let run = home.run(&["run", &path, "--detach"]).exits(0).out.trim().to_owned();
    home.run(&["runs", "signal", &run, "approved", "--payload", r#"{"by": "Ada"}"#]).exits(0);
    let ended = home.run(&["resume", &run, "--json"]).exits(0).json();
    assert_eq!(ended["outputs"], json!({ "approved_by": "Ada" }));
    assert_eq!(outputs(&home, "approval", &["--input", "amount=5"]), json!({ "approved_by": "nobody" }));
}

#[test]
fn alert_runs_only_after_a_failure() {
    let home = Home::new();
    assert_eq!(outputs(&home, "alert", &[]), json!({ "alerted": false }));
    let ran = home.run(&["run", &path("alert"), "--json", "--input", "healthy=false"]).exits(1).json();
    let status = |id: &str| {
        let steps = ran["steps"].as_array().expect("a list of steps");
        steps.iter().find(|it| it["id"] == id).map(|it| it["status"].clone())
    };
    assert_eq!(status("alert"), Some(json!("succeeded")));
    assert_eq!(status("summary"), Some(json!("succeeded")));
}

#[test]
fn sub_flows_are_runs_of_their_own() {
    let (home, shop) = Home::with_shop();
    let expected = json!({ "prices": [9.5, 143.98, 253.3], "total": 406.78 });
    assert_eq!(outputs(&home, "sub-flows", &["--input", &shop.input()]), expected);
    let runs = home.run(&["runs", "list", "--flow", "price", "--json"]).exits(0).json();
    assert_eq!(runs.as_array().map(Vec::len), Some(3));
}

#[test]
fn json_is_turned_into_a_table() {
    let home = Home::new();
    let table = outputs(&home, "json", &[]);
    assert_eq!(table["best"], "Ada");
    assert_eq!(table["rows"][1], json!({ "id": 2, "customer": "Grace", "sum": 10 }));
    assert_eq!(table["digest"].as_str().map(str::len), Some(12));
}

#[test]
fn caching_computes_once() {
    let home = Home::new();
    assert_eq!(outputs(&home, "caching", &["--input", "number=20"]), json!({ "fib": 6765 }));
    assert_eq!(outputs(&home, "caching", &["--input", "number=20"]), json!({ "fib": 6765 }));
}

#[test]
fn secrets_are_hidden() {
    let (home, shop) = Home::with_shop();
    home.feed(&["secrets", "set", "SHOP_TOKEN", "--stdin"], "open-sesame\n").exits(0);
    let expected = json!({ "vault": "gold", "leaked": "the token is ***" });
    assert_eq!(outputs(&home, "secrets", &["--input", &shop.input()]), expected);
}
