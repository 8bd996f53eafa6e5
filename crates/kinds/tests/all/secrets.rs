//! Secrets at the places where something is cut.

use drawloom_blueprint::ErrorClass::Failed;
use serde_json::json;

use crate::{
    server::{Server, answer},
    support::Job,
};

const SECRET: &str = "correct-horse-battery-staple";

/// What a task returns, prints or fails with.
async fn told(kind: &str, with: serde_json::Value, secret: &str) -> String {
    let job = Job::new(kind, with).secrets(&[secret]);
    let told = match job.run().await {
        Ok(it) => it.to_string(),
        Err(it) => {
            assert_eq!(it.class, Failed, "{it}");
            it.message
        }
    };
    job.kept.lines().into_iter().fold(told, |told, (_, line)| told + "\n" + &line)
}

/// Whether a text shows a part of the secret that nobody would write by chance.
fn shows_a_part(told: &str, secret: &str) -> bool {
    secret.as_bytes().windows(6).any(|part| told.contains(std::str::from_utf8(part).expect("it is ASCII")))
}

#[tokio::test]
async fn no_cut_of_an_error_of_a_command_shows_a_part() {
    // The end of standard error is shown: the cut goes through the secret at each of its bytes.
    for rest in (1990 - SECRET.len()..2010).chain(7990 - SECRET.len()..8010).step_by(5) {
        let command = format!("printf '%s' \"$S\" >&2; head -c {rest} /dev/zero | tr '\\0' x >&2; exit 1");
        let told = told("shell", json!({"command": command, "env": {"S": SECRET}, "stream": false}), SECRET).await;
        assert!(!shows_a_part(&told, SECRET), "{rest}: {told}");
    }
    let command = "for i in $(seq 2000); do printf '%s' \"$S\"; done >&2; exit 1";
    let told = told("shell", json!({"command": command, "env": {"S": SECRET}, "stream": false}), SECRET).await;
    assert!(told.contains("***") && !shows_a_part(&told, SECRET), "{told}");
}

#[tokio::test]
async fn no_cut_of_an_unexpected_body_shows_a_part() {
    for before in (1990 - SECRET.len()..2010).step_by(3) {
        let server = Server::start(move |_| {
            answer("400 Bad", &[], format!("{}{SECRET}{}", "x".repeat(before), "y".repeat(9000)))
        })
        .await;
        let told = told("http", json!({"url": server.url("/")}), SECRET).await;
        assert!(!shows_a_part(&told, SECRET), "{before}: {told}");
        assert!(told.len() < 2100);
    }
}

#[tokio::test]
async fn no_cut_of_an_error_of_code_or_jq_shows_a_part() {
    for before in [3950, 3990, 4000, 4050, 4070, 4090] {
        let source =
            format!("export default ({{ s }}) => {{ throw new Error('x'.repeat({before}) + s + 'y'.repeat(9000)) }}");
        let said = told("code", json!({"source": source, "args": {"s": SECRET}}), SECRET).await;
        assert!(!shows_a_part(&said, SECRET), "{before}: {said}");
        assert!(said.len() < 4200);
        let program = format!("range(1) as $it | error(\"x\" * {before} + .s)");
        let said = told("transform", json!({"jq": program, "input": {"s": SECRET}}), SECRET).await;
        assert!(said.starts_with("jq: ") && !shows_a_part(&said, SECRET), "{before}: {said}");
    }
    for before in [470, 480, 490] {
        let program = format!("def f: error(\"x\" * {before} + .s); f");
        let said = told("transform", json!({"jq": program, "input": {"s": SECRET}}), SECRET).await;
        assert!(!shows_a_part(&said, SECRET), "{before}: {said}");
    }
}

#[tokio::test]
async fn no_cut_of_long_output_shows_a_part() {
    // Parsed output is kept whole and returned in part.
    let command = "for i in $(seq 60000); do printf '%s' \"$S\"; done";
    let with = json!({"command": command, "env": {"S": SECRET}, "parse": "lines"});
    let said = told("shell", with, SECRET).await;
    assert!(!shows_a_part(&said, SECRET));
    // A secret as long as some keys are, in a line without an end.
    let long: String = (0..2000).map(|it| format!("{it:05}")).collect();
    let said = told(
        "shell",
        json!({"command": "cat; cat /dev/null", "stdin": format!("{}{long}", "-".repeat(60_000)).repeat(20)}),
        &long,
    );
    let said = said.await;
    assert!(said.contains("***") && !said.contains("00001") && !said.contains("01999"));
}
