//! A folder to run the binary in, and the shop that the examples talk to.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value as Json;

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// A folder of its own for one test, with a store of its own.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    allow: Vec<String>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), allow: Vec::new() }
    }

    /// Where flows may reach the shop.
    pub(crate) fn with_shop() -> (Self, Shop) {
        let home = Self { allow: vec!["127.0.0.1".to_owned()], ..Self::new() };
        (home, Shop::open())
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), text).expect("the folder can be written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    /// The command with these arguments, in this folder, without settings from outside.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drawloom"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DRAWLOOM_")) {
            command.env_remove(name);
        }
        if !self.allow.is_empty() {
            command.env("DRAWLOOM_HTTP_ALLOW", self.allow.join(","));
        }
        command.args(args).current_dir(self.path()).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().expect("the binary starts"), args)
    }

    /// The command with this on its standard input.
    pub(crate) fn feed(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        // A command that refuses its arguments does not read.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Ran::of(child.wait_with_output().expect("the binary ends"), args)
    }

    /// Runs a flow with `--json`.
    pub(crate) fn flow(&self, text: &str, args: &[&str]) -> Ran {
        self.write("flow.yaml", text);
        self.run(&[&["run", "flow.yaml", "--json"], args].concat())
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) args: Vec<String>,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: Output, args: &[&str]) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the binary prints UTF-8");
        let args = args.iter().map(|it| (*it).to_owned()).collect();
        Self { args, code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The result, where the command exits with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "drawloom {}\n{}\n{}", self.args.join(" "), self.out, self.err);
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|it| panic!("not JSON: {it}\n{}\n{}", self.out, self.err))
    }

    /// Standard output as a JSON value per line.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Json> {
        self.out.lines().map(|it| serde_json::from_str(it).unwrap_or_else(|_| panic!("not JSON: {it}"))).collect()
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "`{text}` is not in:\n{}", self.err);
        self
    }
}

/// The shop of the examples, closed at the end of the test.
pub(crate) struct Shop {
    child: Child,
    pub(crate) address: String,
}

impl Shop {
    fn open() -> Self {
        let mut child = Command::new("python3")
            .arg(repository().join("examples/shop.py"))
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let out = child.stdout.take().expect("standard output is a pipe");
        let mut address = String::new();
        BufReader::new(out).read_line(&mut address).expect("the shop says its address");
        Self { child, address: address.trim().to_owned() }
    }

    /// The argument that points a flow to this shop.
    pub(crate) fn input(&self) -> String {
        format!("shop={}", self.address)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
