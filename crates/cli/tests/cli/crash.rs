//! `kill -9` at any moment, then `drawloom resume`: the run ends, and what the journal holds as done is done once.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use crate::support::Home;

pub(crate) const STEPS: usize = 60;

/// A chain of shell steps, each of which leaves a line in a file and passes on a number.
pub(crate) fn chain() -> String {
    let mut text = String::from("drawloom: 1\nname: chain\nsteps:\n");
    for at in 0..STEPS {
        let before = if at == 0 { "0".to_owned() } else { format!("{{{{ s{}.output }}}}", at - 1) };
        text.push_str(&format!(
            "  - id: s{at}\n    uses: shell\n    with: {{ command: 'echo s{at} >> done; echo $((X + 1))', env: {{ X: \"{before}\" }} }}\n"
        ));
    }
    text.push_str(&format!("outputs: {{ last: '{{{{ s{}.output }}}}' }}\n", STEPS - 1));
    text
}

/// How often each step left its line.
pub(crate) fn done(home: &Home) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in home.read("done").lines() {
        *counts.entry(line.to_owned()).or_default() += 1;
    }
    counts
}

/// The steps whose success the journal holds.
fn journaled(home: &Home, run: &str) -> Vec<String> {
    let view = home.run(&["runs", "show", run, "--json"]).exits(0).json();
    let steps = view["steps"].as_array().cloned().unwrap_or_default();
    let succeeded = steps.iter().filter(|it| it["status"] == "succeeded");
    succeeded.filter_map(|it| it["id"].as_str().map(str::to_owned)).collect()
}

#[test]
fn what_is_journaled_is_never_done_again() {
    // Other moments each time, spread over the start, the recovery and the steps.
    kill_and_resume(&Home::new(), 10, |kill| Duration::from_millis(8 + 17 * kill % 90));
}

/// Starts a chain, kills so many processes that go on with it, each after `moment`, and lets the last one end it.
pub(crate) fn kill_and_resume(home: &Home, kills: usize, moment: impl Fn(u64) -> Duration) {
    home.write("flow.yaml", chain());
    let run = home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
    let mut held: Vec<(String, usize)> = Vec::new();
    for kill in 0..kills {
        let mut child = home.command(&["resume", "--quiet"]).spawn().expect("the binary starts");
        std::thread::sleep(moment(kill as u64));
        child.kill().expect("it can be killed");
        child.wait().expect("it is gone");
        let counts = done(home);
        for (step, count) in &held {
            assert_eq!(counts.get(step), Some(count), "{step} was done again after kill {kill}");
        }
        held =
            journaled(home, &run).into_iter().map(|it| (it.clone(), counts.get(&it).copied().unwrap_or(0))).collect();
    }
    let ended = home.run(&["resume", &run, "--json"]).exits(0).json();
    assert_eq!(ended["outputs"], json!({ "last": STEPS.to_string() }));
    assert_eq!(ended["status"], "succeeded");
    let counts = done(home);
    assert_eq!(counts.len(), STEPS);
    for (step, count) in &held {
        assert_eq!(counts.get(step), Some(count), "{step} was done again by the last resume");
    }
    // Each kill may take one attempt with it whose success was not journaled yet, and no more.
    let again: usize = counts.values().map(|it| it - 1).sum();
    assert!(again <= kills, "{again} attempts were repeated by {kills} kills");
    home.run(&["store", "check"]).exits(0);
    // The run has ended: resuming it again shows it and does nothing.
    assert_eq!(home.run(&["resume", &run, "--json"]).exits(0).json()["outputs"], ended["outputs"]);
    assert_eq!(done(home), counts);
}

#[test]
fn a_run_that_waits_survives_a_kill() {
    let home = Home::new();
    let text = "drawloom: 1\nname: waits\nsteps:\n  - id: a\n    uses: shell\n    with: { command: echo once >> done }\n  \
                - id: nap\n    wait: { for: 300ms }\n  - id: b\n    set: { x: 1 }\noutputs: { x: '{{ b.x }}' }\n";
    home.write("flow.yaml", text);
    let mut child = home.command(&["run", "flow.yaml"]).spawn().expect("the binary starts");
    crate::exits::wait_for(|| !home.read("done").is_empty());
    std::thread::sleep(Duration::from_millis(50));
    child.kill().expect("it can be killed");
    child.wait().expect("it is gone");
    let ended = home.run(&["resume", "--json"]).exits(0).json();
    assert_eq!(ended["runs"].as_array().map(Vec::len), Some(1));
    assert_eq!(ended["runs"][0]["outputs"], json!({ "x": 1 }));
}
