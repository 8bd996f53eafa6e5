//! What stands in files beside the journal: it is there after a cut of the power once something was said of it.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
};

use serde_json::json;

use super::{
    Dice,
    shim::{self, Disk},
    spawn, wait,
};

/// A value that is too large for the journal.
const LARGE: &str = "drawloom: 1\nname: large\nsteps:\n  - { id: a, uses: shell, with: { command: 'head -c 300000 /dev/zero | tr \"\\0\" x' } }\n\
                     outputs: { all: '{{ a.output }}' }\n";

/// What a step sees of a secret.
const SECRET: &str = "drawloom: 1\nname: secret\nsteps:\n  - { id: a, uses: shell, with: { command: 'printf %s \"$T\" | wc -c', env: { T: '{{ secrets.TOKEN }}' }, parse: lines } }\n\
                      outputs: { all: '{{ a.output }}' }\n";

fn whole() -> serde_json::Value {
    json!({ "all": "x".repeat(300_000) })
}

#[test]
fn a_large_value_is_there_whoever_wrote_it_first() {
    let Some(library) = shim::library() else { return };
    for flush in 1..=8 {
        let disk = Disk::new(library);
        disk.home.write("flow.yaml", LARGE);
        let run = disk.home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
        disk.flush();
        let args = ["resume", run.as_str()];
        // The first process dies before it has flushed all of it, and the second one finds what it left.
        let mut first = disk.command(&args);
        first.env("FAULTS_CUT_BEFORE", flush.to_string());
        wait(spawn(first), &args);
        wait(spawn(disk.command(&args)), &args).exits(0);
        let left = disk.cut(&mut Dice(flush));
        let ended = left.home.run(&["resume", &run, "--json"]).exits(0).json();
        assert!(ended["outputs"] == whole(), "what was there before flush {flush}");
    }
}

#[test]
fn a_secret_can_be_opened_once_it_is_set() {
    let Some(library) = shim::library() else { return };
    for seed in 0..3 {
        let disk = Disk::new(library);
        disk.home.write("flow.yaml", SECRET);
        disk.home.write("value", "hunter2-very-secret\n");
        disk.flush();
        let args = ["secrets", "set", "TOKEN", "--stdin"];
        let mut set = disk.command(&args);
        set.stdin(File::open(disk.home.path().join("value")).expect("it was written"));
        wait(spawn(set), &args).exits(0);
        let left = disk.cut(&mut Dice(seed));
        // What is left is a copy, which does not keep who may read it.
        let key = left.home.path().join(".drawloom/master.key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("the key is there");
        let seen = left.home.run(&["run", "flow.yaml", "--json"]).exits(0).json();
        assert_eq!(seen["outputs"], json!({ "all": ["19"] }), "seed {seed}");
    }
}

#[test]
fn a_backup_is_whole_once_it_is_made() {
    let Some(library) = shim::library() else { return };
    for seed in 0..3 {
        let disk = Disk::new(library);
        disk.home.write("flow.yaml", LARGE);
        let run =
            disk.home.run(&["run", "flow.yaml", "--json"]).exits(0).json()["run"].as_str().expect("an id").to_owned();
        disk.flush();
        let args = ["store", "backup", "copy.db"];
        wait(spawn(disk.command(&args)), &args).exits(0);
        let left = disk.cut(&mut Dice(seed));
        let there = "sqlite://there.db";
        left.home.run(&["store", "restore", "copy.db", "--store", there]).exits(0);
        let ended = left.home.run(&["resume", &run, "--json", "--store", there]).exits(0).json();
        assert!(ended["outputs"] == whole(), "seed {seed}: the large value is there too");
    }
}
