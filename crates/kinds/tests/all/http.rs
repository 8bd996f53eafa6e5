use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use drawloom_blueprint::ErrorClass::{Cancelled, Failed, Invalid, Timeout, Unavailable};
use drawloom_kinds::executors;
use serde_json::json;

use crate::{
    server::{Asked, Server, answer, json_answer},
    support::{Job, fails, run, settings},
};

async fn echo() -> Server {
    Server::start(|_| json_answer("{\"ok\": true}")).await
}

#[tokio::test]
async fn an_answer_has_status_headers_body_url_and_time() {
    let server = Server::start(|_| {
        answer(
            "201 Created",
            &[
                ("content-type", "application/json; charset=utf-8"),
                ("x-two", "a"),
                ("X-Two", "b"),
                ("set-cookie", "a=1, x"),
                ("set-cookie", "b=2"),
            ],
            "{\"items\": [1, \"ä\"]}",
        )
    })
    .await;
    let returned = run("http", json!({"url": server.url("/x?y=1#z")})).await.unwrap();
    assert_eq!(returned["status"], 201);
    assert_eq!(returned["headers"]["x-two"], "a, b");
    assert_eq!(returned["headers"]["set-cookie"], "a=1, x\nb=2");
    assert_eq!(returned["body"], json!({"items": [1, "ä"]}));
    assert_eq!(returned["url"], server.url("/x?y=1#z"));
    assert!(returned["elapsed_ms"].is_u64());
    let asked = server.last();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/x?y=1"));
    assert!(asked.header("user-agent").unwrap().starts_with("drawloom/"));
    assert_eq!(asked.header("idempotency-key"), None);
}

