//! A way to the process that owns the store: what steers runs is handed to it while it works.
//!
//! The owner listens on a socket beside the store. A command that finds the store taken asks there, and the owner
//! does it as if it had been asked itself.
//!
//! **Invariant:** the socket belongs to whoever holds the store's lock, and only its user can connect.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use drawloom_blueprint::{RunId, Value};
use drawloom_runtime::{Error, Loom, Taken, Work};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

use crate::{failure::Failure, store, workshop::Workshop};

/// The longest request that is read.
const REQUEST_MAX: u64 = 64 * 1024 * 1024;

/// The name of the error that says that another process owns the store.
const LOCKED: &str = "store-locked";

/// Something to do to a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    Cancel,
    Kill,
    Pause,
    Resume,
    Delete,
    /// A signal, with what it carries as JSON text.
    Signal(String, String),
    /// The answer to a webhook or approval, by its token.
    Token(String, String),
}

impl Act {
    /// Does it. Says whether it changed anything.
    async fn on(&self, loom: &Loom, run: RunId) -> Result<bool, Error> {
        let value = |text: &str| Value::from_json(text.as_bytes()).unwrap_or_default();
        let taken = match self {
            Self::Cancel => loom.cancel(run).await?,
            Self::Kill => loom.kill(run).await?,
            Self::Pause => loom.pause(run).await?,
            Self::Resume => loom.resume(run).await?,
            Self::Delete => return loom.delete(run).await,
            Self::Signal(name, payload) => loom.signal(run, name, value(payload)).await?,
            Self::Token(token, payload) => loom.token(run, token, value(payload)).await?,
        };
        Ok(taken == Taken::Yes)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Request {
    run: String,
    act: Act,
}

/// What the owner answers: whether it changed anything, or why not.
type Answer = Result<bool, Failure>;

/// Whoever can steer runs: this process, or the one that owns the store.
pub(crate) enum Hand {
    Own(Loom),
    Other(PathBuf),
}

impl Hand {
    /// Takes the store, or finds the process that has it.
    pub(crate) async fn of(workshop: &Workshop) -> Result<Self, Failure> {
        match workshop.loom(Work::Leave).await {
            Ok(loom) => Ok(Self::Own(loom)),
            Err(failure) if failure.name() == Some(LOCKED) => match socket(&workshop.settings.store) {
                Some(path) if UnixStream::connect(&path).await.is_ok() => Ok(Self::Other(path)),
                _ => Err(failure),
            },
            Err(failure) => Err(failure),
        }
    }

    pub(crate) async fn act(&self, run: RunId, act: &Act) -> Answer {
        match self {
            Self::Own(loom) => Ok(act.on(loom, run).await?),
            Self::Other(path) => {
                let request = Request { run: run.to_string(), act: act.clone() };
                ask(path, &request).await.unwrap_or_else(|error| {
                    Err(Failure::store(format!("the process that owns the store does not answer: {error}")))
                })
            }
        }
    }

    pub(crate) async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Own(loom) => Ok(loom.close().await?),
            Self::Other(_) => Ok(()),
        }
    }
}

async fn ask(path: &Path, request: &Request) -> std::io::Result<Answer> {
    let mut stream = UnixStream::connect(path).await?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = Vec::new();
    stream.take(REQUEST_MAX).read_to_end(&mut answer).await?;
    Ok(serde_json::from_slice(&answer)?)
}

/// Where the owner of a store listens; none for a store that no other process can reach.
fn socket(url: &str) -> Option<PathBuf> {
    let path = store::path(url)?;
    let mut name = path.file_name()?.to_owned();
    name.push(".sock");
    Some(path.with_file_name(name))
}

/// Listens while the loom works.
pub(crate) struct Door {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Door {
    /// Opens the door. Where that fails the loom works without one.
    pub(crate) fn open(url: &str, loom: &Loom) -> Option<Self> {
        let path = socket(url)?;
        // Whoever holds the loom holds the lock, so what is there was left by a process that is gone.
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path).ok()?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).ok()?;
        let loom = loom.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, loom.clone()));
            }
        });
        Some(Self { path, task })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_file(&self.path);
    }
}

async fn serve(mut stream: UnixStream, loom: Loom) {
    let (from, mut to) = stream.split();
    let mut line = Vec::new();
    // Somebody who only looks whether the door is open says nothing.
    let read = BufReader::new(from).take(REQUEST_MAX).read_until(b'\n', &mut line).await;
    if read.is_err() || line.is_empty() {
        return;
    }
    let answer: Answer = match serde_json::from_slice::<Request>(&line) {
        Ok(request) => match request.run.parse() {
            Ok(run) => request.act.on(&loom, run).await.map_err(Failure::from),
            Err(error) => Err(Failure::usage(error)),
        },
        Err(error) => Err(Failure::usage(format!("the request cannot be read: {error}"))),
    };
    if let Ok(text) = serde_json::to_vec(&answer) {
        let _ = to.write_all(&text).await;
    }
}
