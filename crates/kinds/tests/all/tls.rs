//! HTTP/2 over TLS, against a server with a certificate of its own.

use std::{net::SocketAddr, sync::Arc};

use drawloom_blueprint::ErrorClass::{Failed, Unavailable};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::support::{fails, run};

const CERT: &str = include_str!("../support/cert.pem");
const KEY: &str = include_str!("../support/key.pem");

/// Starts a server that speaks HTTP/2 and nothing else.
async fn start() -> SocketAddr {
    let certs = CertificateDer::pem_slice_iter(CERT.as_bytes()).collect::<Result<Vec<_>, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).expect("a key");
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(certs, key)
        .expect("a key that fits");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await.ok()?;
                let mut connection = h2::server::handshake(stream).await.ok()?;
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    let head = head_for(&request);
                    let mut body = respond.send_response(head, false).ok()?;
                    body.send_data("\"over h2\"".into(), true).ok()?;
                }
                Some(())
            });
        }
    });
    address
}

/// The head of an answer that says which version was spoken.
fn head_for<T>(request: &::http::Request<T>) -> ::http::Response<()> {
    let version = format!("{:?}", request.version());
    ::http::Response::builder()
        .header("content-type", "application/json")
        .header("x-version", version)
        .body(())
        .expect("a head")
}

#[tokio::test]
async fn a_server_must_prove_who_it_is() {
    let url = format!("https://{}/", start().await);
    let message = fails("http", json!({"url": url}), Failed, "tls").await;
    assert!(message.contains("does not prove"), "{message}");
    for tls in [json!({"ca": CERT}), json!({"insecure": true})] {
        let returned = run("http", json!({"url": url, "tls": tls})).await.unwrap();
        assert_eq!(returned["body"], "over h2");
        assert_eq!(returned["headers"]["x-version"], "HTTP/2.0");
    }
    let other_name = url.replace("127.0.0.1", "[::ffff:127.0.0.1]");
    fails("http", json!({"url": other_name, "tls": {"ca": CERT}}), Failed, "tls").await;
}

#[tokio::test]
async fn what_does_not_speak_tls_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let answer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    };
    let (_, ()) = tokio::join!(fails("http", json!({"url": url}), Unavailable, "connect"), answer);
}
