//! A server to test against, and places on it.
//!
//! **Invariant:** a server that was started here ends when this process does, however that ends: it waits for the end
//! of its standard input.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use drawloom_store::StoreError;
use drawloom_store_postgres::{Access, Durability, Options, PostgresStore};
use tokio_postgres::{Client, NoTls};

/// A PostgreSQL server.
pub(crate) struct Server {
    url: String,
    ctl: String,
    child: Option<(Child, ChildStdin)>,
}

impl Server {
    /// The server that the tests share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("DRAWLOOM_TEST_POSTGRES") {
            Ok(url) => Self { url, ctl: String::new(), child: None },
            Err(_) => Self::own(),
        })
    }

    /// A server of its own, which may be stopped and started again.
    pub(crate) fn own() -> Self {
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/with-postgres.sh");
        let mut child = Command::new(tool)
            .args(["sh", "-c", "echo \"$DRAWLOOM_TEST_POSTGRES\"; echo \"$DRAWLOOM_TEST_POSTGRES_CTL\"; cat"])
            .env_remove("DRAWLOOM_TEST_POSTGRES")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (Some(Ok(url)), Some(Ok(ctl))) = (lines.next(), lines.next()) else {
            panic!("no PostgreSQL server could be started; `make setup` installs what is missing");
        };
        let stdin = child.stdin.take().unwrap();
        Self { url, ctl, child: Some((child, stdin)) }
    }

    /// Has pg_ctl do something.
    pub(crate) fn ctl(&self, what: &str) {
        let script = format!("{} {what} >/dev/null", self.ctl);
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success(), "{script}");
    }

    /// A place that nobody else uses.
    pub(crate) fn place(&self) -> Spot {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let schema = format!("t_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Spot { url: self.url.clone(), schema, more: String::new() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((mut child, stdin)) = self.child.take() {
            drop(stdin);
            child.wait().unwrap();
        }
    }
}

/// A place for a store: a schema, which goes at the end.
#[derive(Clone)]
pub(crate) struct Spot {
    pub(crate) url: String,
    pub(crate) schema: String,
    more: String,
}

impl Spot {
    /// The same through another address of the loopback interface.
    pub(crate) fn through(&self, port: u16) -> Self {
        let (user, rest) = self.url.split_once('@').unwrap();
        let (_, database) = rest.split_once('/').unwrap();
        Self { url: format!("{user}@127.0.0.1:{port}/{database}"), ..self.clone() }
    }

    /// The address of the server.
    pub(crate) fn address(&self) -> String {
        let (_, rest) = self.url.split_once('@').unwrap();
        rest.split_once('/').unwrap().0.to_owned()
    }

    /// The same with further parameters in its URL.
    pub(crate) fn with(&self, more: &str) -> Self {
        Self { more: format!("{}&{more}", self.more), ..self.clone() }
    }

    pub(crate) fn options(&self) -> Options {
        Options::parse(&format!("{}?schema={}{}", self.url, self.schema, self.more)).unwrap()
    }

    pub(crate) fn try_open(&self, access: Access) -> Result<PostgresStore, StoreError> {
        PostgresStore::open(self.options(), access)
    }

    pub(crate) fn open(&self) -> PostgresStore {
        self.try_open(Access::Write(Durability::Full)).unwrap()
    }

    /// A plain connection, which finds the tables of the store.
    pub(crate) async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(&format!("SET search_path TO {}", self.schema)).await.unwrap();
        client
    }

    /// Does something on a connection of its own.
    pub(crate) async fn sql(&self, sql: &str) {
        self.client().await.batch_execute(sql).await.unwrap();
    }

    /// Ends connections that the store has made, as far as they are in this state.
    pub(crate) async fn kill(&self, which: &str) -> u64 {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = 'drawloom' AND pid <> pg_backend_pid() AND {which}"
        );
        self.client().await.execute(&sql, &[]).await.unwrap()
    }

    pub(crate) async fn drop(&self) {
        self.sql(&format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema)).await;
    }
}

/// A way to the server that can be cut without the server noticing.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    held: std::sync::Arc<std::sync::Mutex<Vec<tokio::task::JoinHandle<()>>>>,
}

impl Proxy {
    pub(crate) async fn to(address: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, held) = (listener.local_addr().unwrap().port(), std::sync::Arc::default());
        let proxy = Self { port, held };
        let held = std::sync::Arc::clone(&proxy.held);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = tokio::net::TcpStream::connect(&address).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let up = tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
                    // What the client says ends here; the server is not told.
                    std::future::pending::<()>().await;
                });
                let down = tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
                });
                drop(up);
                held.lock().unwrap().push(down);
            }
        });
        proxy
    }

    /// Cuts all connections on the client's side.
    pub(crate) fn cut(&self) {
        self.held.lock().unwrap().drain(..).for_each(|it| it.abort());
    }
}