#[tokio::test]
async fn requests_carry_what_the_flow_says() {
    let server = echo().await;
    let url = server.url("/?a=1");
    run("http", json!({"url": url, "query": {"b": "x y&", "n": 7, "t": true, "l": [1, "2", null], "z": null}}))
        .await
        .unwrap();
    assert_eq!(server.last().path, "/?a=1&b=x+y%26&n=7&t=true&l=1&l=2");
    run("http", json!({"url": url, "headers": {"X-One": "1", "x-many": ["a", "b"], "x-n": 5, "x-none": null}}))
        .await
        .unwrap();
    let asked = server.last();
    assert_eq!((asked.header("x-one"), asked.header("x-n"), asked.header("x-none")), (Some("1"), Some("5"), None));
    run("http", json!({"url": url, "method": "post", "body": {"b": [1], "a": null}})).await.unwrap();
    let asked = server.last();
    assert_eq!((asked.method.as_str(), asked.text().as_str()), ("POST", "{\"b\":[1],\"a\":null}"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.header("idempotency-key"), Some("00000000000000000000000007:outer[1].inner"));
    run("http", json!({"url": url, "method": "PUT", "body": "text", "headers": {"content-type": "text/csv", "idempotency-key": "mine"}})).await.unwrap();
    let asked = server.last();
    assert_eq!((asked.text().as_str(), asked.header("content-type")), ("text", Some("text/csv")));
    assert_eq!(asked.header("idempotency-key"), Some("mine"));
    run("http", json!({"url": url, "method": "PATCH", "body": "text"})).await.unwrap();
    assert_eq!(server.last().header("content-type"), Some("text/plain; charset=utf-8"));
    run("http", json!({"url": url, "method": "POST", "form": {"a": "x y", "n": 1, "l": ["p", "q"]}})).await.unwrap();
    let asked = server.last();
    assert_eq!(
        (asked.text().as_str(), asked.header("content-type")),
        ("a=x+y&n=1&l=p&l=q", Some("application/x-www-form-urlencoded"))
    );
}

#[tokio::test]
async fn multipart_forms_have_fields_and_files() {
    let server = echo().await;
    let with = json!({"url": server.url("/"), "method": "POST", "multipart": {
        "field": "value", "number": 5, "list": [1],
        "file": {"content": "a,b\n", "filename": "t.csv", "content_type": "text/csv"},
        "binary": {"base64": "AAH/", "filename": "b.bin"},
    }});
    run("http", with).await.unwrap();
    let asked = server.last();
    assert!(asked.header("content-type").unwrap().starts_with("multipart/form-data; boundary="));
    let text = asked.text();
    assert!(text.contains("name=\"field\"\r\n\r\nvalue\r\n"), "{text}");
    assert!(text.contains("name=\"number\"\r\n\r\n5\r\n") && text.contains("name=\"list\"\r\n\r\n[1]\r\n"), "{text}");
    assert!(text.contains("filename=\"t.csv\"\r\nContent-Type: text/csv\r\n\r\na,b\n"), "{text}");
    assert!(asked.body.windows(3).any(|it| it == [0, 1, 255]));
}

#[tokio::test]
async fn credentials_are_sent_to_the_named_host_only() {
    let server = echo().await;
    run("http", json!({"url": server.url("/"), "auth": {"basic": {"username": "me", "password": "p:w"}}}))
        .await
        .unwrap();
    assert_eq!(server.last().header("authorization"), Some("Basic bWU6cDp3"));
    run("http", json!({"url": server.url("/"), "auth": {"bearer": "token"}})).await.unwrap();
    assert_eq!(server.last().header("authorization"), Some("Bearer token"));
    let other = echo().await;
    let target = other.url("/there");
    let first = Server::start(move |asked: &Asked| match asked.path.as_str() {
        "/out" => answer("302 Found", &[("location", &target)], ""),
        "/in" => answer("302 Found", &[("location", "/end")], ""),
        _ => json_answer("1"),
    })
    .await;
    let with = json!({"url": first.url("/out"), "auth": {"bearer": "token"}, "headers": {"cookie": "c=1"}});
    assert_eq!(run("http", with).await.unwrap()["url"], other.url("/there"));
    assert_eq!((other.last().header("authorization"), other.last().header("cookie")), (None, None));
    run("http", json!({"url": first.url("/in"), "auth": {"bearer": "token"}})).await.unwrap();
    assert_eq!(first.last().header("authorization"), Some("Bearer token"));
}

#[tokio::test]
async fn redirects_are_followed_as_their_status_says() {
    let server = Server::start(|asked: &Asked| {
        let status = asked.path.trim_start_matches('/').to_owned();
        match status.as_str() {
            "end" => json_answer("\"end\""),
            "loop" => answer("302 Found", &[("location", "/loop")], ""),
            _ => answer(&format!("{status} Moved"), &[("location", "end")], ""),
        }
    })
    .await;
    for (status, method, body) in
        [("301", "GET", ""), ("302", "GET", ""), ("303", "GET", ""), ("307", "POST", "\"x\""), ("308", "POST", "\"x\"")]
    {
        let with = json!({"url": server.url(&format!("/{status}")), "method": "POST", "body": "\"x\""});
        assert_eq!(run("http", with).await.unwrap()["body"], "end");
        let asked = server.last();
        assert_eq!((asked.method.as_str(), asked.text().as_str()), (method, body), "{status}");
        assert_eq!(asked.header("content-type").is_some(), method == "POST", "{status}");
    }
    let with = json!({"url": server.url("/302"), "follow_redirects": false});
    assert_eq!(run("http", with).await.unwrap()["status"], 302);
    let before = server.asked().len();
    fails("http", json!({"url": server.url("/loop")}), Failed, "redirects").await;
    assert_eq!(server.asked().len() - before, 11);
    let before = server.asked().len();
    fails("http", json!({"url": server.url("/loop"), "follow_redirects": 2}), Failed, "redirects").await;
    assert_eq!(server.asked().len() - before, 3);
}

#[tokio::test]
async fn connections_are_shared_across_steps() {
    let server = echo().await;
    let executors = executors(&settings()).unwrap();
    for _ in 0..10 {
        Job::of(&executors, "http", json!({"url": server.url("/")})).run().await.unwrap();
    }
    assert_eq!((server.asked().len(), server.connections()), (10, 1));
}

#[tokio::test]
async fn statuses_decide_on_the_class() {
    let server =
        Server::start(|asked: &Asked| answer(&format!("{} Status", &asked.path[1..]), &[], "the body says why")).await;
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        let message =
            fails("http", json!({"url": server.url(&format!("/{status}"))}), Unavailable, "http_status").await;
        assert!(message.contains(&status.to_string()) && message.ends_with(": the body says why"), "{message}");
    }
    for status in [400, 401, 403, 404, 409, 410, 422] {
        fails("http", json!({"url": server.url(&format!("/{status}"))}), Failed, "http_status").await;
    }
    for expect in [json!(404), json!("404"), json!("4xx"), json!("400-499"), json!([200, "404"]), json!("200, 404")] {
        let returned = run("http", json!({"url": server.url("/404"), "expect": expect})).await.unwrap();
        assert_eq!(returned["status"], 404);
    }
    fails("http", json!({"url": server.url("/204"), "expect": "200"}), Failed, "http_status").await;
    fails("http", json!({"url": server.url("/200"), "expect": "abc"}), Invalid, "bad_with").await;
}

