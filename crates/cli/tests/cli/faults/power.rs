//! Flushes that fail, and cuts of the power: only what was flushed is still there, and some of what was not.

use std::{collections::BTreeSet, path::Path, process::Command, time::Duration};

use super::{
    Dice, map, outputs,
    shim::{self, Disk},
    spawn, succeeded, times, wait,
};
use crate::{
    crash,
    support::{Home, Ran},
};

const ITEMS: usize = 12;

/// The steps of which the process said that they have succeeded.
fn said(ran: &Ran) -> BTreeSet<String> {
    let words = ran.err.lines().map(|it| it.split_whitespace().collect::<Vec<_>>());
    // The last line is about the run.
    let steps = words.filter(|it| it.len() > 2 && it[2] == "succeeded" && !it.contains(&"run"));
    steps.map(|it| it[1].to_owned()).collect()
}

#[test]
fn after_a_failed_flush_nothing_is_acknowledged_and_a_restart_goes_on() {
    let Some(library) = shim::library() else { return };
    let mut failed = 0;
    for flush in [1, 2, 3, 4, 5, 6, 7, 9, 12, 16, 20, 25, 30] {
        for durability in ["full", "relaxed"] {
            let disk = Disk::new(library);
            disk.home.write("flow.yaml", map(ITEMS, 3_000, Path::new("log")));
            let args = ["run", "flow.yaml"];
            let mut command = disk.command(&args);
            command.env("FAULTS_FLUSH_FAILS", flush.to_string()).env("DRAWLOOM_DURABILITY", durability);
            let ran = wait(spawn(command), &args);
            if ran.code == Some(0) {
                // It took fewer flushes.
                continue;
            }
            failed += 1;
            let ran = ran.exits(3).says(".drawloom").says("check the");
            if ran.err.contains("store.db:") {
                ran.says("[store-broken]");
            }
            // Whatever happened, the store goes on with all that it has said.
            let list = disk.home.run(&["runs", "list", "--json"]);
            if list.code == Some(3) {
                list.says("there is no store");
                continue;
            }
            disk.home.run(&["store", "check"]).exits(0);
            for run in list.json().as_array().into_iter().flatten() {
                let run = run["run"].as_str().expect("an id");
                assert_eq!(disk.home.run(&["resume", run, "--json"]).exits(0).json()["outputs"], outputs(ITEMS));
            }
        }
    }
    assert!(failed >= 7, "only {failed} flushes failed");
}

#[test]
fn what_a_failed_flush_was_to_keep_is_never_acknowledged() {
    let Some(library) = shim::library() else { return };
    for flush in [9, 12, 20, 40] {
        let disk = Disk::new(library);
        disk.home.write("flow.yaml", crash::chain());
        disk.flush();
        let args = ["run", "flow.yaml"];
        let mut command = disk.command(&args);
        command.env("FAULTS_FLUSH_FAILS", flush.to_string());
        let ran = wait(spawn(command), &args).exits(3).says("[store-broken]").says("store.db").says("while flushing");
        let said = said(&ran);
        // The disk did not keep it, and whoever flushes again over it would not know.
        let left = disk.cut(&mut Dice(flush));
        let runs = left.home.run(&["runs", "list", "--json"]).exits(0).json();
        let there = runs[0]["run"].as_str().map(|run| succeeded(&left.home, run)).unwrap_or_default();
        assert!(said.is_subset(&there), "{:?} was said and lost", said.difference(&there));
        left.home.run(&["store", "check"]).exits(0);
    }
}

#[test]
fn nothing_is_built_on_what_a_failed_flush_was_to_keep() {
    let Some(library) = shim::library() else { return };
    for flush in [12, 15, 20, 33] {
        let disk = Disk::new(library);
        disk.home.write("flow.yaml", crash::chain());
        let run = disk.home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
        disk.flush();
        let args = ["resume", run.as_str()];
        // It dies before it can do anything about it, and leaves a log whose end the system shows and the disk lacks.
        let mut command = disk.command(&args);
        command.env("FAULTS_FLUSH_FAILS", flush.to_string()).env("FAULTS_CUT_BEFORE", (flush + 1).to_string());
        let mut known = said(&wait(spawn(command), &args));
        let mut command = disk.command(&args);
        command.env("FAULTS_CUT_AFTER", "15");
        known.extend(said(&wait(spawn(command), &args)));
        let left = disk.cut(&mut Dice(flush));
        let there = succeeded(&left.home, &run);
        assert!(known.is_subset(&there), "{:?} was said and lost", known.difference(&there));
        left.home.run(&["store", "check"]).exits(0);
    }
}

