//! A wall clock that is set forward and back by hours while runs wait, work and try again.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use super::{shim, spawn, wait};
use crate::{exits::wait_for, support::Home};

/// The command, under a clock that is ahead by what stands in the file `ahead`.
fn command(home: &Home, library: &std::path::Path, args: &[&str]) -> Command {
    let mut command = home.command(args);
    command.env("LD_PRELOAD", library).env("FAULTS_CLOCK", home.path().join("ahead"));
    command
}

/// The state of a step.
fn status(home: &Home, run: &str, step: &str) -> String {
    let view = home.run(&["runs", "show", run, "--json"]).exits(0).json();
    let steps = view["steps"].as_array().cloned().unwrap_or_default();
    let step = steps.iter().find(|it| it["id"] == step);
    step.and_then(|it| it["status"].as_str()).unwrap_or_default().to_owned()
}

fn steps(text: &str) -> String {
    format!("drawloom: 1\nname: clocks\nsteps:\n{text}outputs: {{ done: true }}\n")
}

#[test]
fn what_waits_for_hours_goes_on_when_the_clock_is_set_forward() {
    let Some(library) = shim::library() else { return };
    let home = Home::new();
    home.write("ahead", "0");
    home.write(
        "flow.yaml",
        steps(
            "  - { id: a, uses: shell, with: { command: 'echo x >> tries; test $(wc -l < tries) -ge 2' }, retry: { attempts: 2, delay: 1h, jitter: 0 } }\n  \
             - { id: nap, wait: { for: 2h } }\n",
        ),
    );
    let run = home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
    let child = spawn(command(&home, library, &["resume", &run, "--json"]));
    // Its next attempt is due in an hour, and the journal says when.
    wait_for(|| status(&home, &run, "a") == "retrying");
    home.write("ahead", "3700");
    wait_for(|| home.read("tries").lines().count() == 2);
    // The wait of two hours is counted from then on, and a process that comes later finds it over.
    wait_for(|| status(&home, &run, "nap") == "waiting");
    super::signal(&child, "-KILL");
    wait(child, &["resume"]);
    home.write("ahead", (3_700 + 7_300).to_string());
    let ran = wait(spawn(command(&home, library, &["resume", &run, "--json"])), &["resume"]).exits(0);
    assert_eq!(ran.json()["outputs"]["done"], true);
    assert_eq!(home.read("tries").lines().count(), 2);
    home.run(&["store", "check"]).exits(0);
}

#[test]
fn a_clock_set_back_or_forward_disturbs_neither_short_waits_nor_timeouts() {
    let Some(library) = shim::library() else { return };
    let home = Home::new();
    home.write("ahead", "0");
    home.write(
        "flow.yaml",
        steps(
            "  - { id: began, uses: shell, with: { command: 'echo nap >> log' } }\n  - { id: nap, wait: { for: 1500ms } }\n  \
             - { id: again, uses: shell, with: { command: 'echo try >> log; test $(grep -c try log) -ge 3' }, retry: { attempts: 3, delay: 200ms } }\n  \
             - { id: work, uses: shell, timeout: 60s, with: { command: 'echo work >> log; sleep 1; echo worked' } }\n  \
             - { id: slow, on_failure: continue, uses: shell, timeout: 1s, with: { command: 'echo slow >> log; exec sleep 600' } }\n",
        ),
    );
    let child = spawn(command(&home, library, &["run", "flow.yaml", "--json"]));
    let began = Instant::now();
    for (line, ahead) in [("nap", "-7200"), ("work", "18000"), ("slow", "-3600")] {
        wait_for(|| home.read("log").contains(line));
        home.write("ahead", ahead);
    }
    let ran = wait(child, &["run"]).exits(0).json();
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());
    let status = |id: &str| {
        let steps = ran["steps"].as_array().cloned().unwrap_or_default();
        steps.iter().find(|it| it["id"] == id).map(|it| (it["status"].clone(), it["error"]["class"].clone()))
    };
    assert_eq!(status("work"), Some(("succeeded".into(), serde_json::Value::Null)), "its timeout is no time of day");
    assert_eq!(
        status("slow"),
        Some(("failed".into(), "timeout".into())),
        "a timeout is kept although the clock went back"
    );
    home.run(&["store", "check"]).exits(0);
}
