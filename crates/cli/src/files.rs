//! How many files this process may have open, and how many attempts at once that is enough for.
//!
//! **Invariant:** attempts wait for a slot rather than find that no file can be opened any more. The system's hard
//! limit stays as it is, and the soft one is raised only as far as the attempts need it: commands inherit it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files of the process itself: the store with its readers and blobs, sockets, what the runtime has.
const OWN: u64 = 48;

/// Files of an attempt at most: three pipes to a command and a handle on it, or a connection.
const OF_ATTEMPT: u64 = 4;

/// How many of so many attempts at once this process has files for; at least one.
pub(crate) fn attempts(wanted: usize) -> usize {
    let need = OWN.saturating_add(OF_ATTEMPT.saturating_mul(wanted as u64));
    let limit = getrlimit(Resource::Nofile);
    let Some(mut granted) = limit.current else { return wanted };
    if granted < need {
        let raised = limit.maximum.map_or(need, |it| it.min(need));
        if raised > granted && setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..limit }).is_ok() {
            granted = raised;
        }
    }
    let enough_for = (granted.saturating_sub(OWN) / OF_ATTEMPT).max(1);
    let attempts = usize::try_from(enough_for).map_or(wanted, |it| it.min(wanted));
    if attempts < wanted {
        tracing::info!(granted, attempts, wanted, "fewer attempts at once: the limit of open files is low");
    }
    attempts
}
