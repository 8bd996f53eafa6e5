//! Many open runs, and few open files.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{after, shim, spawn, wait};
use crate::{exits::wait_for, support::Home};

const RUNS: usize = 10_000;

/// The most memory that a process has had, in MiB.
fn most_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    line.and_then(|it| it.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1_024
}

/// Waits for thousands of runs, and looks seldom enough not to be what they wait for.
fn wait_long_for(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(240), "it did not happen");
        thread::sleep(Duration::from_millis(250));
    }
}

#[test]
fn ten_thousand_open_runs_survive_a_kill_and_hold_up_nobody() {
    let Some(library) = shim::library() else { return };
    let home = Home::new();
    home.write("ahead", "0");
    home.write(
        "child.yaml",
        "drawloom: 1\nname: child\ninputs: { n: integer }\nsteps:\n  - { id: nap, wait: { for: 10h } }\noutputs: { n: '{{ inputs.n }}' }\n",
    );
    home.write(
        "parent.yaml",
        format!(
            "drawloom: 1\nname: parent\nsteps:\n  - id: each\n    for_each: {{ in: '{{{{ range({RUNS}) }}}}', as: it, concurrency: {RUNS} }}\n    \
             do:\n      - {{ id: c, flow: ./child.yaml, with: {{ n: '{{{{ it }}}}' }} }}\noutputs: {{ last: '{{{{ each[{}].n }}}}' }}\n",
            RUNS - 1
        ),
    );
    home.write(
        "one.yaml",
        "drawloom: 1\nname: one\nsteps:\n  - { id: a, uses: shell, with: { command: 'echo a' } }\noutputs: { x: 1 }\n",
    );
    let open = || home.run(&["store", "info", "--json"]).json()["runs"]["running"].as_u64().unwrap_or(0);
    let command = |args: &[&str]| {
        let mut command = home.command(args);
        command.env("LD_PRELOAD", library).env("FAULTS_CLOCK", home.path().join("ahead"));
        command
    };
    let mut child = spawn(command(&["run", "parent.yaml", "-q"]));
    wait_long_for(|| open() == RUNS as u64 + 1);
    child.kill().expect("it can be killed");
    child.wait().expect("it is gone");

    let began = Instant::now();
    home.run(&["run", "one.yaml"]).exits(0);
    assert!(began.elapsed() < Duration::from_secs(10), "a new run waited {:?}", began.elapsed());
    let child = spawn(command(&["resume", "--json", "-q"]));
    // The socket is there when it has looked at all runs.
    wait_for(|| home.path().join(".drawloom/store.db.sock").exists());
    let began = Instant::now();
    home.run(&["runs", "signal", "last", "nothing"]);
    assert!(began.elapsed() < Duration::from_secs(10), "an answer took {:?}", began.elapsed());
    home.write("ahead", "36100");
    wait_long_for(|| open() < RUNS as u64 / 2);
    let memory = most_memory(child.id());
    assert!((1..500).contains(&memory), "{memory} MiB");
    let ended = wait(child, &["resume"]).exits(0).json();
    assert_eq!(ended["runs"][0]["outputs"], json!({ "last": RUNS - 1 }));
    assert_eq!(open(), 0);
}

fn many(items: usize) -> String {
    format!(
        "drawloom: 1\nname: many\nsteps:\n  - id: items\n    for_each: {{ in: '{{{{ range({items}) }}}}', as: it, concurrency: {items} }}\n    \
         do: [ {{ id: s, uses: shell, with: {{ command: 'sleep 0.1; echo {{{{ it }}}}' }} }} ]\noutputs: {{ n: '{{{{ items | length }}}}' }}\n"
    )
}

#[test]
fn with_few_files_attempts_wait_for_each_other() {
    let home = Home::new();
    home.write("flow.yaml", many(60));
    let args = ["run", "flow.yaml", "--json"];
    let ran = wait(spawn(after(&home, "ulimit -n 80;", &args)), &args).exits(0).json();
    assert_eq!(ran["outputs"], json!({ "n": 60 }));
    // A soft limit is raised as far as the attempts need it.
    let began = Instant::now();
    let ran = wait(spawn(after(&home, "ulimit -Sn 80;", &args)), &args).exits(0).json();
    assert_eq!(ran["outputs"], json!({ "n": 60 }));
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn with_few_files_requests_wait_for_each_other() {
    let (home, shop) = Home::with_shop();
    home.write(
        "flow.yaml",
        "drawloom: 1\nname: gets\ninputs: { shop: string }\nsteps:\n  - id: items\n    for_each: { in: '{{ range(60) }}', as: it, concurrency: 60 }\n    \
         do: [ { id: s, uses: http, with: { url: '{{ inputs.shop }}/' , expect: [200, 404] } } ]\noutputs: { n: '{{ items | length }}' }\n",
    );
    let args = ["run", "flow.yaml", "--json", "--input", &shop.input()];
    let ran = wait(spawn(after(&home, "ulimit -n 80;", &args)), &args).exits(0).json();
    assert_eq!(ran["outputs"], json!({ "n": 60 }));
}

#[test]
fn with_hardly_any_file_the_step_says_so_and_no_run_is_lost() {
    let home = Home::new();
    home.write("flow.yaml", many(3));
    let run = home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
    for files in [8, 10, 12, 14, 16, 18, 20] {
        let args = ["resume", &run, "--json"];
        let ran = wait(spawn(after(&home, &format!("ulimit -n {files};"), &args)), &args);
        match ran.code {
            Some(0) => break,
            Some(1) => {
                let failed = ran.json();
                assert_eq!(failed["error"]["class"], "unavailable", "{ran:?}");
                assert!(failed["error"]["message"].as_str().is_some_and(|it| it.contains("ulimit -n")), "{ran:?}");
                break;
            }
            Some(2 | 3) => assert!(ran.err.contains("error"), "{ran:?}"),
            _ => panic!("{files} files: {ran:?}"),
        }
    }
    let view = home.run(&["runs", "show", &run, "--json"]).exits(0).json();
    if view["status"] == "failed" {
        home.run(&["runs", "fork", &run]).exits(0);
    }
    home.run(&["resume", "-q"]).exits(0);
    assert_eq!(home.run(&["runs", "show", "last", "--json"]).json()["outputs"], json!({ "n": 3 }));
    home.run(&["store", "check"]).exits(0);
}