#[tokio::test]
async fn retry_after_is_read() {
    let server = Server::start(|asked: &Asked| {
        let value = asked.header("x-after").unwrap_or_default().to_owned();
        answer("503 Busy", &[("retry-after", &value)], "x".repeat(100_000))
    })
    .await;
    let wait = async |after: &str| {
        let error = run("http", json!({"url": server.url("/"), "headers": {"x-after": after}})).await.unwrap_err();
        assert!(error.message.len() < 2200);
        error.retry_after_ms
    };
    assert_eq!(wait("7").await, Some(7000));
    assert_eq!(wait("99999999999999").await, Some(30 * 86_400_000));
    assert_eq!(wait("soon").await, None);
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT").await, Some(0));
    let later = wait("Sun, 06 Nov 2394 08:49:37 GMT").await.unwrap();
    assert_eq!(later, 30 * 86_400_000);
}

#[tokio::test]
async fn what_cannot_be_reached_is_unavailable() {
    let free = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let message = fails("http", json!({"url": format!("http://{free}/")}), Unavailable, "connect").await;
    assert!(message.contains("refused"), "{message}");
    fails("http", json!({"url": "http://no-such-host.invalid/"}), Unavailable, "connect").await;
    let hangs_up = Server::start(|_| Vec::new()).await;
    fails("http", json!({"url": hangs_up.url("/")}), Unavailable, "connection").await;
    let breaks_off =
        Server::start(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\nhalf".to_vec());
    let breaks_off = breaks_off.await;
    let job = Job::new("http", json!({"url": breaks_off.url("/")})).timeout(Duration::from_millis(500));
    assert_eq!(job.run().await.unwrap_err().class, Timeout);
    let no_http = Server::start(|_| b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()).await;
    fails("http", json!({"url": no_http.url("/")}), Unavailable, "connection").await;
}

#[tokio::test]
async fn bodies_become_values() {
    let server = Server::start(|asked: &Asked| {
        let kind = asked.header("x-type").unwrap_or_default().to_owned();
        match asked.path.as_str() {
            "/json" => answer("200 OK", &[("content-type", &kind)], "{\"a\": 1}"),
            "/latin" => answer("200 OK", &[("content-type", &kind)], b"z\xf6lf"),
            "/bytes" => answer("200 OK", &[("content-type", &kind)], b"\x00\xff\xfe"),
            _ => answer("200 OK", &[("content-type", &kind)], ""),
        }
    })
    .await;
    let body = async |path: &str, kind: &str, response: &str| {
        let with = json!({"url": server.url(path), "headers": {"x-type": kind}, "response": response});
        run("http", with).await.map(|mut it| it["body"].take())
    };
    assert_eq!(body("/json", "application/json", "auto").await.unwrap(), json!({"a": 1}));
    assert_eq!(body("/json", "application/problem+json; x=y", "auto").await.unwrap(), json!({"a": 1}));
    assert_eq!(body("/json", "text/plain", "auto").await.unwrap(), json!("{\"a\": 1}"));
    assert_eq!(body("/json", "text/plain", "json").await.unwrap(), json!({"a": 1}));
    assert_eq!(body("/json", "application/json", "text").await.unwrap(), json!("{\"a\": 1}"));
    assert_eq!(body("/json", "application/json", "bytes").await.unwrap(), json!("eyJhIjogMX0="));
    assert_eq!(body("/json", "application/octet-stream", "auto").await.unwrap(), json!("{\"a\": 1}"));
    assert_eq!(body("/latin", "text/plain; charset=ISO-8859-1", "auto").await.unwrap(), json!("zölf"));
    assert_eq!(body("/bytes", "image/png", "auto").await.unwrap(), json!("AP/+"));
    assert_eq!(body("/empty", "application/json", "auto").await.unwrap(), json!(null));
    assert_eq!(body("/empty", "text/plain", "auto").await.unwrap(), json!(""));
    let error = body("/latin", "application/json", "auto").await.unwrap_err();
    assert_eq!((error.class, error.code.as_deref()), (Failed, Some("bad_body")));
    assert_eq!(body("/json", "text/plain", "streamed").await.unwrap_err().class, Invalid);
}

#[tokio::test]
async fn bodies_are_bounded() {
    let server = Server::start(|_| answer("200 OK", &[("content-type", "text/plain")], "x".repeat(1000))).await;
    let returned = run("http", json!({"url": server.url("/"), "max_bytes": 1000})).await.unwrap();
    assert_eq!(returned["body"].as_str().unwrap().len(), 1000);
    fails("http", json!({"url": server.url("/"), "max_bytes": 999}), Failed, "too_large").await;
    // Without a length, and small on the wire.
    let endless = Server::start(|_| {
        let mut message = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for _ in 0..100 {
            message.extend_from_slice(b"a\r\n0123456789\r\n");
        }
        message
    })
    .await;
    fails("http", json!({"url": endless.url("/"), "max_bytes": 500}), Failed, "too_large").await;
}

#[tokio::test]
async fn a_request_ends_with_its_attempt() {
    let slow = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", slow.local_addr().unwrap());
    let job = Job::new("http", json!({"url": url})).timeout(Duration::from_millis(200));
    let started = Instant::now();
    assert_eq!(job.run().await.unwrap_err().class, Timeout);
    assert!(started.elapsed() < Duration::from_secs(30));
    let job = Job::new("http", json!({"url": url}));
    let cancel = async {
        let (mut connection, _) = slow.accept().await.unwrap();
        job.stop.cancel();
        // The client has let go.
        tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut Vec::new()).await
    };
    let (result, closed) = tokio::join!(job.run(), cancel);
    assert_eq!(result.unwrap_err().class, Cancelled);
    drop(closed);
}

