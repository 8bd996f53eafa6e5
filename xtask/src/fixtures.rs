//! `cargo xtask fixtures NAME`: a store as this version writes it, for later versions to load and finish.
//!
//! The flows stand in `crates/cli/tests/fixtures/flows`. Each is started, and the process that works on it is killed
//! while each waits for something: a signal, a time, a file. What then stands in the store is what a crash leaves.
//!
//! **Invariant:** a fixture that stands is never written again: what a version wrote, it has written.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::reference::Drawloom;

const FOLDER: &str = "crates/cli/tests/fixtures";

/// Long enough for every flow to come to where it waits.
const WORK: Duration = Duration::from_secs(6);

/// Writes the fixture of that name.
pub(crate) fn write(root: &Path, name: &str) -> Result<()> {
    let to = root.join(FOLDER).join(name);
    ensure!(!to.exists(), "{FOLDER}/{name} stands already: an old fixture is never written again, give a new name");
    let drawloom = Drawloom::build(root)?;
    let home = std::env::temp_dir().join(format!("drawloom-fixtures-{}", std::process::id()));
    fs::create_dir_all(&home)?;
    let result = record(root, &drawloom, &home, &to);
    fs::remove_dir_all(&home)?;
    result
}

fn record(root: &Path, drawloom: &Drawloom<'_>, home: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(root.join(FOLDER).join("flows"))? {
        let path = entry?.path();
        let name = path.file_name().context("a flow has a name")?;
        fs::copy(&path, home.join(name))?;
    }
    let mut flows: Vec<_> = fs::read_dir(home)?.map(|it| it.map(|it| it.path())).collect::<Result<_, _>>()?;
    flows.sort();
    for flow in flows.iter().filter(|it| !it.ends_with("child.yaml")) {
        say(drawloom.at(home).arg("run").arg(flow).arg("--detach"))?;
    }
    let mut child =
        drawloom.at(home).args(["resume", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    std::thread::sleep(WORK);
    child.kill()?;
    child.wait()?;
    fs::create_dir_all(to)?;
    say(drawloom.at(home).args(["store", "backup"]).arg(to.join("store.db")))?;
    say(drawloom.at(home).args(["store", "check"]))
}

fn say(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
