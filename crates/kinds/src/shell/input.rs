//! What a command reads from its standard input.
//!
//! **Invariant:** a command that does not read is never waited for, and one that could not be given all of its input has
//! not succeeded.

use drawloom_blueprint::{StepError, Value};
use drawloom_queue::{BlobRef, BlobSource};
use tokio::{io::AsyncWriteExt, process::ChildStdin};
use tokio_util::sync::CancellationToken;

use crate::{perform::Attempt, with};

/// What there is to read.
pub(super) enum Input {
    Nothing,
    Text(String),
    Blob(Box<dyn BlobSource>),
}

impl Input {
    /// The input that the parameter `stdin` means.
    pub(super) async fn open(stdin: Option<Value>, attempt: &Attempt) -> Result<Self, StepError> {
        let Some(value) = stdin else { return Ok(Self::Nothing) };
        match BlobRef::read(&value) {
            Some(blob) => Ok(Self::Blob(attempt.blobs.open(&blob).await?)),
            None => Ok(Self::Text(with::text(&value))),
        }
    }
}

/// Writes the input and closes the pipe. A command that does not read it all is free not to.
pub(super) async fn feed(pipe: Option<ChildStdin>, input: Input, give_up: &CancellationToken) -> Result<(), StepError> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let write = async {
        match input {
            Input::Nothing => {}
            Input::Text(it) => {
                let _ = pipe.write_all(it.as_bytes()).await;
            }
            Input::Blob(mut source) => {
                while let Some(part) = source.next().await? {
                    if pipe.write_all(&part).await.is_err() {
                        break;
                    }
                }
            }
        }
        Ok(())
    };
    tokio::select! {
        biased;
        it = write => it,
        () = give_up.cancelled() => Ok(()),
    }
}
