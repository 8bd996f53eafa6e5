//! What is to be started: program, arguments, environment, worked out before anything runs.
//!
//! **Invariant:** only names that the flow gives, PATH, HOME, LANG and the three `DRAWLOOM_*` variables are in the
//! environment. The program is an absolute path where it was a bare name, so that starting it needs no fork.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use drawloom_blueprint::{StepError, Value};
use drawloom_queue::Task;

use super::With;
use crate::with;

/// What every command inherits.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LANG"];
/// Where programs are sought when there is no PATH.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A command, ready to be started.
pub(super) struct Plan {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<OsString, OsString>,
    pub(super) workdir: Option<PathBuf>,
    pub(super) stdin: Option<Value>,
    pub(super) stream: bool,
    /// Whether all of standard output is wanted, for it will be parsed.
    pub(super) whole: bool,
}

/// Works out what `with` asks for.
pub(super) fn plan(with: With, task: &Task) -> Result<Plan, StepError> {
    let env = environment(&with, task)?;
    let mut argv = match (with.command, with.argv) {
        (Some(command), None) => {
            vec![with.shell.unwrap_or_else(|| "sh".to_owned()), "-c".to_owned(), command]
        }
        (None, Some(argv)) if argv.is_empty() => return Err(with::invalid("`argv` names no program")),
        (None, Some(argv)) => argv.iter().map(with::text).collect(),
        _ => return Err(with::invalid("give exactly one of `command` and `argv`")),
    };
    if argv.iter().any(|it| it.contains('\0')) {
        return Err(with::invalid("a command cannot contain a NUL character"));
    }
    let name = argv.remove(0);
    let program = find(&name, env.get(OsStr::new("PATH")))
        .ok_or_else(|| StepError::invalid(format!("there is no program `{name}` in PATH")).with_code("no_program"))?;
    Ok(Plan {
        program,
        args: argv,
        env,
        workdir: with.workdir.map(PathBuf::from),
        stdin: with.stdin,
        stream: with.stream,
        whole: with.parse.is_some(),
    })
}

fn environment(with: &With, task: &Task) -> Result<BTreeMap<OsString, OsString>, StepError> {
    let mut env: BTreeMap<OsString, OsString> = BTreeMap::new();
    env.insert("PATH".into(), PATH.into());
    for name in INHERITED.into_iter().chain(with.inherit_env.iter().map(String::as_str)) {
        check_name(name)?;
        if let Some(value) = std::env::var_os(name) {
            env.insert(name.into(), value);
        }
    }
    env.insert("DRAWLOOM_RUN_ID".into(), task.id.run.to_string().into());
    env.insert("DRAWLOOM_STEP".into(), task.path.as_ref().into());
    env.insert("DRAWLOOM_ATTEMPT".into(), task.id.attempt.to_string().into());
    for (name, value) in &with.env {
        check_name(name)?;
        let value = with::text(value);
        if value.contains('\0') {
            return Err(with::invalid(format!("the variable `{name}` cannot contain a NUL character")));
        }
        env.insert(name.into(), value.into());
    }
    Ok(env)
}

fn check_name(name: &str) -> Result<(), StepError> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(with::invalid(format!("`{}` is not a name of a variable", name.escape_debug())));
    }
    Ok(())
}

/// The program called `name`, as a shell would find it.
fn find(name: &str, path: Option<&OsString>) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(name.into());
    }
    if name.is_empty() {
        return None;
    }
    let runs = |it: &Path| it.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0);
    std::env::split_paths(path?).map(|folder| folder.join(name)).find(|it| runs(it))
}
