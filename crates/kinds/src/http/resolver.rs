//! Names become addresses here, and only checked ones get through.
//!
//! **Invariant:** the client connects to what this returns and to nothing else, so that a name cannot change its
//! address between the check and the connection.

use std::{io, net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::Guard;

/// Resolves names for connections to one port (0: the guard knows no ports).
pub(super) struct Resolver {
    pub(super) guard: Arc<Guard>,
    pub(super) port: u16,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, port) = (Arc::clone(&self.guard), self.port);
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            let (mut allowed, mut refused) = (Vec::new(), None);
            for address in found {
                match guard.check(host, address.ip(), port) {
                    Ok(()) => allowed.push(address),
                    Err(it) => refused = Some(it),
                }
            }
            match (allowed.is_empty(), refused) {
                (false, _) => Ok(Box::new(allowed.into_iter()) as Addrs),
                (true, Some(it)) => Err(it.into()),
                (true, None) => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into()),
            }
        })
    }
}
