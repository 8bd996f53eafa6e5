//! The vault on the command line.

use serde_json::json;

use crate::support::Home;

#[test]
fn a_secret_is_set_listed_used_and_deleted_and_never_shown() {
    let home = Home::new();
    home.feed(&["secrets", "set", "TOKEN", "--stdin"], "hunter2-very-secret\n").exits(0);
    let listed = home.run(&["secrets", "list", "--json"]).exits(0);
    assert_eq!(listed.json()[0]["name"], "TOKEN");
    let flow = "drawloom: 1\nname: s\nsteps:\n  - id: a\n    uses: shell\n    with: { command: 'printf %s \"$T\" | wc -c; echo $T', env: { T: '{{ secrets.TOKEN }}' }, parse: lines }\noutputs: { lines: '{{ a.output }}' }\n";
    let ran = home.flow(flow, &[]).exits(0);
    assert_eq!(ran.json()["outputs"], json!({ "lines": ["19", "***"] }));
    let run = ran.json()["run"].as_str().unwrap_or_default().to_owned();
    for args in [["runs", "facts", &run], ["runs", "logs", &run], ["runs", "show", &run]] {
        let ran = home.run(&args).exits(0);
        assert!(!ran.out.contains("hunter2"), "{args:?} shows the secret");
    }
    let store = std::fs::read(home.path().join(".drawloom/store.db")).expect("the store is there");
    assert!(!store.windows(7).any(|it| it == b"hunter2"), "the store holds the secret in the clear");
    let key = std::fs::metadata(home.path().join(".drawloom/master.key")).expect("the key is there");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o777, 0o600);
    home.run(&["secrets", "delete", "TOKEN"]).exits(0);
    let ran = home.flow(flow, &[]).exits(1);
    assert_eq!(ran.json()["error"]["class"], "invalid");
    home.run(&["secrets", "delete", "TOKEN"]).exits(2);
    home.feed(&["secrets", "set", "not a name", "--stdin"], "x").exits(2);
    home.run(&["secrets", "set", "TOKEN"]).exits(2).says("--stdin");
}
