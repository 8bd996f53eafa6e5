//! Bodies that are too large for a value: kept beside the run as they come, and sent from there.
//!
//! **Invariant:** about [`HELD_MAX`] bytes of a body are held, however long it is.

use bytes::Bytes;
use drawloom_blueprint::{StepError, Value};
use drawloom_queue::{BlobRef, BlobSource, Screen};
use futures_util::stream;
use reqwest::{Body, Response, Url, header::CONTENT_TYPE};

use super::{answer::too_large, errors};
use crate::perform::Attempt;

/// How much of a body is gathered before it is handed on.
const HELD_MAX: usize = 256 * 1024;

/// Keeps a body of at most `max` bytes, and returns the reference to it.
pub(super) async fn keep(mut answer: Response, max: u64, url: &Url, attempt: &Attempt) -> Result<Value, StepError> {
    if answer.content_length().is_some_and(|it| it > max) {
        return Err(too_large(max));
    }
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let mut sink = attempt.blobs.create().await?;
    let mut screen = Screen::new(attempt.task.redactor.clone());
    let (mut came, mut held) = (0_u64, Vec::new());
    while let Some(chunk) = answer.chunk().await.map_err(|it| errors::transport(&it, url))? {
        came += chunk.len() as u64;
        if came > max {
            return Err(too_large(max));
        }
        held.extend(screen.pass(&chunk));
        if held.len() >= HELD_MAX {
            sink.write(std::mem::take(&mut held).into()).await?;
        }
    }
    held.extend(screen.end());
    sink.write(held.into()).await?;
    Ok(sink.finish().await?.into_value(content_type.as_deref()))
}

/// The data that a reference names, as a body to send.
pub(super) async fn send(blob: &BlobRef, attempt: &Attempt) -> Result<Body, StepError> {
    let source = attempt.blobs.open(blob).await?;
    Ok(Body::wrap_stream(stream::try_unfold(source, next)))
}

async fn next(mut source: Box<dyn BlobSource>) -> Result<Option<(Bytes, Box<dyn BlobSource>)>, Unread> {
    Ok(source.next().await.map_err(Unread)?.map(|part| (part, source)))
}

/// Why the rest of a body could not be read, on its way through the layers of the client.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub(super) struct Unread(pub(super) StepError);
