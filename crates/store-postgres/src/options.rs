//! Where a store is and how it is reached, read from its URL.
//!
//! **Invariant:** a password is in no message.

use std::{path::PathBuf, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

/// The schema in which a store lives where the URL names none.
const SCHEMA: &str = "drawloom";

/// How long an owner that does not answer stays the owner.
const LEASE: Duration = Duration::from_secs(5);

/// An answer is waited for so long at least.
const SILENCE_MIN: Duration = Duration::from_secs(5);

/// How long a lost connection is made again before the store gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one server has to answer a connection, where the URL does not say.
const CONNECT: Duration = Duration::from_secs(10);

/// How long sent bytes may stay unacknowledged before a connection counts as lost, where the URL does not say.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// Why a URL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is not one of PostgreSQL.
    #[error("the URL is not one of PostgreSQL: {0}")]
    Malformed(String),
    /// One of its parameters makes no sense.
    #[error("`{name}` in the store's URL is `{value}`; {wanted}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        wanted: &'static str,
    },
}

/// How the server's certificate is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Any will do: the connection is encrypted, and nothing more.
    Any,
    /// It must come from a known authority.
    Authority,
    /// It must come from a known authority and bear the server's name.
    Name,
}

/// Where a store is and how it is reached.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) config: Config,
    pub(crate) trust: Trust,
    /// Certificates of authorities, instead of those that are built in.
    pub(crate) authorities: Option<PathBuf>,
    pub(crate) schema: String,
    pub(crate) lease: Duration,
    pub(crate) patience: Duration,
}

impl Options {
    /// Reads a URL: `postgres://user:password@host:port/database?schema=drawloom`, with the parameters of libpq and
    /// besides them `schema`, `lease` and `patience`.
    ///
    /// # Errors
    /// Where the URL or a parameter of it makes no sense.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let mut it = Self {
            config: Config::new(),
            trust: Trust::Any,
            authorities: None,
            schema: SCHEMA.to_owned(),
            lease: LEASE,
            patience: PATIENCE,
        };
        let (mut mode, mut rest) = (SslMode::Prefer, Vec::new());
        for pair in query.split('&').filter(|it| !it.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "schema" => it.schema = schema(value)?,
                "lease" => it.lease = duration("lease", value, Duration::from_secs(1))?,
                "patience" => it.patience = duration("patience", value, Duration::ZERO)?,
                "sslmode" => (mode, it.trust) = ssl_mode(value)?,
                "sslrootcert" => it.authorities = Some(value).filter(|it| it != "system").map(PathBuf::from),
                _ => rest.push(pair),
            }
        }
        let address = if rest.is_empty() { address.to_owned() } else { format!("{address}?{}", rest.join("&")) };
        it.config = address.parse().map_err(|it: tokio_postgres::Error| UrlError::Malformed(chain(&it)))?;
        if it.config.get_hosts().is_empty() && it.config.get_hostaddrs().is_empty() {
            it.config.host("localhost");
        }
        if it.authorities.is_some() && it.trust == Trust::Any && mode != SslMode::Disable {
            // As libpq does: who names authorities wants them asked.
            it.trust = Trust::Authority;
        }
        it.config.ssl_mode(mode).keepalives_idle(CONNECT);
        if it.config.get_application_name().is_none() {
            it.config.application_name("drawloom");
        }
        if it.config.get_connect_timeout().is_none() {
            it.config.connect_timeout(CONNECT);
        }
        if it.config.get_tcp_user_timeout().is_none() {
            it.config.tcp_user_timeout(UNACKNOWLEDGED);
        }
        Ok(it)
    }

    /// The same with this password, where the URL has none.
    #[must_use]
    pub fn or_password(mut self, password: Option<String>) -> Self {
        if let (None, Some(password)) = (self.config.get_password(), password) {
            self.config.password(password);
        }
        self
    }

    /// Where the store is, for people.
    #[must_use]
    pub fn place(&self) -> String {
        format!("postgres://{}/{}?schema={}", self.server(), self.database(), self.schema)
    }

    /// The schema in which the store lives.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The servers, for people.
    pub(crate) fn server(&self) -> String {
        let hosts = self.config.get_hosts().iter().enumerate().map(|(at, host)| {
            let ports = self.config.get_ports();
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(host) => format!("{host}:{port}"),
                #[cfg(unix)]
                Host::Unix(path) => format!("{}:{port}", path.display()),
            }
        });
        let hosts: Vec<_> = hosts.collect();
        if hosts.is_empty() {
            self.config.get_hostaddrs().iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        } else {
            hosts.join(",")
        }
    }

    /// How long an answer is waited for: as long as a lost connection is tried to be made again, and long enough for a
    /// disk that is slow for a moment.
    pub(crate) fn silence(&self) -> Duration {
        self.patience.max(SILENCE_MIN)
    }

    /// How long all servers may take until one of them is connected.
    pub(crate) fn connect_time(&self) -> Duration {
        let hosts = self.config.get_hosts().len().max(self.config.get_hostaddrs().len()).max(1);
        let each = self.config.get_connect_timeout().copied().unwrap_or(CONNECT);
        each.saturating_mul(u32::try_from(hosts).unwrap_or(u32::MAX))
    }

    /// The database, for people: a server takes the user's name where none is given.
    pub(crate) fn database(&self) -> &str {
        self.config.get_dbname().or(self.config.get_user()).unwrap_or_default()
    }
}

