//! How log lines are batched and which batches are cut, decided alike by every store.
//!
//! **Invariant:** a batch holds lines of one attempt in order, and costs at most [`BATCH_MAX`] unless it is one line.
//! Only whole batches are cut.

use drawloom_blueprint::Timestamp;

use super::{LINE_COST, LINE_MAX, LOG_MAX, LogLine, LogPlace, LogRecord, LogSource, LogStream};

/// The cost at which a batch is full.
pub const BATCH_MAX: u64 = 256 * 1024;

const HALF: u64 = LOG_MAX / 2;

/// What a line counts.
#[must_use]
pub fn cost(line: &LogLine) -> u64 {
    line.text.len() as u64 + LINE_COST
}

/// Splits the lines of one append into batches, drops those that are not above `last`, and shortens long ones.
#[must_use]
pub fn split(lines: Vec<LogLine>, mut last: Option<u64>) -> Vec<Vec<LogLine>> {
    let mut batches: Vec<Vec<LogLine>> = Vec::new();
    let mut room = 0;
    for mut line in lines {
        if last.is_some_and(|it| line.seq <= it) {
            continue;
        }
        last = Some(line.seq);
        shorten(&mut line.text);
        let cost = cost(&line);
        match batches.last_mut() {
            Some(batch) if cost <= room => {
                room -= cost;
                batch.push(line);
            }
            _ => {
                room = BATCH_MAX.saturating_sub(cost);
                batches.push(vec![line]);
            }
        }
    }
    batches
}

fn shorten(text: &mut String) {
    if text.len() <= LINE_MAX {
        return;
    }
    // Room for the remark itself.
    let keep = text.floor_char_boundary(LINE_MAX - 64);
    let missing = text.len() - keep;
    text.truncate(keep);
    text.push_str(&format!(" [{missing} bytes of this line were cut]"));
}

/// Lines of an attempt that were cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// How many there were; 0 means that nothing was cut.
    pub lines: u64,
    /// What they counted.
    pub cost: u64,
    /// The number of the first one.
    pub first_seq: u64,
    /// The batch of the last one.
    pub last_batch: u64,
    /// The number of the last one.
    pub last_seq: u64,
    /// When the last one was printed.
    pub last_at: Timestamp,
}

/// A stored batch, as far as cutting is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSize {
    /// Its place among all batches.
    pub batch: u64,
    /// The number of its first line.
    pub first_seq: u64,
    /// The number of its last line.
    pub last_seq: u64,
    /// How many lines it has.
    pub lines: u64,
    /// What they count.
    pub cost: u64,
    /// When its last line was printed.
    pub last_at: Timestamp,
}

impl BatchSize {
    /// The size of a batch with these lines.
    #[must_use]
    pub fn of(batch: u64, lines: &[LogLine]) -> Self {
        Self {
            batch,
            first_seq: lines.first().map_or(0, |it| it.seq),
            last_seq: lines.last().map_or(0, |it| it.seq),
            lines: lines.len() as u64,
            cost: lines.iter().map(cost).sum(),
            last_at: lines.last().map_or(Timestamp(0), |it| it.at),
        }
    }
}

/// How much of an attempt's log is kept, and what was cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// The number of the last line that was kept, if any was.
    pub last_seq: Option<u64>,
    /// The cost of the batches that stay for good.
    pub head: u64,
    /// The cost of the batches behind them.
    pub tail: u64,
    /// What stood between.
    pub cut: Cut,
}

impl Budget {
    /// Counts a new batch. Says whether it belongs to the head, which stays for good.
    pub fn add(&mut self, batch: &BatchSize) -> Part {
        self.last_seq = Some(batch.last_seq);
        if self.tail == 0 && self.cut.lines == 0 && self.head + batch.cost <= HALF {
            self.head += batch.cost;
            Part::Head
        } else {
            self.tail += batch.cost;
            Part::Tail
        }
    }

    /// Whether the oldest batch of the tail must go.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.tail > HALF
    }

    /// Counts the oldest batch of the tail as cut.
    pub fn drop_oldest(&mut self, batch: &BatchSize) {
        self.tail = self.tail.saturating_sub(batch.cost);
        if self.cut.lines == 0 {
            self.cut.first_seq = batch.first_seq;
        }
        self.cut.lines += batch.lines;
        self.cut.cost += batch.cost;
        self.cut.last_batch = batch.batch;
        self.cut.last_seq = batch.last_seq;
        self.cut.last_at = batch.last_at;
    }

    /// What all kept batches cost.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.head + self.tail
    }
}

/// The two parts of a log that had to be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The beginning, which stays for good.
    Head,
    /// The rest, whose oldest batches go first.
    Tail,
}

impl Cut {
    /// The place behind the last cut line.
    #[must_use]
    pub fn place(&self) -> LogPlace {
        LogPlace { batch: self.last_batch, seq: self.last_seq }
    }

    /// The record that stands in the place of the cut lines for somebody who has read up to `after`.
    #[must_use]
    pub fn notice(&self, source: &LogSource, after: LogPlace) -> Option<LogRecord> {
        if self.lines == 0 || self.place() <= after {
            return None;
        }
        let text = format!(
            "{} lines ({} KiB) were cut here: the log of an attempt holds {} MiB",
            self.lines,
            self.cost.div_ceil(1024),
            LOG_MAX / 1024 / 1024
        );
        let line = LogLine { seq: self.first_seq, stream: LogStream::Notice, at: self.last_at, text };
        Some(LogRecord { source: source.clone(), line, place: self.place() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64, text: &str) -> LogLine {
        LogLine { seq, stream: LogStream::Stdout, at: Timestamp(0), text: text.to_owned() }
    }

    #[test]
    fn repeated_lines_are_dropped_and_batches_are_bounded() {
        let lines: Vec<_> = (1..=10).map(|seq| line(seq, &"x".repeat(100_000))).collect();
        let batches = split(lines, Some(4));
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2]);
        assert_eq!(batches[0][0].seq, 5);
        assert!(split(vec![line(3, "a"), line(4, "b")], Some(4)).is_empty());
    }

    #[test]
    fn a_long_line_keeps_its_start_and_says_what_is_missing() {
        let batches = split(vec![line(1, &"é".repeat(LINE_MAX))], None);
        let text = &batches[0][0].text;
        assert!(text.len() <= LINE_MAX && text.starts_with("éé"));
        assert!(text.ends_with("bytes of this line were cut]"), "{}", &text[text.len() - 60..]);
    }
}
