//! Settings by flag, environment and file, and help.

use crate::support::Home;

const FLOW: &str = "drawloom: 1\nname: tiny\nsteps:\n  - id: a\n    set: { x: 1 }\n";

#[test]
fn the_store_is_a_flag_or_a_variable_or_in_the_file() {
    let home = Home::new();
    home.write("flow.yaml", FLOW);
    home.run(&["run", "flow.yaml", "--store", "sqlite://flag.db"]).exits(0);
    assert!(home.path().join("flag.db").exists());
    home.write("drawloom.toml", "store = 'sqlite://file.db'\n");
    home.run(&["run", "flow.yaml"]).exits(0);
    assert!(home.path().join("file.db").exists());
    let env = home.command(&["run", "flow.yaml"]).env("DRAWLOOM_STORE", "sqlite://env.db").status();
    assert!(env.is_ok_and(|it| it.success()));
    assert!(home.path().join("env.db").exists());
    assert!(!home.path().join(".drawloom").exists());
    home.write("drawloom.toml", "stor = 'x'\n");
    home.run(&["run", "flow.yaml"]).exits(2).says("drawloom.toml");
}

#[test]
fn ephemeral_and_memory_runs_leave_nothing() {
    let home = Home::new();
    home.write("flow.yaml", FLOW);
    home.run(&["run", "flow.yaml", "--ephemeral"]).exits(0);
    home.run(&["run", "flow.yaml", "--store", "memory:"]).exits(0);
    assert_eq!(std::fs::read_dir(home.path()).expect("a folder").count(), 1);
}

#[test]
fn loopback_is_refused_unless_allowed_and_the_error_says_how() {
    let (home, shop) = Home::with_shop();
    let text = format!(
        "drawloom: 1\nname: call\nsteps:\n  - id: a\n    uses: http\n    with: {{ url: '{}/health' }}\n",
        shop.address
    );
    home.write("flow.yaml", text);
    let mut refused = home.command(&["run", "flow.yaml", "--json"]);
    let refused = refused.env_remove("DRAWLOOM_HTTP_ALLOW").output().expect("the binary starts");
    assert_eq!(refused.status.code(), Some(1));
    let err = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(err.contains("--http-allow"), "{err}");
    home.run(&["run", "flow.yaml", "--http-allow", "127.0.0.0/8"]).exits(0);
    home.write("drawloom.toml", "[http]\nallow = ['127.0.0.1']\n");
    let mut allowed = home.command(&["run", "flow.yaml"]);
    assert!(allowed.env_remove("DRAWLOOM_HTTP_ALLOW").status().is_ok_and(|it| it.success()));
}

#[test]
fn help_completions_and_man_pages_are_there() {
    let home = Home::new();
    let help = home.run(&["--help"]).exits(0).out;
    for word in ["run", "resume", "validate", "doctor", "Exit codes"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(!help.contains("server"), "what is not there is not listed");
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.run(&["completions", shell]).exits(0).out.contains("resume"));
    }
    home.run(&["man", "pages"]).exits(0);
    assert!(home.read("pages/drawloom-run.1").contains("drawloom"));
    assert!(home.run(&["doctor"]).exits(0).out.contains("shell"));
}
