//! Clients: pools of connections that steps with the same settings share.
//!
//! **Invariant:** a client follows no redirects, uses no proxy of the environment, and resolves names by
//! [`Resolver`] only.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use drawloom_blueprint::StepError;
use reqwest::{Client, Proxy, Url, redirect::Policy};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};

use super::{Tls, With, errors, guard::Guard, resolver::Resolver};
use crate::with::invalid;

/// How many clients with settings of their own are kept.
const KEPT_MAX: usize = 64;
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// What makes a client different from others.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    proxy: Option<String>,
    tls: Tls,
    port: u16,
}

/// All clients.
pub(super) struct Clients {
    guard: Arc<Guard>,
    kept: Mutex<HashMap<Key, Client>>,
}

impl Clients {
    pub(super) fn new(guard: Arc<Guard>) -> Self {
        Self { guard, kept: Mutex::default() }
    }

    /// The client for a request to `url`, whose address is checked here where it is written out.
    pub(super) fn client(&self, with: &With, url: &Url) -> Result<Client, StepError> {
        self.check(url)?;
        // A name is resolved for the proxy's port where there is a proxy.
        let mut port = url.port_or_known_default().unwrap_or(0);
        if let Some(proxy) = &with.proxy {
            let proxy = Url::parse(proxy).map_err(|it| invalid(format!("`proxy` is no URL: {it}")))?;
            self.check(&proxy)?;
            port = proxy.port_or_known_default().unwrap_or(0);
        }
        let port = if self.guard.has_ports() { port } else { 0 };
        let key = Key { proxy: with.proxy.clone(), tls: with.tls.clone(), port };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(it) = kept.get(&key) {
            return Ok(it.clone());
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        let client = build(&key, Arc::clone(&self.guard))?;
        kept.insert(key, client.clone());
        Ok(client)
    }

    /// Checks a URL whose host is an address: no resolver sees it.
    fn check(&self, url: &Url) -> Result<(), StepError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(format!("`{}` is neither http nor https", url.scheme())));
        }
        let Some(host) = url.host_str() else { return Err(invalid("the URL has no host")) };
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
        match bare.parse() {
            Ok(address) => {
                let port = url.port_or_known_default().unwrap_or(0);
                self.guard.check(bare, address, port).map_err(|it| errors::refused(&it))
            }
            Err(_) => Ok(()),
        }
    }
}

fn build(key: &Key, guard: Arc<Guard>) -> Result<Client, StepError> {
    let mut builder = Client::builder()
        .user_agent(concat!("drawloom/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT)
        .dns_resolver(Resolver { guard, port: key.port })
        .tls_backend_preconfigured(tls(&key.tls)?);
    if let Some(proxy) = &key.proxy {
        builder = builder.proxy(Proxy::all(proxy).map_err(|it| invalid(format!("`proxy` cannot be used: {it}")))?);
    }
    builder.build().map_err(|it| invalid(format!("the client cannot be made: {it}")))
}

fn tls(tls: &Tls) -> Result<ClientConfig, StepError> {
    let wrong = |what: &str, why: &dyn std::fmt::Display| invalid(format!("`tls.{what}` cannot be used: {why}"));
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for certificate in certificates(tls.ca.as_deref()).map_err(|it| wrong("ca", &it))? {
        roots.add(certificate).map_err(|it| wrong("ca", &it))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|it| invalid(it.to_string()))?;
    let builder = if tls.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Trusting(provider)))
    } else {
        builder.with_root_certificates(roots)
    };
    let mut config = match (&tls.cert, &tls.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert), Some(key)) => {
            let chain = certificates(Some(cert)).map_err(|it| wrong("cert", &it))?;
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|it| wrong("key", &it))?;
            builder.with_client_auth_cert(chain, key).map_err(|it| wrong("cert", &it))?
        }
        _ => return Err(invalid("`tls.cert` and `tls.key` go together")),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(pem: Option<&str>) -> Result<Vec<CertificateDer<'static>>, String> {
    let Some(pem) = pem else { return Ok(Vec::new()) };
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let all = all.map_err(|it| it.to_string())?;
    if all.is_empty() { Err("it holds no certificate in PEM form".to_owned()) } else { Ok(all) }
}

/// Believes every certificate, for `insecure`.
#[derive(Debug)]
struct Trusting(Arc<CryptoProvider>);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
