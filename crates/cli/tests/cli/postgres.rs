//! The binary on PostgreSQL: crashes as on a file, owners that are paused and wake up, servers that cannot be used.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{crash, exits::wait_for, server::Postgres};

/// A run whose second step waits until there is a file, and whose third leaves a line.
pub(crate) const GATED: &str = "drawloom: 1\nname: gated\nsteps:\n  - id: a\n    uses: shell\n    with: { command: 'echo a >> done' }\n  \
    - id: gate\n    uses: shell\n    with: { command: 'while [ ! -e open ]; do sleep 0.05; done; echo gate >> done' }\n  \
    - id: b\n    uses: shell\n    with: { command: 'echo b >> done' }\noutputs: { x: 1 }\n";

fn signal(child: &Child, signal: &str) {
    let done = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill is there");
    assert!(done.success());
}

#[test]
fn what_is_journaled_is_never_done_again_on_postgres() {
    let server = Postgres::start();
    let home = server.home();
    // A killed owner is waited for a second before its runs are taken, so the moments begin behind that.
    crash::kill_and_resume(&home, 6, |kill| Duration::from_millis(1_150 + 137 * kill % 400));
}

#[test]
fn an_owner_that_was_paused_and_wakes_up_writes_nothing() {
    let server = Postgres::start();
    let home = server.home();
    home.write("flow.yaml", GATED);
    let mut paused = home.command(&["run", "flow.yaml", "--json"]);
    let paused = paused.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    wait_for(|| home.read("done").contains('a'));
    // The step is under way; its facts are journaled before it begins.
    home.run(&["resume", "--quiet"]).exits(3).says("is in use by process");
    signal(&paused, "-STOP");
    home.write("open", "");
    let start = Instant::now();
    loop {
        let other = home.run(&["resume", "--json"]);
        if other.code != Some(3) {
            other.exits(0);
            break;
        }
        other.says("is in use by process");
        assert!(start.elapsed() < Duration::from_secs(30), "the lease ends");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(start.elapsed() > Duration::from_secs(2), "a lease that was renewed just now holds: {:?}", start.elapsed());
    let before = home.run(&["runs", "list", "--json"]).exits(0).json();
    let run = before[0]["run"].as_str().expect("a run").to_owned();
    let facts = home.run(&["runs", "facts", &run, "--json"]).exits(0).out;

    signal(&paused, "-CONT");
    let woken = paused.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&woken.stderr);
    assert_eq!(woken.status.code(), Some(3), "{said}");
    assert!(said.contains("belongs to epoch"), "{said}");
    assert_eq!(home.run(&["runs", "facts", &run, "--json"]).exits(0).out, facts, "a former owner writes nothing");
    assert_eq!(home.run(&["runs", "list", "--json"]).exits(0).json(), before);
    home.run(&["store", "check"]).exits(0);
}

#[test]
fn a_server_that_restarts_in_mid_run_only_delays_it() {
    let server = Postgres::own();
    let home = server.home();
    home.write("flow.yaml", crash::chain());
    let mut running = home.command(&["run", "flow.yaml", "--json"]);
    let running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    for mode in ["immediate", "fast", "immediate"] {
        let before = home.read("done").lines().count();
        wait_for(|| home.read("done").lines().count() > before + 3);
        server.ctl(&format!("-m {mode} restart"));
    }
    let ended = running.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{text}\n{}", String::from_utf8_lossy(&ended.stderr));
    let ended: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(ended["outputs"], json!({ "last": crash::STEPS.to_string() }));
    assert!(crash::done(&home).values().all(|it| *it == 1), "no step was done twice");
    home.run(&["store", "check"]).exits(0);
}

#[test]
fn a_server_that_cannot_be_used_is_3_and_says_what_to_do() {
    let server = Postgres::start();
    let home = server.home();
    let (start, _) = server.url.rsplit_once('/').expect("a URL");
    for (url, says) in [
        (format!("{start}/no_such_db"), "createdb no_such_db"),
        ("postgres://x@127.0.0.1:1/x".to_owned(), "start it, or check the store's URL"),
        ("postgres://x@no-such-host.invalid/x".to_owned(), "no-such-host.invalid"),
        (format!("{}?sslmode=verify-full", server.url), "sslmode"),
        (format!("{}?schema=Big", server.url), "use small letters"),
        (format!("{}?schema=nothing_here", server.url), "there is no store"),
    ] {
        home.run(&["runs", "list", "--store", &url]).exits(3).says(says);
    }
    home.run(&["store", "info", "--json"]).exits(3).says("there is no store");
    home.write("flow.yaml", GATED);
    home.write("open", "");
    home.run(&["run", "flow.yaml"]).exits(0);
    let info = home.run(&["store", "info", "--json"]).exits(0).json();
    assert_eq!((&info["kind"], &info["runs"]["succeeded"]), (&json!("postgres"), &json!(1)));
    home.run(&["store", "backup", "x.db"]).exits(3).says("pg_dump");
    home.run(&["store", "prune", "--keep", "0"]).exits(0);
    home.run(&["doctor"]).exits(0);
}

#[test]
fn a_published_flow_is_run_by_its_name() {
    let server = Postgres::start();
    let home = server.home();
    home.write("flow.yaml", GATED);
    home.write("open", "");
    home.run(&["run", "gated"]).exits(3).says("there is no store");
    home.run(&["flows", "publish", "flow.yaml"]).exits(0);
    assert_eq!(home.run(&["run", "gated", "--json"]).exits(0).json()["outputs"], json!({ "x": 1 }));
    home.run(&["run", "unknown"]).exits(2).says("no published flow `unknown`");
}
