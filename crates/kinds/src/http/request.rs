//! A request, and the requests that its redirects ask for.
//!
//! **Invariant:** credentials go to the host that the flow names and to no other.

use drawloom_blueprint::{ErrorClass, StepError};
use reqwest::{
    Method, Response, Url,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION},
};

use super::{Auth, Redirects, With, body, client::Clients, errors};
use crate::{perform::Attempt, with::invalid};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Sends the request and follows it. The answer may have any status.
pub(super) async fn send(clients: &Clients, with: &With, attempt: &Attempt) -> Result<(Response, Url), StepError> {
    body::check(with)?;
    let mut method = method(with)?;
    let mut url = url(with)?;
    let mut headers = headers(with, &method, &attempt.task.idempotency_key())?;
    let mut has_body = true;
    let most = with.follow_redirects.unwrap_or(Redirects::Followed(true)).most();
    let mut followed = 0;
    loop {
        let client = clients.client(with, &url)?;
        let mut request = client.request(method.clone(), url.clone()).headers(headers.clone());
        if has_body {
            request = body::add(request, with, &headers, attempt).await?;
        }
        let answer = request.send().await.map_err(|it| errors::transport(&it, &url))?;
        let Some(next) = target(&answer, &url).filter(|_| most > 0) else { return Ok((answer, url)) };
        if followed >= most {
            let message = format!("more than {most} redirects, the last to {}", errors::origin(&next));
            return Err(StepError::new(ErrorClass::Failed, message).with_code("redirects"));
        }
        let status = answer.status().as_u16();
        if (status == 303 && method != Method::HEAD) || (matches!(status, 301 | 302) && method == Method::POST) {
            method = Method::GET;
            has_body = false;
            for name in [CONTENT_TYPE, CONTENT_LENGTH, IDEMPOTENCY_KEY] {
                headers.remove(name);
            }
        }
        if next.origin() != url.origin() {
            headers.remove(AUTHORIZATION);
            headers.remove(COOKIE);
        }
        url = next;
        followed += 1;
    }
}

/// Where a redirect leads.
fn target(answer: &Response, url: &Url) -> Option<Url> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers().get(LOCATION)?;
    let location = std::str::from_utf8(location.as_bytes()).ok()?;
    let mut next = url.join(location).ok()?;
    if next.fragment().is_none() {
        next.set_fragment(url.fragment());
    }
    Some(next)
}

fn method(with: &With) -> Result<Method, StepError> {
    let method = with.method.as_deref().unwrap_or("GET").trim().to_ascii_uppercase();
    Method::from_bytes(method.as_bytes()).map_err(|_| invalid(format!("`{method}` is not a method")))
}

fn url(with: &With) -> Result<Url, StepError> {
    let mut url = Url::parse(with.url.trim()).map_err(|it| invalid(format!("`url` is no URL: {it}")))?;
    if let Some(query) = &with.query {
        let pairs = body::pairs("query", query)?;
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
    }
    Ok(url)
}

fn headers(with: &With, method: &Method, key: &str) -> Result<HeaderMap, StepError> {
    let mut headers = HeaderMap::new();
    if let Some(given) = &with.headers {
        for (name, value) in body::pairs("headers", given)? {
            let (name, value) = header(&name, &value)?;
            headers.append(name, value);
        }
    }
    if let Some(auth) = &with.auth {
        headers.insert(AUTHORIZATION, authorization(auth)?);
    }
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method);
    if !safe && !headers.contains_key(IDEMPOTENCY_KEY) {
        headers.insert(IDEMPOTENCY_KEY, header("idempotency-key", key)?.1);
    }
    Ok(headers)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), StepError> {
    let name: HeaderName =
        name.parse().map_err(|_| invalid(format!("`{}` is not the name of a header", name.escape_debug())))?;
    // The value is not shown: it may be a secret.
    let value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| invalid(format!("the value of the header `{name}` has characters that headers cannot have")))?;
    Ok((name, value))
}

fn authorization(auth: &Auth) -> Result<HeaderValue, StepError> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = match (&auth.basic, &auth.bearer) {
        (Some(it), None) => {
            let password = it.password.as_deref().unwrap_or_default();
            format!("Basic {}", STANDARD.encode(format!("{}:{password}", it.username)))
        }
        (None, Some(token)) => format!("Bearer {token}"),
        _ => return Err(invalid("`auth` has exactly one of `basic` and `bearer`")),
    };
    let mut value = header("authorization", &text)?.1;
    value.set_sensitive(true);
    Ok(value)
}