/// One life after the other, each ended by a cut or a kill, until the run has ended.
fn cut_again_and_again(seed: u64, library: &'static Path) {
    let dice = &mut Dice(seed);
    let mut disk = Disk::new(library);
    let log = Home::new();
    disk.home
        .write("flow.yaml", map(ITEMS, if seed.is_multiple_of(3) { 270_000 } else { 3_000 }, &log.path().join("log")));
    disk.flush();
    let (mut run, mut known, mut cuts) = (None::<String>, BTreeSet::new(), 0);
    loop {
        let ran = match &run {
            None => life(&disk, &["run", "flow.yaml", "--detach"], dice),
            Some(run) => life(&disk, &["resume", run], dice),
        };
        if run.is_some() {
            known.extend(said(&ran));
        }
        match (ran.code, &run) {
            (Some(0), None) => run = Some(ran.out.trim().to_owned()),
            (Some(0), Some(_)) => break,
            (None, _) => {}
            _ => panic!("seed {seed}: {ran:?}"),
        }
        // A process may also die without the power being cut, and leave unflushed what the next one builds on.
        if dice.below(3) > 0 {
            disk = disk.cut(dice);
            cuts += 1;
        }
        let Some(run) = &run else { continue };
        let there = succeeded(&disk.home, run);
        assert!(known.is_subset(&there), "seed {seed}: after {cuts} cuts {:?} is lost", known.difference(&there));
        disk.home.run(&["store", "check"]).exits(0);
        disk.flush();
    }
    let run = run.expect("it has ended");
    let ended = disk.home.run(&["resume", &run, "--json"]).exits(0).json();
    assert_eq!(ended["outputs"], outputs(ITEMS), "seed {seed}");
}

/// Runs the command until it ends, or is killed at a flush or a moment drawn by lot.
fn life(disk: &Disk, args: &[&str], dice: &mut Dice) -> Ran {
    let mut command: Command = disk.command(args);
    let most = if dice.is_heads() { 40 } else { 8 };
    let at = 1 + dice.below(most);
    command.env(if dice.is_heads() { "FAULTS_CUT_BEFORE" } else { "FAULTS_CUT_AFTER" }, at.to_string());
    let mut child = spawn(command);
    if dice.below(4) == 0 {
        std::thread::sleep(Duration::from_millis(dice.below(60)));
        // One that has ended is not killed any more.
        let _ = child.kill();
    }
    wait(child, args)
}

#[test]
fn a_power_cut_takes_nothing_that_was_acknowledged() {
    let Some(library) = shim::library() else { return };
    for seed in 0..times(5) {
        cut_again_and_again(seed, library);
    }
}

#[test]
fn the_cut_bites() {
    let Some(library) = shim::library() else { return };
    // Relaxed durability may lose the last moments, and here it does: nothing is flushed before the cut.
    let disk = Disk::new(library);
    disk.home.write("flow.yaml", map(ITEMS, 100, Path::new("log")));
    disk.flush();
    let args = ["run", "flow.yaml"];
    disk.home.run(&["run", "flow.yaml", "--detach"]).exits(0);
    disk.flush();
    let mut command = disk.command(&args);
    command.env("DRAWLOOM_DURABILITY", "relaxed").env("FAULTS_CUT_BEFORE", "1");
    let ran = wait(spawn(command), &args);
    assert_eq!(ran.code, None, "it was killed");
    let said = said(&ran);
    let left = disk.cut(&mut Dice(2));
    let runs = left.home.run(&["runs", "list", "--json"]).exits(0).json();
    let lost = runs.as_array().map_or(0, Vec::len) < 2 || {
        let run = runs[0]["run"].as_str().expect("a run");
        !said.is_subset(&succeeded(&left.home, run))
    };
    assert!(lost, "a cut that loses nothing shows nothing");
    left.home.run(&["store", "check"]).exits(0);
}
