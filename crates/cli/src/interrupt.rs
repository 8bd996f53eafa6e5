//! The signals that ask this process to end: Ctrl-C (SIGINT) and SIGTERM, which mean the same.
//!
//! **Invariant:** once somebody listens neither ends the process by itself, so whoever listens looks at them to the end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears the signals from when it was made; each time it is asked, the next one.
pub(crate) struct Interrupt {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
}

impl Interrupt {
    /// Begins to listen. What the system does not let this process hear ends it, as without.
    pub(crate) fn listen() -> Self {
        Self { interrupt: signal(SignalKind::interrupt()).ok(), terminate: signal(SignalKind::terminate()).ok() }
    }

    /// Waits for the next of them.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            () = heard(self.interrupt.as_mut()) => {}
            () = heard(self.terminate.as_mut()) => {}
        }
    }
}

async fn heard(signal: Option<&mut Signal>) {
    let heard = match signal {
        Some(it) => it.recv().await,
        None => None,
    };
    if heard.is_none() {
        // Nothing is ever heard here.
        std::future::pending::<()>().await;
    }
}
