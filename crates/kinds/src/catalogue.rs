//! The list of kinds: the one place that names them all.
//!
//! **Invariant:** whatever has an executor or is done inline is described here.

use std::{ffi::OsString, sync::Arc};

use drawloom_blueprint::{StepError, Value};
use drawloom_queue::{Executor, KindInfo, Placement};

use crate::{
    Settings, SettingsError,
    child::{CHILD, Children},
    code::{self, Code},
    http::{self, Http},
    log,
    perform::Performer,
    shell,
    transform::{self, Transform},
    with,
};

/// The executors of this installation.
///
/// # Errors
/// Where the settings make no sense.
pub fn executors(settings: &Settings) -> Result<Vec<Arc<dyn Executor>>, SettingsError> {
    let children = Arc::new(Children::new(child_command(settings)?));
    Ok(vec![
        Arc::new(Performer::new(http::info(), Http::new(settings)?)),
        Arc::new(Performer::new(shell::info(), shell::Shell)),
        Arc::new(Performer::new(code::info(), Code { children: Arc::clone(&children) })),
        Arc::new(Performer::new(transform::info(), Transform { children })),
        Arc::new(Performer::new(log::info(), log::Log)),
    ])
}

fn child_command(settings: &Settings) -> Result<Vec<OsString>, SettingsError> {
    if !settings.child.is_empty() {
        return Ok(settings.child.clone());
    }
    // Linux finds a running program even where its file has been replaced.
    let own = if cfg!(target_os = "linux") {
        "/proc/self/exe".into()
    } else {
        std::env::current_exe().map_err(SettingsError::OwnPath)?
    };
    Ok(vec![own.into(), CHILD.into()])
}

/// All kinds with schemas and pages, those that are done inline included.
#[must_use]
pub fn catalogue() -> Vec<KindInfo> {
    vec![http::info(), shell::info(), code::info(), transform::info(), log::info()]
}

/// Does a step of an inline kind on the spot: without I/O, in time and memory that its input bounds.
///
/// # Errors
/// Where the parameters are wrong, or the kind is not done inline.
pub fn inline(kind: &str, with: &Value) -> Result<Value, StepError> {
    match kind {
        "log" => log::inline(with),
        "transform" => transform::inline(with),
        other => Err(with::invalid(format!("kind `{other}` is not done inline"))),
    }
}

/// Where a step of `kind` with these parameters, as they stand in the flow, is done.
#[must_use]
pub fn placement(kind: &str, with: &serde_json::Value) -> Placement {
    match kind {
        "log" => Placement::Inline,
        "transform" => transform::placement(with),
        _ => Placement::Worker,
    }
}
