//! What `store check` says: nothing about a store in use, and all that keeps a run from going on.

use std::path::Path;

use super::{alter, map, spawn, wait};
use crate::{exits::wait_for, support::Home};

#[test]
fn a_store_in_use_is_sound() {
    let home = Home::new();
    home.write("flow.yaml", map(150, 10, Path::new("log")));
    let args = ["run", "flow.yaml", "-q"];
    let mut busy = spawn(home.command(&args));
    let mut checks = 0;
    wait_for(|| !home.read("log").is_empty());
    while busy.try_wait().expect("it can be asked").is_none() {
        home.run(&["store", "check"]).exits(0).says("the store is sound");
        checks += 1;
    }
    wait(busy, &args).exits(0);
    assert!(checks > 2, "{checks}");
}

#[test]
fn a_run_that_would_never_wake_is_found() {
    let home = Home::new();
    let text = "drawloom: 1\nname: sleeps\nsteps: [ { id: a, wait: { for: 1h } } ]\n";
    home.write("flow.yaml", text);
    let run = home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
    home.run(&["store", "check"]).exits(0);
    alter(&home, "UPDATE runs SET next_due = NULL");
    let check = home.run(&["store", "check", "--json"]).exits(1).json();
    assert_eq!(check["findings"][0]["about"], run.as_str(), "{check}");
    let message = check["findings"][0]["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("its row says that it is due never, and its facts at "), "{check}");
}
