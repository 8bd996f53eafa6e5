//! What an installation decides about the kinds.
//!
//! **Invariant:** the defaults are the safe choice.

use std::ffi::OsString;

/// Settings of the executors.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What the outbound guard lets `http` reach besides public addresses: host names (`*.corp.example` for all
    /// below one), addresses, and networks as CIDRs, each with a port or without.
    pub http_allow: Vec<String>,
    /// The command that starts a child, which is this program's way to do what it must be able to kill; empty: this
    /// program with [`CHILD`](crate::CHILD) as its only argument.
    pub child: Vec<OsString>,
}

/// Why the executors cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// An entry of [`Settings::http_allow`] says nothing.
    #[error("`{0}` in the list of allowed hosts is neither a host, nor an address, nor a network such as 10.0.0.0/8")]
    HttpAllow(String),
    /// The program does not know where it lies.
    #[error("the path of this program is unknown, and it could not start itself for code and jq")]
    OwnPath(#[source] std::io::Error),
}
