//! When a step may start, given how the steps it needs have ended.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// The condition on a step's needs under which it runs. The names are Airflow's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum TriggerRule {
    /// Every need succeeded.
    #[default]
    #[n(0)]
    AllSuccess,
    /// Every need failed.
    #[n(1)]
    AllFailed,
    /// Every need has ended, however.
    #[n(2)]
    AllDone,
    /// Every need was skipped.
    #[n(3)]
    AllSkipped,
    /// At least one need succeeded; decided as soon as one has.
    #[n(4)]
    OneSuccess,
    /// At least one need failed; decided as soon as one has.
    #[n(5)]
    OneFailed,
    /// At least one need succeeded or failed; decided as soon as one has.
    #[n(6)]
    OneDone,
    /// No need failed (skipped ones are fine).
    #[n(7)]
    NoneFailed,
    /// No need was skipped.
    #[n(8)]
    NoneSkipped,
    /// No need failed and at least one succeeded.
    #[n(9)]
    NoneFailedMinOneSuccess,
    /// At once, whatever the needs do.
    #[n(10)]
    Always,
    /// Every need has ended, none was skipped and at least one succeeded.
    #[n(11)]
    AllDoneMinOneSuccess,
}

impl TriggerRule {
    /// Every rule with its name in flows.
    pub const ALL: [(&'static str, Self); 12] = [
        ("all_success", Self::AllSuccess),
        ("all_failed", Self::AllFailed),
        ("all_done", Self::AllDone),
        ("all_skipped", Self::AllSkipped),
        ("one_success", Self::OneSuccess),
        ("one_failed", Self::OneFailed),
        ("one_done", Self::OneDone),
        ("none_failed", Self::NoneFailed),
        ("none_skipped", Self::NoneSkipped),
        ("none_failed_min_one_success", Self::NoneFailedMinOneSuccess),
        ("always", Self::Always),
        ("all_done_min_one_success", Self::AllDoneMinOneSuccess),
    ];

    /// The rule of that name. `all_done_setup_success` is read as `all_done`: Drawloom has no setup tasks.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = if name == "all_done_setup_success" { "all_done" } else { name };
        Self::ALL.iter().find(|(it, _)| *it == name).map(|(_, rule)| *rule)
    }

    /// The name in flows.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}
