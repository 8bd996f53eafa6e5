//! Files of a store that lost their end or hold other bytes than were written.

use std::{fs, os::unix::fs::FileTypeExt, path::Path, time::Duration};

use super::{Dice, map, outputs, spawn, succeeded, times};
use crate::{exits::wait_for, support::Home};

/// What the store's files hold after a process died in the middle of a run, and that run.
fn left_by_a_kill() -> (Home, String) {
    let home = Home::new();
    home.write("flow.yaml", map(30, 3_000, Path::new("log")));
    home.run(&["run", "flow.yaml", "-q"]).exits(0);
    let run = home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
    let mut child = spawn(home.command(&["resume", "-q"]));
    wait_for(|| home.read("log").lines().count() > 40);
    child.kill().expect("it can be killed");
    child.wait().expect("it is gone");
    (home, run)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for it in fs::read_dir(from).expect("it can be read").flatten() {
        let (kind, to) = (it.file_type().expect("it has one"), to.join(it.file_name()));
        if kind.is_dir() {
            copy(&it.path(), &to);
        } else if !kind.is_socket() {
            fs::copy(it.path(), to).expect("it can be copied");
        }
    }
}

fn change(home: &Home, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = home.path().join(".drawloom").join(file);
    let mut bytes = fs::read(&path).expect("it is there");
    change(&mut bytes);
    fs::write(path, bytes).expect("it can be written");
}

fn flip(bytes: &mut [u8], from: usize, dice: &mut Dice) {
    let at = from + dice.below((bytes.len() - from) as u64) as usize;
    bytes[at] ^= 1 + dice.below(255) as u8;
}

#[test]
fn a_torn_log_is_a_beginning_of_the_journal() {
    let (left, run) = left_by_a_kill();
    let all = succeeded(&left, &run);
    let dice = &mut Dice(41);
    for it in 0..times(10) {
        let home = Home::new();
        copy(left.path(), home.path());
        // Behind the last commit there is room for others.
        change(&home, "store.db-wal", |log| log.truncate(log.iter().rposition(|it| *it != 0).map_or(0, |at| at + 1)));
        change(&home, "store.db-wal", |log| match it % 5 {
            0 => log.truncate(dice.below(log.len() as u64) as usize),
            1 => log.truncate(log.len() - 1 - dice.below(4_000) as usize),
            2 => flip(log, 0, dice),
            3 => {
                let last = log.len() - 4_096;
                flip(log, last, dice);
            }
            _ => log.extend((0..dice.below(9_000)).map(|_| 0xa5)),
        });
        home.run(&["store", "check"]).exits(0);
        let runs = home.run(&["runs", "list", "--json"]).exits(0).json();
        if runs.as_array().is_none_or(|it| it.iter().all(|it| it["run"] != run.as_str())) {
            // The log held all of it.
            continue;
        }
        let there = succeeded(&home, &run);
        assert!(there.is_subset(&all), "what was never written is there: {it}");
        let ended = home.run(&["resume", &run, "--json"]).exits(0).json();
        assert_eq!(ended["outputs"], outputs(30));
        home.run(&["store", "check"]).exits(0);
    }
}

#[test]
fn a_damaged_file_is_told_and_never_a_panic() {
    let (left, _) = left_by_a_kill();
    let dice = &mut Dice(42);
    let mut told = 0;
    for it in 0..times(10) {
        let home = Home::new();
        copy(left.path(), home.path());
        change(&home, "store.db", |file| match it % 5 {
            0 => file.truncate(dice.below(file.len() as u64) as usize),
            1 => {
                let last = file.len() - 4_096;
                flip(file, last, dice);
            }
            2 => (0..64).for_each(|_| flip(file, 0, dice)),
            3 => {
                let page = dice.below(file.len() as u64 / 4_096) as usize * 4_096;
                file[page..page + 4_096].fill(0);
            }
            _ => file.extend((0..dice.below(9_000)).map(|_| 0xa5)),
        });
        let check = home.run(&["store", "check", "--json"]);
        told += usize::from(check.code != Some(0));
        for ran in [check, home.run(&["runs", "list"]), home.run(&["resume", "-q", "--json"])] {
            assert!(matches!(ran.code, Some(0 | 1 | 3)), "{ran:?}");
            assert!(!ran.err.contains("bug"), "{ran:?}");
            assert!(ran.code == Some(0) || !ran.err.is_empty() || !ran.out.is_empty(), "{ran:?}");
        }
    }
    assert!(told >= 3, "the check found only {told}");
}

#[test]
fn a_run_that_cannot_be_read_does_not_keep_the_others_from_going_on() {
    let home = Home::new();
    let text = "drawloom: 1\nname: small\nsteps:\n  - { id: a, uses: shell, with: { command: 'echo a' } }\noutputs: { x: '{{ a.output }}' }\n";
    home.write("flow.yaml", text);
    let start = || home.run(&["run", "flow.yaml", "--detach"]).exits(0).out.trim().to_owned();
    let runs = [start(), start(), start()];
    // The facts of one run hold its id; they are written over with as many other bytes.
    let sql = "UPDATE facts SET body = zeroblob(length(body)) WHERE run = (SELECT run FROM facts ORDER BY run LIMIT 1 OFFSET 1)";
    super::alter(&home, sql);

    let mut child = spawn(home.command(&["resume", "--json"]));
    let began = std::time::Instant::now();
    while child.try_wait().expect("it can be asked").is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "it waits for a run that cannot go on");
        std::thread::sleep(Duration::from_millis(20));
    }
    let ran = super::wait(child, &["resume"]).exits(3).says(&runs[1]).says("drawloom store check");
    let told = ran.json();
    let ended: Vec<_> = told["runs"].as_array().into_iter().flatten().map(|it| it["run"].clone()).collect();
    assert_eq!(ended, [runs[0].as_str(), runs[2].as_str()]);
    assert!(told["error"]["message"].as_str().is_some_and(|it| it.contains(&runs[1])), "{told}");
    home.run(&["resume", &runs[1], "--json"]).exits(3).says("cannot be read");
    let check = home.run(&["store", "check"]).exits(1);
    assert!(check.out.contains(&runs[1]), "{check:?}");
}