#[tokio::test]
async fn a_proxy_is_used_where_it_is_named() {
    let proxy = Server::start(|asked: &Asked| json_answer(&format!("{:?}", asked.path))).await;
    let with = json!({"url": "http://example.invalid/x", "proxy": proxy.url("")});
    assert_eq!(run("http", with).await.unwrap()["body"], "http://example.invalid/x");
}

#[tokio::test]
async fn secrets_are_hidden() {
    let server = Server::start(|asked: &Asked| {
        let token = asked.header("authorization").unwrap_or_default().to_owned();
        match asked.path.as_str() {
            "/fail" => answer("400 Bad", &[], format!("you said {token}")),
            _ => json_answer(&format!("{{\"you\": \"{token}\"}}")),
        }
    })
    .await;
    let ask = |path: &str| {
        Job::new("http", json!({"url": server.url(path), "auth": {"bearer": "hunter2-token"}}))
            .secrets(&["hunter2-token"])
    };
    assert_eq!(ask("/").run().await.unwrap()["body"], json!({"you": "Bearer ***"}));
    assert!(ask("/fail").run().await.unwrap_err().message.ends_with("you said Bearer ***"));
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let server = echo().await;
    let url = server.url("/");
    for with in [
        json!({}),
        json!({"url": "no url"}),
        json!({"url": "ftp://example.com"}),
        json!({"url": "file:///etc/passwd"}),
        json!({"url": url, "method": "G T"}),
        json!({"url": url, "headers": {"a b": "x"}}),
        json!({"url": url, "headers": {"a": "x\ny"}}),
        json!({"url": url, "headers": ["a"]}),
        json!({"url": url, "body": "x", "form": {}}),
        json!({"url": url, "multipart": {"a": {"b": 1}}}),
        json!({"url": url, "multipart": {"a": {"base64": "%"}}}),
        json!({"url": url, "auth": {}}),
        json!({"url": url, "auth": {"basic": {"username": "x"}, "bearer": "y"}}),
        json!({"url": url, "proxy": "nothing"}),
        json!({"url": url, "tls": {"ca": "nothing"}}),
        json!({"url": url, "tls": {"cert": "nothing"}}),
        json!({"url": url, "max_bytes": -1}),
        json!({"url": url, "timeout": 5}),
    ] {
        fails("http", with, Invalid, "bad_with").await;
    }
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn steps_at_once_do_not_wait_for_each_other() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|_| json_answer(&COUNT.fetch_add(1, Ordering::SeqCst).to_string())).await;
    let all = (0..50).map(|_| run("http", json!({"url": server.url("/")})));
    for it in futures_util::future::join_all(all).await {
        assert_eq!(it.unwrap()["status"], 200);
    }
    assert_eq!(COUNT.load(Ordering::SeqCst), 50);
}

