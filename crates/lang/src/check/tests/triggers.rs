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
        r#"
            DL0602 7:13 '"0 25 * * *"' `0 25 * * *` is not a cron expression: number out of bounds (for example `0 2 * * MON-FRI`: minute, hour, day of month, month, day of week)
            DL0602 8:13 '"0 0 31 2 *"' `0 0 31 2 *` never fires: there is no such date (mind the lengths of months)
            DL0602 9:13 '"hello"' `hello` is not a cron expression: it needs five fields (minute, hour, day of month, month, day of week), or six with a second before them, not 1 (for example `0 2 * * MON-FRI`: minute, hour, day of month, month, day of week)
            DL0603 10:33 'Europe/Berln' unknown time zone `Europe/Berln` (did you mean `Europe/Berlin`?)
            DL0603 11:33 'CEST-ish' unknown time zone `CEST-ish` (give an IANA name such as `Europe/Berlin` or `UTC`)
            DL0607 12:17 '0s' an interval must be longer than nothing
            DL0904 warning 12:31 'UTC' `timezone` has no effect on the trigger `interval` (leave it out)
        "#,
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
        r#"
            DL0610 7:22 '/orders/new' two webhooks have the path `/orders/new` [6 'orders/new': the other one]
            DL0610 8:22 '"../etc"' `../etc` is not a path for a webhook (letters, digits, `-`, `_`, `.` and `~`, in parts between `/`)
            DL0610 8:40 'FETCH' `FETCH` is not a method for a webhook (the methods are `GET`, `POST`, `PUT`, `PATCH`, `DELETE`)
            DL0610 9:22 '"a b"' `a b` is not a path for a webhook (letters, digits, `-`, `_`, `.` and `~`, in parts between `/`)
            DL0910 warning 9:37 'hunter2' a secret stands in the document for everyone to read (keep it in the vault and write `{{ secrets.NAME }}`)
            DL0904 warning 10:14 '1d' `catchup` has no effect on the trigger `webhook` (leave it out)
            DL0610 11:14 '""' `` is not a path for a webhook (letters, digits, `-`, `_`, `.` and `~`, in parts between `/`)
        "#,
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
        r#"
            DL0609 warning 6:13 '"@daily"' the runs of this trigger lack `day` (give it in the trigger's `with`, or give the input a default)
            DL0609 warning 7:17 '1h' the runs of this trigger lack `day` (give it in the trigger's `with`, or give the input a default)
            DL0609 7:36 'many' the input `limit` must be an integer, not a string
            DL0609 7:42 'dya' unknown input `dya` (did you mean `day`?)
            DL0307 8:40 'vars.x' unknown variable `x` (the flow has no variables; declare it in `vars`)
        "#,
    );
}
