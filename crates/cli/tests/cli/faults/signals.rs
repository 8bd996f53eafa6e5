//! SIGTERM and Ctrl-C at any moment: the work is handed back and goes on later; whoever asks twice does not wait.

use std::{
    fs,
    process::Child,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{Dice, signal, spawn, times, wait};
use crate::{crash, exits::wait_for, support::Home};

/// A step that does not end when it is asked to.
const STUBBORN: &str = "drawloom: 1\nname: stubborn\nsteps:\n  - id: a\n    uses: shell\n    \
    with: { command: \"trap '' TERM; echo $$ > pid; while ! test -e go; do sleep 0.05; done; echo done\" }\noutputs: { a: '{{ a.output }}' }\n";

/// Whether a process is there and no zombie.
fn lives(process: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", process.trim())).is_ok_and(|it| !it.contains(") Z "))
}

#[test]
fn a_second_signal_does_not_wait_for_tasks_and_leaves_none_behind() {
    for (first, second) in [("-TERM", Some("-TERM")), ("-TERM", Some("-INT")), ("-INT", Some("-TERM")), ("-TERM", None)]
    {
        let home = Home::new();
        home.write("flow.yaml", STUBBORN);
        let child = spawn(home.command(&["run", "flow.yaml", "--json"]));
        wait_for(|| home.read("pid").ends_with('\n'));
        let began = Instant::now();
        signal(&child, first);
        if let Some(second) = second {
            std::thread::sleep(Duration::from_millis(100));
            signal(&child, second);
        }
        let ran = wait(child, &["run"]).exits(130);
        let run = ran.json()["run"].as_str().expect("the run").to_owned();
        assert_eq!(ran.json()["status"], "running");
        let ran = ran.says(&format!("drawloom resume {run}"));
        // Two seconds are what a stubborn task is given.
        assert!(second.is_none() || began.elapsed() < Duration::from_millis(1_700), "{:?} {ran:?}", began.elapsed());
        wait_for(|| !lives(&home.read("pid")));
        home.write("go", "");
        assert_eq!(home.run(&["resume", &run, "--json"]).exits(0).json()["outputs"], json!({ "a": "done" }));
        home.run(&["store", "check"]).exits(0);
    }
}

fn has_ended(child: &mut Child) -> bool {
    child.try_wait().is_ok_and(|it| it.is_some())
}

#[test]
fn a_signal_at_any_moment_loses_nothing() {
    let home = Home::new();
    home.write("flow.yaml", crash::chain());
    let dice = &mut Dice(8);
    let mut ended = 0;
    let key = ["run", "flow.yaml", "--json", "--idempotency-key", "k"];
    let mut args = &key[..];
    for it in 0..times(14) {
        let mut child = spawn(home.command(args));
        if it >= 7 {
            let before = home.read("done").lines().count();
            wait_for(|| home.read("done").lines().count() > before || has_ended(&mut child));
        }
        std::thread::sleep(Duration::from_millis(dice.below(30)));
        signal(&child, if dice.is_heads() { "-TERM" } else { "-INT" });
        if dice.below(3) == 0 {
            signal(&child, "-TERM");
        }
        let ran = wait(child, args);
        // Until the work begins a signal ends the process as it ends any: there is nothing to hand back.
        assert!(matches!(ran.code, Some(0 | 130) | None), "{ran:?}");
        if ran.code == Some(130) {
            ended += 1;
            ran.says("drawloom resume");
        }
        if it >= 7 && home.run(&["runs", "list", "--json"]).json()[0]["run"].is_string() {
            args = &["resume", "last", "--json"];
        }
    }
    assert!(ended > 0, "no signal met the work");
    let runs = home.run(&["runs", "list", "--json"]).exits(0).json();
    assert_eq!(runs.as_array().map(Vec::len), Some(1), "one key, one run: {runs}");
    let done = home.run(&["resume", "last", "--json"]).exits(0).json();
    assert_eq!(done["outputs"], json!({ "last": crash::STEPS.to_string() }));
    assert_eq!(crash::done(&home).len(), crash::STEPS);
    home.run(&["store", "check"]).exits(0);
}
