//! What went wrong, in the classes that decide on retries.
//!
//! **Invariant:** what may work later is `unavailable`; what the guard refuses never is.

use std::{error::Error, time::Duration};

use drawloom_blueprint::{ErrorClass, StepError};
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{StatusCode, Url, header::HeaderValue};

use super::{guard::Refused, stream::Unread};
use crate::with::invalid;

/// The longest wait that a server may ask for.
const WAIT_MAX: Duration = Duration::from_secs(30 * 86_400);

/// The error for an address that may not be reached.
pub(super) fn refused(it: &Refused) -> StepError {
    StepError::invalid(it.to_string()).with_code("address_refused")
}

/// The error for a request that got no answer, or no end of it.
pub(super) fn transport(error: &reqwest::Error, url: &Url) -> StepError {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    let mut last = String::new();
    while let Some(it) = source {
        if let Some(it) = it.downcast_ref::<Refused>() {
            return refused(it);
        }
        if let Some(Unread(it)) = it.downcast_ref::<Unread>() {
            return it.clone();
        }
        if let Some(rustls::Error::InvalidCertificate(why)) = it.downcast_ref::<rustls::Error>() {
            let message = format!("{} does not prove who it is: {why:?}", origin(url));
            return StepError::new(ErrorClass::Failed, message).with_code("tls");
        }
        last = it.to_string();
        // Some errors of I/O hold others inside without naming them as their source.
        source = it
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map_or_else(|| it.source(), |inner| Some(inner as &(dyn Error + 'static)));
    }
    if error.is_builder() {
        return invalid(format!("the request cannot be made: {last}"));
    }
    let (what, code) = if error.is_connect() { ("cannot be reached", "connect") } else { ("broke off", "connection") };
    StepError::new(ErrorClass::Unavailable, format!("{} {what}: {last}", origin(url))).with_code(code)
}

/// The error for a status that was not expected.
pub(super) fn status(status: StatusCode, retry_after: Option<&HeaderValue>, message: String) -> StepError {
    let later = matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error();
    let class = if later { ErrorClass::Unavailable } else { ErrorClass::Failed };
    let mut error = StepError::new(class, message).with_code("http_status");
    if later {
        error.retry_after_ms = retry_after.and_then(|it| it.to_str().ok()).and_then(wait);
    }
    error
}

/// The milliseconds that a `Retry-After` asks for: seconds, or an instant.
fn wait(text: &str) -> Option<u64> {
    let wait = match text.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = rfc2822::parse(text.trim()).ok()?.timestamp();
            let left = until.as_millisecond().saturating_sub(Timestamp::now().as_millisecond());
            Duration::from_millis(u64::try_from(left).unwrap_or(0))
        }
    };
    u64::try_from(wait.min(WAIT_MAX).as_millis()).ok()
}

/// Scheme, host and port: the part of a URL that holds no secrets.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