/// An error with what is behind it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(it) = next {
        let more = it.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = it.source();
    }
    text
}

fn schema(value: String) -> Result<String, UrlError> {
    let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    let is_name = value.chars().all(plain) && value.starts_with(|it: char| !it.is_ascii_digit()) && value.len() <= 63;
    if is_name && !value.starts_with("pg_") {
        return Ok(value);
    }
    let wanted = "use small letters, digits and underscores, and no digit or `pg_` at the start";
    Err(UrlError::Parameter { name: "schema", value, wanted })
}

fn duration(name: &'static str, value: String, least: Duration) -> Result<Duration, UrlError> {
    match drawloom_blueprint::parse_duration(&value) {
        Ok(it) if it >= least => Ok(it),
        _ => {
            Err(UrlError::Parameter { name, value, wanted: "use a duration, such as `5s` (a lease lasts 1s at least)" })
        }
    }
}

fn ssl_mode(value: String) -> Result<(SslMode, Trust), UrlError> {
    match value.as_str() {
        "disable" => Ok((SslMode::Disable, Trust::Any)),
        "allow" | "prefer" => Ok((SslMode::Prefer, Trust::Any)),
        "require" => Ok((SslMode::Require, Trust::Any)),
        "verify-ca" => Ok((SslMode::Require, Trust::Authority)),
        "verify-full" => Ok((SslMode::Require, Trust::Name)),
        _ => {
            let wanted = "use disable, prefer, require, verify-ca or verify-full";
            Err(UrlError::Parameter { name: "sslmode", value, wanted })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let it = Options::parse(
            "postgres://me:secret@db:6000/loom?schema=a_1&lease=2s&patience=0s&sslmode=verify-full&connect_timeout=3",
        )
        .unwrap();
        assert_eq!(it.place(), "postgres://db:6000/loom?schema=a_1");
        assert_eq!((it.lease, it.patience), (Duration::from_secs(2), Duration::ZERO));
        assert_eq!((it.config.get_ssl_mode(), it.trust), (SslMode::Require, Trust::Name));
        assert_eq!(it.config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(it.config.get_password(), Some(&b"secret"[..]));
        assert!(!it.place().contains("secret"));

        let it = Options::parse("postgresql://me@a,b:2/x").unwrap().or_password(Some("p".to_owned()));
        assert_eq!(it.config.get_password(), Some(&b"p"[..]));
        assert_eq!((it.schema(), it.lease, it.config.get_ssl_mode()), ("drawloom", LEASE, SslMode::Prefer));
        assert_eq!(Options::parse("postgres:///x").unwrap().server(), "localhost:5432");
        assert_eq!(Options::parse("postgres://h/x?sslrootcert=/ca.pem").unwrap().trust, Trust::Authority);
    }

    #[test]
    fn urls_that_make_no_sense_are_refused() {
        for wrong in ["schema=A", "schema=", "schema=1a", "schema=pg_x", "lease=0s", "lease=x", "sslmode=no", "what=1"]
        {
            let error = Options::parse(&format!("postgres://me:secret@h/d?{wrong}")).unwrap_err().to_string();
            assert!(error.contains(wrong.split('=').next().unwrap()) && !error.contains("secret"), "{error}");
        }
        assert!(Options::parse("postgres://h:port/d").is_err());
    }
}
