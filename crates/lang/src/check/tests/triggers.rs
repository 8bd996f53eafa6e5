//! What starts runs.

use super::check_flow;

/// Checks the triggers of a flow that has an input without a default.
#[track_caller]
fn check(triggers: &str, expected: &str) {
    let flow = "drawloom: 1\nname: test\ninputs: { day: { type: string }, limit: { type: integer, default: 1 } }";
    check_flow(&format!("{flow}\nsteps: [{{ id: s, set: {{}} }}]\ntriggers:\n{triggers}"), expected);
}

#[test]
fn cron_expressions_and_zones_are_valid() {
    check(
        r#"  - { cron: "0 2 * * MON-FRI", timezone: Europe/Berlin, with: { day: x } }
  - { cron: "0 25 * * *", with: { day: x } }
  - { cron: "0 0 31 2 *", with: { day: x } }
  - { cron: "hello", with: { day: x } }
  - { cron: "@daily", timezone: Europe/Berln, with: { day: x } }
  - { cron: "@daily", timezone: CEST-ish, with: { day: x } }
  - { interval: 0s, timezone: UTC, with: { day: x } }
"#,
        r#""#,
    );
}

#[test]
fn webhooks_have_paths_methods_and_hidden_secrets() {
    check(
        r#"  - webhook: { path: orders/new, method: post, secret: "{{ secrets.S }}", respond: result }
  - webhook: { path: /orders/new }
  - webhook: { path: "../etc", method: FETCH }
  - webhook: { path: "a b", secret: hunter2 }
    catchup: 1d
  - webhook: ""
"#,
        r#""#,
    );
}

#[test]
fn triggers_give_inputs_that_fit() {
    check(
        r#"  - { cron: "@daily" }
  - { interval: 1h, with: { limit: many, dya: x } }
  - { interval: 1h, with: { limit: "{{ vars.x }}", day: "{{ now() }}" } }
  - { webhook: a, with: { limit: 2 } }
"#,
        r#""#,
    );
}
