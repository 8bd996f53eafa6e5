//! A process group: a command with all that it started and that did not leave.
//!
//! **Invariant:** it is killed when this is dropped.

use std::{fs, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::time::sleep;

/// The group that a process leads.
pub(super) struct Group(Option<Pid>);

impl Group {
    pub(super) fn new(leader: Option<Pid>) -> Self {
        Self(leader)
    }

    /// Sends a signal and says whether there was anybody to take it.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        self.0.is_some_and(|it| kill_process_group(it, signal).is_ok())
    }

    /// Waits until no process of the group runs any more.
    pub(super) async fn gone(&self) {
        let mut pause = Duration::from_millis(1);
        while self.0.is_some_and(|it| test_kill_process_group(it).is_ok() && has_live_members(it)) {
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Whether a group that exists has more than zombies, which whoever adopted them may take long to reap. Where that cannot be
/// told, it has.
fn has_live_members(group: Pid) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return true };
    let group = group.as_raw_nonzero().to_string();
    let mut seen = false;
    for process in processes.flatten() {
        let Ok(stat) = fs::read_to_string(process.path().join("stat")) else { continue };
        seen = true;
        // `PID (NAME) STATE PARENT GROUP …`, where a name may have anything in it.
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let (state, its_group) = (fields.next(), fields.nth(1));
        if its_group == Some(&group) && !matches!(state, Some("Z" | "X")) {
            return true;
        }
    }
    !seen
}
