use drawloom_blueprint::ErrorClass::Invalid;
use drawloom_kinds::{Settings, executors};
use serde_json::json;

use crate::{
    server::{Server, answer, json_answer},
    support::{Job, settings},
};

fn allowing(allow: &[&str]) -> Settings {
    Settings { http_allow: allow.iter().map(|it| (*it).to_owned()).collect(), ..settings() }
}

/// What happens to a request where only `allow` is allowed: the body, or the code of the error.
async fn ask(allow: &[&str], with: serde_json::Value) -> Result<serde_json::Value, String> {
    let job = Job::under(&allowing(allow), "http", with);
    match job.run().await {
        Ok(mut it) => Ok(it["body"].take()),
        Err(it) => {
            assert!(it.code.as_deref() != Some("address_refused") || it.class == Invalid);
            Err(it.code.unwrap_or_default())
        }
    }
}

#[tokio::test]
async fn this_machine_is_refused_however_it_is_written() {
    let server = Server::start(|_| json_answer("1")).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "user:pass@127.0.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "192.168.0.1",
    ] {
        let with = json!({"url": format!("http://{host}:{port}/")});
        assert_eq!(ask(&[], with).await, Err("address_refused".to_owned()), "{host}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_error_says_how_to_allow_it() {
    let error = Job::under(&allowing(&[]), "http", json!({"url": "http://localhost:1/"})).run().await.unwrap_err();
    assert!(error.message.contains("`localhost` is "), "{}", error.message);
    assert!(
        error.message.contains("DRAWLOOM_HTTP_ALLOW=") && error.message.contains("--http-allow "),
        "{}",
        error.message
    );
    let error = Job::under(&allowing(&[]), "http", json!({"url": "http://127.0.0.1:1/"})).run().await.unwrap_err();
    assert!(error.message.contains("DRAWLOOM_HTTP_ALLOW=127.0.0.1"), "{}", error.message);
}

#[tokio::test]
async fn what_is_allowed_is_reached() {
    let server = Server::start(|_| json_answer("1")).await;
    let port = server.address.port();
    let with = |host: &str| json!({"url": format!("http://{host}:{port}/")});
    let refused = Err("address_refused".to_owned());
    assert_eq!(ask(&["127.0.0.1"], with("127.0.0.1")).await, Ok(json!(1)));
    assert_eq!(ask(&["127.0.0.0/8"], with("127.0.0.1")).await, Ok(json!(1)));
    assert_eq!(ask(&["127.0.0.1"], with("[::ffff:127.0.0.1]")).await, Ok(json!(1)));
    assert_eq!(ask(&["localhost"], with("localhost")).await, Ok(json!(1)));
    assert_eq!(ask(&["127.0.0.1"], with("localhost")).await, Ok(json!(1)));
    assert_eq!(ask(&["localhost"], with("127.0.0.1")).await, refused);
    assert_eq!(ask(&[&format!("localhost:{port}")], with("localhost")).await, Ok(json!(1)));
    assert_eq!(ask(&[&format!("localhost:{}", port ^ 1)], with("localhost")).await, refused);
    assert_eq!(ask(&[&format!("127.0.0.1:{port}")], with("localhost")).await, Ok(json!(1)));
    assert_eq!(ask(&["10.0.0.0/8"], with("127.0.0.1")).await, refused);
}

#[tokio::test]
async fn a_redirect_does_not_lead_around_it() {
    let inner = Server::start(|_| json_answer("\"secret\"")).await;
    for host in ["localhost", "127.0.0.2", "[::1]", "2130706434", "0x7f.2"] {
        let target = format!("http://{host}:{}/", inner.address.port());
        let outer = Server::start(move |_| answer("302 Found", &[("location", &target)], "")).await;
        // Only the port of the outer server is allowed.
        let allow = format!("127.0.0.1:{}", outer.address.port());
        let with = json!({"url": outer.url("/")});
        assert_eq!(ask(&[&allow], with).await, Err("address_refused".to_owned()), "{host}");
        assert_eq!(outer.asked().len(), 1);
    }
    let file = Server::start(|_| answer("302 Found", &[("location", "file:///etc/passwd")], "")).await;
    assert_eq!(ask(&["127.0.0.1"], json!({"url": file.url("/")})).await, Err("bad_with".to_owned()));
    assert_eq!(inner.connections(), 0);
}

#[tokio::test]
async fn a_proxy_is_an_address_too() {
    let proxy = Server::start(|_| json_answer("1")).await;
    let with = |host: &str| json!({"url": "http://example.invalid/", "proxy": format!("http://{host}:{}", proxy.address.port())});
    assert_eq!(ask(&[], with("127.0.0.1")).await, Err("address_refused".to_owned()));
    assert_eq!(ask(&[], with("localhost")).await, Err("address_refused".to_owned()));
    assert_eq!(ask(&["localhost"], with("localhost")).await, Ok(json!(1)));
    // Behind an allowed proxy, addresses are refused as ever.
    let with = json!({"url": "http://169.254.169.254/", "proxy": proxy.url("")});
    assert_eq!(ask(&["127.0.0.1"], with).await, Err("address_refused".to_owned()));
}

#[test]
fn nonsense_in_the_list_is_an_error() {
    for wrong in ["http://x", "10.0.0.0/99", "a:b", "x:70000"] {
        assert!(executors(&allowing(&[wrong])).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_port_counts_wherever_it_stands_in_the_list() {
    let server = Server::start(|_| json_answer("1")).await;
    let port = server.address.port();
    let url = json!({"url": format!("http://localhost:{port}/")});
    let named = format!("localhost:{port}");
    for allow in [&[named.as_str(), "10.9.9.9"][..], &["10.9.9.9", named.as_str()], &[named.as_str()]] {
        assert_eq!(ask(allow, url.clone()).await, Ok(json!(1)), "{allow:?}");
    }
    let other = format!("localhost:{}", port - 1);
    assert_eq!(ask(&[&other, "10.9.9.9"], url).await, Err("address_refused".to_owned()));
}
