//! `kill -9` where no run is at work: while a store is made, copied, backed up, emptied of old runs.

use std::{fs, time::Duration};

use serde_json::json;

use super::{Dice, map, outputs, spawn, times};
use crate::support::Home;

/// Begins the command and kills it so many milliseconds later. Says whether it had ended before.
fn killed(home: &Home, args: &[&str], after: u64) -> bool {
    let mut child = spawn(home.command(args));
    std::thread::sleep(Duration::from_millis(after));
    let has_ended = child.try_wait().expect("it can be asked").is_some();
    child.kill().expect("it can be killed");
    child.wait().expect("it is gone");
    has_ended
}

#[test]
fn a_store_whose_making_was_interrupted_is_made_by_the_next_one() {
    let dice = &mut Dice(91);
    for _ in 0..times(3) {
        let home = Home::new();
        home.write("flow.yaml", map(2, 300_000, std::path::Path::new("log")));
        for _ in 0..8 {
            killed(&home, &["run", "flow.yaml", "--idempotency-key", "k"], dice.below(40));
        }
        let ran = home.run(&["run", "flow.yaml", "--json", "--idempotency-key", "k"]).exits(0).json();
        assert_eq!(ran["outputs"], outputs(2));
        let runs = home.run(&["runs", "list", "--json"]).exits(0).json();
        assert_eq!(runs.as_array().map(Vec::len), Some(1), "{runs}");
        home.run(&["store", "check"]).exits(0);
    }
}

/// A store with many ended runs.
fn filled() -> Home {
    let home = Home::new();
    home.write(
        "child.yaml",
        "drawloom: 1\nname: child\nsteps:\n  - { id: a, set: { v: 1 } }\noutputs: { v: '{{ a.v }}' }\n",
    );
    home.write(
        "flow.yaml",
        "drawloom: 1\nname: parent\nsteps:\n  - id: each\n    for_each: { in: '{{ range(300) }}', concurrency: 500 }\n    \
         do: [ { id: c, flow: ./child.yaml } ]\n  - { id: big, uses: shell, with: { command: 'head -c 300000 /dev/zero | tr \"\\0\" x' } }\noutputs: { n: '{{ each | length }}' }\n",
    );
    home.run(&["run", "flow.yaml", "-q"]).exits(0);
    home
}

fn runs(home: &Home, store: &str) -> serde_json::Value {
    home.run(&["store", "info", "--json", "--store", store]).exits(0).json()["runs"].clone()
}

#[test]
fn a_copy_or_backup_that_was_interrupted_harms_nothing() {
    let home = filled();
    let own = "sqlite://.drawloom/store.db";
    let all = runs(&home, own);
    assert_eq!(all, json!({ "succeeded": 301 }));
    let dice = &mut Dice(92);
    for it in 0..times(2) {
        // A backup bears its name once it is whole.
        let backup = format!("backup{it}.db");
        killed(&home, &["store", "backup", &backup], dice.below(60));
        if !home.path().join(&backup).exists() {
            home.run(&["store", "backup", &backup]).exits(0);
        }
        assert_eq!(runs(&home, &format!("sqlite://{backup}")), all);
        let restored = format!("sqlite://restored{it}.db");
        killed(&home, &["store", "restore", &backup, "--store", &restored], dice.below(60));
        if !home.path().join(format!("restored{it}.db")).exists() {
            home.run(&["store", "restore", &backup, "--store", &restored]).exits(0);
        }
        home.run(&["store", "check", "--store", &restored]).exits(0);
        assert_eq!(runs(&home, &restored), all);
        // A copy that is not whole is never gone on with.
        let copy = format!("sqlite://copy{it}.db");
        if !killed(&home, &["store", "copy", own, &copy], 20 + dice.below(150))
            && home.run(&["store", "copy", own, &copy]).code != Some(0)
        {
            home.run(&["store", "copy", own, &copy]).exits(3).says("move it away");
            for suffix in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(home.path().join(format!("copy{it}.db{suffix}")));
            }
            let _ = fs::remove_dir_all(home.path().join(format!("copy{it}.db.blobs")));
            home.run(&["store", "copy", own, &copy]).exits(0);
        }
        home.run(&["store", "check", "--store", &copy]).exits(0);
        assert_eq!(runs(&home, &copy), all);
    }
    home.run(&["store", "check"]).exits(0);
}

#[test]
fn pruning_that_was_interrupted_is_done_by_the_next_one() {
    let home = filled();
    let dice = &mut Dice(93);
    for _ in 0..times(4) {
        killed(&home, &["store", "prune", "--keep", "10"], dice.below(80));
        home.run(&["store", "check"]).exits(0);
    }
    home.run(&["store", "prune", "--keep", "0"]).exits(0);
    assert_eq!(runs(&home, "sqlite://.drawloom/store.db"), json!({}));
    home.run(&["store", "check"]).exits(0);
}