#[tokio::test]
async fn a_body_is_at_most_16_mib_where_nothing_is_said() {
    for (size, fits) in [(16 << 20, true), ((16 << 20) + 1, false)] {
        let server =
            Server::start(move |_| answer("200 OK", &[("content-type", "text/plain")], vec![b'x'; size])).await;
        let answered = run("http", json!({"url": server.url("/")})).await;
        match answered {
            Ok(it) => assert!(fits && it["body"].as_str().unwrap().len() == size),
            Err(error) => assert!(!fits && error.code.as_deref() == Some("too_large"), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_redirect_keeps_the_place_in_the_page_unless_it_names_one() {
    let server = Server::start(|asked: &Asked| match asked.path.as_str() {
        "/plain" => answer("302 Found", &[("location", "/end")], ""),
        "/named" => answer("302 Found", &[("location", "/end#there")], ""),
        _ => json_answer("1"),
    })
    .await;
    for (from, to) in [("/plain#here", "/end#here"), ("/plain", "/end"), ("/named#here", "/end#there")] {
        let returned = run("http", json!({"url": server.url(from)})).await.unwrap();
        assert_eq!(returned["url"], server.url(to));
    }
}

#[tokio::test]
async fn what_says_that_it_is_text_is_text_and_what_is_neither_is_base64() {
    let server = Server::start(|asked: &Asked| {
        let content_type = match asked.path.as_str() {
            "/text" => "text/plain",
            "/xml" => "image/svg+xml",
            "/latin" => "text/html; charset=ISO-8859-1",
            _ => "application/octet-stream",
        };
        answer("200 OK", &[("content-type", content_type)], b"a\xe4z")
    })
    .await;
    for (path, body) in [("/text", "a\u{fffd}z"), ("/xml", "a\u{fffd}z"), ("/latin", "aäz"), ("/bytes", "YeR6")] {
        assert_eq!(run("http", json!({"url": server.url(path)})).await.unwrap()["body"], body, "{path}");
    }
}

#[tokio::test]
async fn what_is_expected_may_be_written_in_many_ways() {
    let server = Server::start(|_| answer("404 Not Found", &[], "")).await;
    for (expect, fits) in [
        (json!(404), true),
        (json!("404"), true),
        (json!(" 200-299 , 4xx "), true),
        (json!([200, " 400-404 "]), true),
        (json!("404-404"), true),
        (json!("405-499"), false),
        (json!("400-403"), false),
        (json!("3XX"), false),
        (json!(null), false),
        (json!([]), false),
    ] {
        let answered = run("http", json!({"url": server.url("/"), "expect": expect})).await;
        assert_eq!(answered.is_ok(), fits, "{expect}");
    }
    for wrong in [json!(99), json!(1000), json!("4x"), json!("a-b"), json!(true), json!([200, null])] {
        let error = run("http", json!({"url": server.url("/"), "expect": wrong})).await.unwrap_err();
        assert_eq!(error.class, Invalid, "{wrong}: {error}");
    }
}
