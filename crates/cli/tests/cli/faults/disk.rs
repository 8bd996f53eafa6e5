//! Disks without room, and disks that may only be read.

use std::{fs, path::Path, process::Command};

use super::{after, map, outputs, skip, spawn, succeeded, wait};
use crate::support::Home;

/// A small disk in place of a folder.
pub(super) struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// Where this user may mount one.
    pub(super) fn over(folder: &'a Path, options: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(folder).output();
        match mounted {
            Ok(it) if it.status.success() => Some(Self(folder)),
            _ => {
                skip("this user may not mount a small disk; what a limit of file sizes shows is shown all the same");
                None
            }
        }
    }

    fn change(&self, options: &str) {
        let mounted = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.0).status();
        assert!(mounted.is_ok_and(|it| it.success()), "{options}");
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// How often each item was worked on.
fn count(log: &Path, item: &str) -> usize {
    fs::read_to_string(log).unwrap_or_default().lines().filter(|it| *it == item).count()
}

/// The items whose work is in the journal, and how often it was done.
fn held(home: &Home, run: &str, log: &Path) -> Vec<(String, usize)> {
    let items = succeeded(home, run);
    let items = items.iter().filter_map(|it| it.strip_prefix("items[")?.strip_suffix("].work"));
    items.map(|it| (it.to_owned(), count(log, it))).collect()
}

/// Goes on with a run again and again, making room each time it is refused some.
fn fill_and_make_room((items, bytes): (usize, usize), begin_kib: u64, step_kib: u64) {
    let (home, beside) = (Home::new(), Home::new());
    let Some(disk) = Disk::over(home.path(), &format!("size={begin_kib}k")) else { return };
    let log = beside.path().join("log");
    home.write("flow.yaml", map(items, bytes, &log));
    let run = home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
    let (mut size, mut refused) = (begin_kib, 0);
    let ended = loop {
        let ran = home.run(&["resume", &run, "--json", "-q"]);
        if ran.code == Some(0) {
            break ran.json();
        }
        let failure = ran.exits(3).says("[store-full]").says("store.db").says("make room").says("`drawloom resume`");
        assert_eq!(failure.json()["error"]["code"], "store-full");
        refused += 1;
        // Reading needs no room, and is beside the run's own reports still right.
        let held = held(&home, &run, &log);
        home.run(&["store", "check"]).exits(0);
        size += step_kib;
        disk.change(&format!("size={size}k"));
        home.run(&["runs", "list"]).exits(0);
        for (item, times) in held {
            assert!(times >= 1 && succeeded(&home, &run).contains(&format!("items[{item}].work")), "{item} is lost");
        }
    };
    assert!(refused >= 2, "the disk was full only {refused} times");
    assert_eq!((&ended["outputs"], &ended["status"]), (&outputs(items), &"succeeded".into()));
    home.run(&["store", "check"]).exits(0);
}

#[test]
fn a_full_disk_stops_the_work_and_with_room_it_goes_on() {
    fill_and_make_room((40, 4_000), 320, 300);
}

#[test]
fn a_disk_too_full_for_large_values_stops_the_work_and_with_room_it_goes_on() {
    fill_and_make_room((10, 300_000), 700, 1_200);
}

#[test]
fn what_the_journal_holds_is_not_done_again_after_a_full_disk() {
    let (home, beside) = (Home::new(), Home::new());
    let Some(disk) = Disk::over(home.path(), "size=500k") else { return };
    let log = beside.path().join("log");
    home.write("flow.yaml", map(60, 4_000, &log));
    let run = home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
    home.run(&["resume", &run, "-q"]).exits(3).says("[store-full]");
    let held = held(&home, &run, &log);
    assert!(!held.is_empty(), "some of it fitted");
    disk.change("size=20m");
    home.run(&["resume", &run, "-q"]).exits(0);
    for (item, times) in held {
        assert_eq!(count(&log, &item), times, "item {item} was done again");
    }
}

