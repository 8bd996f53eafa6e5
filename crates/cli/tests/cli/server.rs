//! A PostgreSQL server to run the binary against, and what may be done to it.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
};

use crate::support::{Home, repository};

/// A PostgreSQL server, which ends when its standard input does: with this process, however that ends.
pub(crate) struct Postgres {
    pub(crate) url: String,
    ctl: String,
    child: Option<(Child, ChildStdin)>,
}

impl Postgres {
    /// The server that all tests share, where there is one.
    pub(crate) fn start() -> Self {
        match std::env::var("DRAWLOOM_TEST_POSTGRES") {
            Ok(url) => Self { url, ctl: String::new(), child: None },
            Err(_) => Self::own(),
        }
    }

    /// A server of its own.
    pub(crate) fn own() -> Self {
        let mut child = Command::new(repository().join("tools/with-postgres.sh"))
            .args(["sh", "-c", "echo \"$DRAWLOOM_TEST_POSTGRES\"; echo \"$DRAWLOOM_TEST_POSTGRES_CTL\"; cat"])
            .env_remove("DRAWLOOM_TEST_POSTGRES")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the tool is there");
        let mut lines = BufReader::new(child.stdout.take().expect("standard output is a pipe")).lines();
        let (Some(Ok(url)), Some(Ok(ctl))) = (lines.next(), lines.next()) else {
            panic!("no PostgreSQL server could be started; `make setup` installs what is missing");
        };
        let stdin = child.stdin.take().expect("standard input is a pipe");
        Self { url, ctl, child: Some((child, stdin)) }
    }

    pub(crate) fn ctl(&self, what: &str) {
        let script = format!("{} {what} >/dev/null", self.ctl);
        assert!(Command::new("sh").args(["-c", &script]).status().expect("a shell").success(), "{script}");
    }

    /// Has a program of the server's version do something, as the server's user. Returns what it printed.
    fn program(&self, name: &str, args: &[&str]) -> String {
        let (before, _) = self.ctl.split_once("pg_ctl").expect("a command of pg_ctl");
        let script = format!("{before}{name} \"$@\"");
        let done = Command::new("sh").args(["-c", &script, name]).args(args).output().expect("a shell");
        assert!(done.status.success(), "{name} {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Has the server do this, as its administrator. Returns the rows.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.program("psql", &[&self.url, "-XAtqc", sql])
    }

    /// Where a server of its own keeps its files.
    pub(crate) fn folder(&self) -> PathBuf {
        self.ctl.split_whitespace().nth(1).expect("it begins with `cd`").into()
    }

    fn address(&self) -> &str {
        let (_, rest) = self.url.split_once('@').expect("a user");
        rest.split_once('/').expect("a database").0
    }

    /// Stops all processes of the server where they are.
    pub(crate) fn freeze(&self) -> Frozen {
        let file = fs::read_to_string(self.folder().join("data/postmaster.pid")).expect("it runs");
        let first = file.lines().next().expect("the process").to_owned();
        let mut frozen = Frozen(Vec::new());
        frozen.add(first.clone());
        for process in fs::read_dir("/proc").expect("Linux").flatten() {
            let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            // Behind the name, which may hold anything: the state, the parent.
            if stat.rsplit(')').next().and_then(|it| it.split_whitespace().nth(1)) == Some(&first) {
                frozen.add(process.file_name().to_string_lossy().into_owned());
            }
        }
        frozen
    }

    /// A standby of this server, which ends with it.
    pub(crate) fn standby(&self) -> Self {
        let folder = self.folder();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let copy = folder.join("standby").display().to_string();
        self.program("pg_basebackup", &["-D", &copy, "-R", "-c", "fast", "-d", &self.url]);
        let (before, _) = self.ctl.split_once("pg_ctl").expect("a command of pg_ctl");
        let ctl = format!("{before}pg_ctl -D {copy} -w -o '-p {port}' -l {}", folder.join("standby.log").display());
        let standby = Self { url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), ctl, child: None };
        standby.ctl("start");
        standby
    }

    /// A folder whose store is on this server, in a schema that nobody else uses.
    pub(crate) fn home(&self) -> Home {
        self.home_at(&self.url, "").0
    }

    /// The same for another user of the server; and the schema.
    pub(crate) fn home_of(&self, role: &str) -> (Home, String) {
        self.home_at(&self.url.replace("postgres@", &format!("{role}@")), "")
    }

    /// The same in another database.
    pub(crate) fn home_in(&self, database: &str) -> Home {
        let (server, _) = self.url.rsplit_once('/').expect("a URL");
        self.home_at(&format!("{server}/{database}"), "").0
    }

    /// The same on whichever of the two can be written.
    pub(crate) fn home_beside(&self, other: &Self) -> Home {
        let both = format!("{},{}", self.address(), other.address());
        self.home_at(&self.url.replace(self.address(), &both), "&target_session_attrs=read-write").0
    }

    fn home_at(&self, url: &str, more: &str) -> (Home, String) {
        let home = Home::new();
        let name = home.path().file_name().map(|it| it.to_string_lossy().to_lowercase()).unwrap_or_default();
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let schema = format!("cli_{}_{plain}", std::process::id());
        home.write("drawloom.toml", format!("store = '{url}?schema={schema}{more}'\n"));
        (home, schema)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.child.is_none() && !self.ctl.is_empty() {
            // A standby. Where it does not run there is nothing to stop.
            let script = format!("{} -m immediate stop >/dev/null 2>&1", self.ctl);
            let _ = Command::new("sh").args(["-c", &script]).status();
        }
        if let Some((mut child, stdin)) = self.child.take() {
            drop(stdin);
            let _ = child.wait();
        }
    }
}

/// Processes that stand still until this is dropped.
pub(crate) struct Frozen(Vec<String>);

impl Frozen {
    fn add(&mut self, process: String) {
        // One that has ended meanwhile needs no signal.
        let _ = Command::new("kill").args(["-STOP", &process]).stderr(Stdio::null()).status();
        self.0.push(process);
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for process in &self.0 {
            let _ = Command::new("kill").args(["-CONT", process]).stderr(Stdio::null()).status();
        }
    }
}
