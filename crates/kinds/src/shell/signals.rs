//! How a process ended, in words.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

/// The signals that end processes, by their numbers on this machine.
const NAMES: [(rustix::process::Signal, &str); 15] = {
    use rustix::process::Signal;
    [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::USR1, "SIGUSR1"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::USR2, "SIGUSR2"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
    ]
};

/// What happened to a process that did not succeed, and the code of its error.
pub(super) fn describe(status: ExitStatus) -> (String, &'static str) {
    if let Some(signal) = status.signal() {
        let name = name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned);
        return (format!("killed by {name}"), "signal");
    }
    let code = status.code().unwrap_or(-1);
    // A shell reports a command that a signal killed as 128 and the signal.
    match name(code - 128) {
        Some(name) => (format!("exited with {code} ({name})"), "exit_code"),
        None => (format!("exited with {code}"), "exit_code"),
    }
}

fn name(signal: i32) -> Option<&'static str> {
    NAMES.iter().find(|(it, _)| it.as_raw() == signal).map(|(_, name)| *name)
}
