//! Data beside a run: bodies that are streamed to it, and sent or read from it.

use std::{sync::atomic::Ordering, time::Duration};

use drawloom_blueprint::ErrorClass::{Cancelled, Failed, Invalid, Unavailable};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    server::{Asked, Server, answer, json_answer},
    support::Job,
};

#[tokio::test]
async fn a_body_is_kept_as_it_comes_and_referred_to() {
    // More than is taken into a value.
    let whole: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_be_bytes).collect();
    let sent = whole.clone();
    let server = Server::start(move |_| answer("200 OK", &[("content-type", "application/x-Thing")], &sent)).await;
    let job = Job::new("http", json!({"url": server.url("/"), "response": "stream"}));
    let returned = job.run().await.unwrap();
    let hash = hex::encode(Sha256::digest(&whole));
    let expected = json!({"blob": hash, "size": whole.len(), "content_type": "application/x-Thing"});
    assert_eq!(returned["body"], expected);
    assert!(job.kept.shelf.all() == [whole]);
    let largest = job.kept.shelf.largest.load(Ordering::SeqCst);
    assert!(largest < 1 << 20, "{largest} bytes were held");
    let empty = Server::start(|_| answer("200 OK", &[], "")).await;
    let job = Job::new("http", json!({"url": empty.url("/"), "response": "stream"}));
    assert_eq!(job.run().await.unwrap()["body"]["size"], 0);
}

#[tokio::test]
async fn a_body_that_is_too_long_or_breaks_off_is_not_kept() {
    let chunked = |pieces: usize, end: &'static str| {
        Server::start(move |_| {
            let mut message = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            (0..pieces).for_each(|_| message.extend_from_slice(b"a\r\n0123456789\r\n"));
            message.extend_from_slice(end.as_bytes());
            message
        })
    };
    let plain = Server::start(|_| answer("200 OK", &[], "x".repeat(1000))).await;
    let (long, broken) = (chunked(100, "0\r\n\r\n").await, chunked(3, "nonsense\r\n").await);
    for (server, max, class, code) in [
        (&plain, 999, Failed, "too_large"),
        (&long, 999, Failed, "too_large"),
        (&broken, 1000, Unavailable, "connection"),
    ] {
        let job = Job::new("http", json!({"url": server.url("/"), "response": "stream", "max_bytes": max}));
        let error = job.run().await.unwrap_err();
        assert_eq!((error.class, error.code.as_deref()), (class, Some(code)), "{error}");
        assert!(job.kept.shelf.all().is_empty());
    }
    for server in [&long, &plain] {
        let job = Job::new("http", json!({"url": server.url("/"), "response": "stream", "max_bytes": 1000}));
        assert_eq!(job.run().await.unwrap()["body"]["size"], 1000, "as long as it may be");
    }
    let missing = Server::start(|_| answer("404 Not Found", &[], "no such thing")).await;
    let job = Job::new("http", json!({"url": missing.url("/"), "response": "stream"}));
    assert!(job.run().await.unwrap_err().message.ends_with("no such thing"));
    assert!(job.kept.shelf.all().is_empty());
}

#[tokio::test]
async fn a_stream_ends_with_its_attempt() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let job = Job::new("http", json!({"url": url, "response": "stream"}));
    let serve = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        let _ = connection.read(&mut [0; 4096]).await;
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nsome").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        job.stop.cancel();
        connection
    };
    let (result, _) = tokio::join!(job.run(), serve);
    assert_eq!(result.unwrap_err().class, Cancelled);
    assert!(job.kept.shelf.all().is_empty());
}

#[tokio::test]
async fn secrets_do_not_get_into_a_stream() {
    let secret = "hunter2-token";
    // Where pieces of the body end is up to the network; the screen has tests of its own.
    let server = Server::start(move |_| answer("200 OK", &[], format!("<{secret}>").repeat(100_000))).await;
    let job = Job::new("http", json!({"url": server.url("/"), "response": "stream"})).secrets(&[secret]);
    assert_eq!(job.run().await.unwrap()["body"]["size"], 500_000);
    assert!(job.kept.shelf.all()[0] == "<***>".repeat(100_000).as_bytes());
}

#[tokio::test]
async fn a_request_sends_what_a_reference_names() {
    let server = Server::start(|asked: &Asked| match asked.path.as_str() {
        "/moved" => answer("307 Moved", &[("location", "/there")], ""),
        _ => json_answer("1"),
    })
    .await;
    let whole = vec![255; 1_234_567];
    for (path, content_type, sent) in
        [("/", None, "application/octet-stream"), ("/moved", Some("image/png"), "image/png")]
    {
        let mut job = Job::new("http", json!({}));
        let blob = job.kept.shelf.put(whole.clone()).into_value(content_type);
        let with = [("url", server.url(path).into()), ("method", "PUT".into()), ("body", blob)];
        job.task.with = drawloom_blueprint::Value::object(with);
        job.run().await.unwrap();
        let asked = server.last();
        assert!(asked.body == whole);
        assert_eq!(asked.header("content-type"), Some(sent));
        assert_eq!(asked.header("content-length"), Some("1234567"));
    }
    let url = server.url("/");
    let none = json!({"blob": "0".repeat(64), "size": 5});
    let error = Job::new("http", json!({"url": url, "method": "PUT", "body": none})).run().await.unwrap_err();
    assert_eq!((error.class, error.code.as_deref()), (Invalid, Some("no_blob")));
    let mut job = Job::new("http", json!({}));
    let blob = job.kept.shelf.put(b"damaged".to_vec()).into_value(None);
    job.task.with = drawloom_blueprint::Value::object([("url", url.into()), ("method", "PUT".into()), ("body", blob)]);
    let error = job.run().await.unwrap_err();
    assert_eq!((error.class, error.code.as_deref()), (Failed, Some("blobs")), "{error}");
}

#[tokio::test]
async fn a_command_reads_what_a_reference_names() {
    let run = async |bytes: Vec<u8>, command: &str| {
        let mut job = Job::new("shell", json!({}));
        let blob = job.kept.shelf.put(bytes).into_value(Some("text/plain"));
        job.task.with = drawloom_blueprint::Value::object([("command", command.into()), ("stdin", blob)]);
        job.run().await
    };
    let whole = vec![b'x'; 3_000_000];
    assert_eq!(run(whole.clone(), "wc -c").await.unwrap()["output"], "3000000");
    assert_eq!(run(whole, "true").await.unwrap()["exit_code"], 0);
    let error = run(b"damaged".to_vec(), "cat").await.unwrap_err();
    assert_eq!((error.class, error.code.as_deref()), (Failed, Some("blobs")));
    let none = json!({"blob": "0".repeat(64), "size": 5});
    let error = Job::new("shell", json!({"command": "cat", "stdin": none})).run().await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("no_blob"));
}
