//! PostgreSQL servers that go, stand still, are full, take rights away or hand over to a standby in the middle of a run.

use std::{
    fs,
    process::{Child, Command},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{disk::Disk, signal, spawn, wait};
use crate::{crash, exits::wait_for, postgres::GATED, server::Postgres, support::Home};

/// Starts a chain of steps and waits until some are done.
fn begun(home: &Home) -> Child {
    home.write("flow.yaml", crash::chain());
    let running = spawn(home.command(&["run", "flow.yaml", "--json", "--idempotency-key", "k"]));
    wait_for(|| home.read("done").lines().count() > 5);
    running
}

/// The run of [`begun`] goes on and ends. Each time it was tried, the step that was under way may have been done.
fn goes_on(home: &Home, tries: usize) {
    let ended = home.run(&["resume", "last", "--json"]).exits(0).json();
    assert_eq!(ended["outputs"], json!({ "last": crash::STEPS.to_string() }));
    let again: usize = crash::done(home).values().map(|it| it - 1).sum();
    assert!(again <= tries, "{again} attempts were repeated");
    home.run(&["store", "check"]).exits(0);
}

/// The run of [`begun`] ended by itself, each step done once.
fn ends(home: &Home, running: Child) {
    let ended = wait(running, &["run"]).exits(0).json();
    assert_eq!(ended["outputs"], json!({ "last": crash::STEPS.to_string() }));
    assert!(crash::done(home).values().all(|it| *it == 1), "no step was done twice");
    home.run(&["store", "check"]).exits(0);
}

/// Asks again and again until it ends, as people do.
fn ask_to_end(child: &mut Child) {
    let start = Instant::now();
    while child.try_wait().expect("it can be asked").is_none() {
        assert!(start.elapsed() < Duration::from_secs(30), "it waits for a server that is not there");
        signal(child, "-TERM");
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn a_server_that_is_gone_or_stands_still_holds_up_nobody_who_asks_twice() {
    let server = Postgres::own();
    for is_gone in [true, false] {
        let home = server.home();
        home.write("flow.yaml", GATED);
        let mut running = spawn(home.command(&["run", "flow.yaml", "--json"]));
        wait_for(|| home.read("done").contains('a'));
        let frozen = (!is_gone).then(|| server.freeze());
        if is_gone {
            server.ctl("-m immediate stop");
        }
        ask_to_end(&mut running);
        let ran = wait(running, &["run"]).exits(130).says("interrupted").says("`drawloom resume`");
        assert!(ran.json()["error"]["help"].is_string(), "{}", ran.out);
        drop(frozen);
        if is_gone {
            server.ctl("start");
        }
        home.write("open", "");
        assert_eq!(home.run(&["resume", "last", "--json"]).exits(0).json()["outputs"], json!({ "x": 1 }));
        home.run(&["store", "check"]).exits(0);
    }
}

#[test]
fn a_server_that_stands_still_only_delays() {
    let server = Postgres::own();
    let home = server.home();
    let running = begun(&home);
    for seconds in [1, 2] {
        let before = home.read("done").lines().count();
        let frozen = server.freeze();
        std::thread::sleep(Duration::from_secs(seconds));
        drop(frozen);
        wait_for(|| home.read("done").lines().count() > before + 3);
    }
    ends(&home, running);
}

#[test]
fn rights_that_are_taken_away_stop_the_work_until_they_are_back() {
    let server = Postgres::own();
    server.sql("CREATE ROLE worker LOGIN; GRANT CREATE ON DATABASE postgres TO worker");
    let (home, schema) = server.home_of("worker");
    for (take, give, says) in [
        ("REVOKE INSERT ON facts FROM worker", "GRANT ALL ON facts TO worker", "permission denied for table facts"),
        ("REVOKE ALL ON ownership FROM worker", "GRANT ALL ON ownership TO worker", "denied for table ownership"),
    ] {
        let running = begun(&home);
        server.sql(&format!("SET search_path TO {schema}; {take}"));
        wait(running, &["run"]).exits(3).says("[store-read-only]").says(says);
        home.run(&["resume", "-q"]).exits(3).says(says);
        server.sql(&format!("SET search_path TO {schema}; {give}"));
        goes_on(&home, 2);
        home.run(&["runs", "delete", "last"]).exits(0);
        fs::remove_file(home.path().join("done")).expect("it was there");
    }
}

#[test]
fn what_is_taken_from_the_store_in_mid_run_is_missed() {
    let server = Postgres::own();
    server.sql("CREATE ROLE worker LOGIN; GRANT CREATE ON DATABASE postgres TO worker");
    let (home, schema) = server.home_of("worker");
    let running = begun(&home);
    server.sql(&format!("DROP SCHEMA {schema} CASCADE"));
    wait(running, &["run"]).exits(3);
    home.run(&["runs", "list"]).exits(3).says("there is no store");

    let (home, schema) = server.home_of("worker");
    home.write("flow.yaml", crash::chain());
    home.run(&["run", "flow.yaml", "--detach"]).exits(0);
    server.sql(&format!("TRUNCATE {schema}.facts"));
    // A run without its facts is left alone, and the others go on.
    home.run(&["run", "flow.yaml", "--detach"]).exits(0);
    home.run(&["resume", "-q"]).exits(3).says("cannot be read").says("its journal has 0");
    assert_eq!(crash::done(&home).len(), crash::STEPS);
    home.run(&["store", "check"]).exits(1);
}

#[test]
fn a_full_disk_of_the_server_stops_the_work_until_there_is_room() {
    let server = Postgres::own();
    let folder = server.folder().join("small");
    fs::create_dir(&folder).expect("the folder can be written");
    let Some(disk) = Disk::over(&folder, "size=48m,mode=777") else { return };
    let owned = Command::new("chown").arg("postgres").arg(&folder).status();
    assert!(owned.is_ok_and(|it| it.success()), "the server's user owns it");
    server.sql(&format!("CREATE TABLESPACE small LOCATION '{}'", folder.display()));
    server.sql("CREATE DATABASE crowded TABLESPACE small");
    let home = server.home_in("crowded");
    let running = begun(&home);
    let filler = folder.join("filler");
    // Whatever room is left; that the last piece does not fit is meant.
    let _ = Command::new("sh").args(["-c", "exec cat /dev/zero > \"$0\" 2>/dev/null"]).arg(&filler).status();
    let ran = wait(running, &["run"]).exits(3).says("[store-full]").says("make room").says("`drawloom resume`");
    assert_eq!(ran.json()["error"]["code"], "store-full");
    home.run(&["runs", "list"]).exits(0);
    fs::remove_file(&filler).expect("it was there");
    goes_on(&home, 1);
    drop(disk);
}

#[test]
fn a_standby_that_takes_over_has_all_that_was_acknowledged() {
    let server = Postgres::own();
    let standby = server.standby();
    server.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    server.sql("SELECT pg_reload_conf()");
    wait_for(|| server.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1");
    let home = server.home_beside(&standby);
    let running = begun(&home);
    server.ctl("-m immediate stop");
    standby.ctl("promote");
    ends(&home, running);
}

#[test]
fn two_that_start_at_once_make_one_store_and_one_run() {
    let server = Postgres::start();
    let home = server.home();
    home.write("flow.yaml", crash::chain());
    let args = ["run", "flow.yaml", "--json", "--idempotency-key", "k"];
    let both = [(); 3].map(|()| spawn(home.command(&args)));
    let mut worked = 0;
    for ran in both.map(|it| wait(it, &args)) {
        if ran.code == Some(0) {
            worked += 1;
        } else {
            ran.exits(3).says("is in use by process");
        }
    }
    assert!(worked > 0);
    let runs = home.run(&["runs", "list", "--json"]).exits(0).json();
    assert_eq!(runs.as_array().map(Vec::len), Some(1), "one key, one run: {runs}");
    assert_eq!(crash::done(&home).len(), crash::STEPS);
    assert!(crash::done(&home).values().all(|it| *it == 1), "no step was done twice");
}
