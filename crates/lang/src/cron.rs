//! Cron expressions: what they mean, and when they fire next.
//!
//! Five fields (minute, hour, day of month, month, day of week) or six (a second before them), names of months and
//! days, lists, ranges and steps, nicknames such as `@daily`. Where programs differ, this is the choice:
//! `L` is the last day of the month (or, behind a day of the week, the last such day), `#` the n-th such day of the
//! month, `W` the working day next to a date; where both days are restricted, either of them fits; 7 is Sunday.
//! A time that a clock skips when it is put forward fires at the first instant after the gap; a time that it shows
//! twice fires once, but for expressions whose minute or hour is a wildcard or step, which fire by elapsed time.
//!
//! **Invariant:** pure; searching for the next instant ends, also for dates that never come.

use croner::{
    Cron as Pattern,
    parser::{CronParser, Seconds, Year},
};
use drawloom_blueprint::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub struct Cron {
    pattern: Pattern,
    zone: TimeZone,
}

/// Why a text is no cron expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It cannot be read.
    #[error("{0}")]
    Syntax(String),
    /// It asks for a date that never comes.
    #[error("it never fires: there is no such date")]
    Never,
    /// The time zone is not in the IANA database.
    #[error("unknown time zone `{0}`")]
    Zone(String),
}

/// 2000-01-01T00:00:00Z: from here on, a date that comes at all comes within a few years.
const SEARCH_FROM: Timestamp = Timestamp(946_684_800_000_000);

impl Cron {
    /// Reads an expression, which is meant in the zone of that IANA name.
    ///
    /// # Errors
    /// Where it cannot be read, never fires, or the zone is not known.
    pub fn parse(text: &str, zone: &str) -> Result<Self, CronError> {
        let zone = find_zone(zone).ok_or_else(|| CronError::Zone(zone.to_owned()))?;
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        check_form(text)?;
        let pattern = parser.parse(text).map_err(|it| CronError::Syntax(in_our_words(&it.to_string())))?;
        let cron = Self { pattern, zone };
        if cron.next(SEARCH_FROM).is_none() {
            return Err(CronError::Never);
        }
        Ok(cron)
    }

    /// The first instant after `instant` at which it fires; nothing where there is none.
    #[must_use]
    pub fn next(&self, instant: Timestamp) -> Option<Timestamp> {
        let from = jiff::Timestamp::from_microsecond(instant.0).ok()?.to_zoned(self.zone.clone());
        let next = self.pattern.find_next_occurrence(&from, false).ok()?;
        Some(Timestamp(next.timestamp().as_microsecond()))
    }
}

/// Refuses what would be read as something that was hardly meant.
fn check_form(text: &str) -> Result<(), CronError> {
    const LONGEST: usize = 500;
    let wrong = |why: &str| Err(CronError::Syntax(why.to_owned()));
    if text.len() > LONGEST {
        return wrong("it is too long");
    }
    let fields = text.split_whitespace().count();
    if !text.trim().starts_with('@') && !(5..=6).contains(&fields) {
        let message = "it needs five fields (minute, hour, day of month, month, day of week), or six with a second";
        return Err(CronError::Syntax(format!("{message} before them, not {fields}")));
    }
    Ok(())
}

/// A message of the parser as a fragment.
fn in_our_words(message: &str) -> String {
    let text = message.rsplit_once("error: ").map_or(message, |(_, rest)| rest).trim_end_matches('.');
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The time zone of that IANA name.
#[must_use]
pub fn find_zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// The names of all time zones.
#[must_use]
pub fn zone_names() -> Vec<String> {
    TimeZoneDatabase::bundled().available().map(|it| it.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests;
