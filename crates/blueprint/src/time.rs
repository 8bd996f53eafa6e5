//! Instants and durations as plain numbers: the core is told the time and never asks for it.

use std::{fmt, time::Duration};

use minicbor::{Decode, Encode};

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] pub i64);

impl Timestamp {
    /// The instant `delay` after this one, or the last one that can be written.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(delay.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The time from `earlier` to this instant, zero if it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The instant that an RFC 3339 text or a number of seconds since 1970 stands for.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.trim().parse::<jiff::Timestamp>().ok().map(|it| Self(it.as_microsecond()))
    }
}

/// As RFC 3339 text in UTC.
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(it) => write!(f, "{it:.3}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// Reads a duration of the flow language: `500ms`, `5s`, `1m30s`, `2h`, `7d`; units from large to small.
///
/// # Errors
/// Says in plain words what is wrong with `text`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let wrong = || format!("`{text}` is not a duration (write for example 500ms, 5s, 1m30s, 2h or 7d)");
    let (mut rest, mut total, mut last) = (text.trim(), 0_u64, 0);
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = UNITS.iter().position(|(name, _)| *name == &rest[..letters]).ok_or_else(wrong)?;
        if unit < last {
            return Err(wrong());
        }
        last = unit + 1;
        rest = &rest[letters..];
        total = count
            .checked_mul(UNITS[unit].1)
            .and_then(|ms| total.checked_add(ms))
            .filter(|ms| *ms <= 100 * 366 * 86_400_000)
            .ok_or_else(|| format!("`{text}` is longer than a hundred years"))?;
    }
    Ok(Duration::from_millis(total))
}

/// Writes a duration the way [`parse_duration`] reads it; fractions of a millisecond are dropped.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest >= size {
            text.push_str(&format!("{}{name}", rest / size));
            rest %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write() {
        for (text, ms) in [("500ms", 500), ("5s", 5_000), ("1m30s", 90_000), ("2h", 7_200_000), ("7d", 604_800_000)] {
            let duration = parse_duration(text).expect("a valid duration");
            assert_eq!(duration.as_millis(), ms);
            assert_eq!(format_duration(duration), text);
        }
        for text in ["", "5", "s", "5x", "1s1m", "1m1m", "-1s", "1.5s", "99999999999999999999s", "9999999d", "5é"] {
            assert!(parse_duration(text).is_err(), "{text} must be refused");
        }
    }
}
