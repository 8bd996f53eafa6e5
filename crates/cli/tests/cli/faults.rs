//! Faults of the machine: disks that are full, refuse, fail or lose, clocks that jump, limits that are low, and ends that
//! come at any moment. Nothing acknowledged is lost, and every error says what to do.
//!
//! `DRAWLOOM_TEST_FAULTS=N` repeats what is drawn by lot N times as often.

mod check;
mod clock;
mod disk;
mod kept;
mod kills;
mod limits;
mod postgres;
mod power;
mod shim;
mod signals;
mod torn;

use std::{
    collections::BTreeSet,
    process::{Child, Command, Stdio},
};

use crate::support::{Home, Ran};

/// Numbers drawn by lot, the same ones from the same seed.
struct Dice(u64);

impl Dice {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (it ^ (it >> 31)) % end.max(1)
    }

    fn is_heads(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// Changes the store's file behind the back of the program.
fn alter(home: &Home, sql: &str) {
    let script =
        format!("import sqlite3\ndb = sqlite3.connect('.drawloom/store.db')\ndb.execute(\"{sql}\")\ndb.commit()\n");
    let done = Command::new("python3").args(["-c", &script]).current_dir(home.path()).status();
    assert!(done.is_ok_and(|it| it.success()));
}

/// How often what is drawn by lot is done.
fn times(usual: u64) -> u64 {
    let factor = std::env::var("DRAWLOOM_TEST_FAULTS").ok().and_then(|it| it.parse().ok()).unwrap_or(1);
    usual * factor
}

/// A map of shell steps, each of which leaves a line in the file `log` and passes on `bytes` bytes.
fn map(items: usize, bytes: usize, log: &std::path::Path) -> String {
    format!(
        "drawloom: 1\nname: map\nsteps:\n  - id: items\n    for_each: {{ in: '{{{{ range({items}) }}}}', as: it, concurrency: 4 }}\n    \
         do:\n      - {{ id: work, uses: shell, with: {{ command: 'echo {{{{ it }}}} >> {}; echo {{{{ it }}}}; head -c {bytes} /dev/zero | tr \"\\0\" x' }} }}\n      \
         - {{ id: kept, set: {{ v: '{{{{ it * 2 }}}}' }} }}\noutputs: {{ all: '{{{{ items }}}}' }}\n",
        log.display()
    )
}

/// What [`map`] ends with.
fn outputs(items: usize) -> serde_json::Value {
    let all: Vec<_> = (0..items).map(|it| serde_json::json!({ "v": it * 2 })).collect();
    serde_json::json!({ "all": all })
}

/// The paths of the steps of a run whose success is in the journal.
fn succeeded(home: &Home, run: &str) -> BTreeSet<String> {
    let view = home.run(&["runs", "show", run, "--json"]).exits(0).json();
    let steps = view["steps"].as_array().cloned().unwrap_or_default();
    let steps = steps.iter().filter(|it| it["status"] == "succeeded");
    steps.filter_map(|it| it["path"].as_str().map(str::to_owned)).collect()
}

/// The command, begun by a shell that does this first.
fn after(home: &Home, script: &str, args: &[&str]) -> Command {
    let command = home.command(args);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{script} exec \"$0\" \"$@\"")]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.current_dir(home.path()).stdin(Stdio::null());
    shell
}

fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts")
}

fn wait(child: Child, args: &[&str]) -> Ran {
    Ran::of(child.wait_with_output().expect("it ends"), args)
}

fn signal(child: &Child, signal: &str) {
    // One that has ended by itself needs none.
    let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
}

fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}