#[test]
fn a_start_without_room_starts_nothing_and_says_so() {
    for size in [8, 16, 24, 32, 36, 48, 96] {
        let home = Home::new();
        let Some(disk) = Disk::over(home.path(), &format!("size={size}k")) else { return };
        let text = "drawloom: 1\nname: small\nsteps:\n  - { id: a, uses: shell, with: { command: 'echo a' } }\noutputs: { x: 1 }\n";
        let ran = home.flow(text, &[]);
        ran.exits(3).says("[store-full]").says("make room");
        disk.change("size=10m");
        home.run(&["run", "flow.yaml"]).exits(0);
        home.run(&["resume"]).exits(0);
        home.run(&["store", "check"]).exits(0);
    }
}

#[test]
fn a_file_that_may_not_grow_stops_the_work_and_later_it_goes_on() {
    let home = Home::new();
    home.write("flow.yaml", map(40, 6_000, &home.path().join("log")));
    let run = home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
    // Files may have so many blocks of 512 bytes; the signal that comes with the error is ignored.
    let limited = after(&home, "trap '' XFSZ; ulimit -f 300;", &["resume", &run, "--json", "-q"]);
    let refused = wait(spawn(limited), &["resume"]).exits(3);
    let refused = refused.says("[store-broken]").says("store.db").says("while writing").says("`drawloom resume`");
    assert_eq!(refused.json()["error"]["code"], "store-broken");
    let held = held(&home, &run, &home.path().join("log"));
    assert!(!held.is_empty(), "some of it fitted");
    let ended = home.run(&["resume", &run, "--json"]).exits(0).json();
    assert_eq!(ended["outputs"], outputs(40));
    for (item, times) in held {
        assert_eq!(count(&home.path().join("log"), &item), times, "item {item} was done again");
    }
    home.run(&["store", "check"]).exits(0);
}

#[test]
fn a_disk_that_may_only_be_read_is_read_and_not_written() {
    let home = Home::new();
    let Some(disk) = Disk::over(home.path(), "size=20m") else { return };
    home.write("flow.yaml", map(3, 10, &home.path().join("log")));
    home.run(&["run", "flow.yaml", "-q"]).exits(0);
    home.run(&["run", "flow.yaml", "--detach"]).exits(0);
    disk.change("ro");
    for args in [
        &["runs", "list"][..],
        &["runs", "show", "last"],
        &["runs", "facts", "last"],
        &["store", "check"],
        &["store", "info"],
    ] {
        home.run(args).exits(0);
    }
    for args in [
        &["run", "flow.yaml"][..],
        &["resume"],
        &["runs", "cancel", "last"],
        &["flows", "publish", "flow.yaml"],
        &["store", "prune", "--keep", "0"],
    ] {
        home.run(args).exits(3).says("[store-read-only]").says("store.db").says("check the permissions");
    }
    disk.change("rw");
    home.run(&["resume", "-q"]).exits(0);
    home.run(&["store", "check"]).exits(0);
}

#[test]
fn files_of_somebody_else_are_not_written() {
    let home = Home::new();
    home.write("flow.yaml", map(2, 10, Path::new("log")));
    home.run(&["run", "flow.yaml", "-q"]).exits(0);
    let others = |what: &str| {
        let done = Command::new("chmod").args(["-R", what]).arg(home.path()).status();
        assert!(done.is_ok_and(|it| it.success()));
    };
    others("a-w,a+rX");
    // What may not be written does not stop root, so somebody else is asked to.
    let is_root = fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0);
    let run = |args: &[&str]| {
        let mut command = home.command(args);
        if is_root {
            let plain = home.command(args);
            command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(plain.get_program()).args(args);
            command.current_dir(home.path());
        }
        let output = command.output().ok()?;
        // Nobody may have no way to the binary.
        let is_refused = String::from_utf8_lossy(&output.stderr).contains("setpriv:");
        (!is_refused).then(|| crate::support::Ran::of(output, args))
    };
    match run(&["--version"]) {
        None => skip("nobody else can start the binary"),
        Some(_) => {
            for args in [&["run", "flow.yaml"][..], &["resume"], &["store", "prune", "--keep", "0"]] {
                let ran = run(args).expect("it could be started before");
                ran.exits(3).says("[store-read-only]").says("store.db").says("check the permissions");
            }
        }
    }
    others("u+w");
    home.run(&["run", "flow.yaml", "-q"]).exits(0);
}
