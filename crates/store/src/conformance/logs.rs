//! Promises about logs.

use drawloom_blueprint::Timestamp;

use super::{
    Place,
    kit::{WEIRD, accept, claimed, head, open, run, start},
};
use crate::{
    LINE_COST, LINE_MAX, LOG_MAX, LogAppend, LogLine, LogPlace, LogQuery, LogRecord, LogSource, LogStream, PAGE_BYTES,
    Store, log_batch,
};

fn line(seq: u64, text: &str) -> LogLine {
    LogLine { seq, stream: LogStream::Stdout, at: Timestamp(seq as i64), text: text.to_owned() }
}

fn source(path: &str, attempt: u32) -> LogSource {
    LogSource { run: run(1), path: path.to_owned(), attempt }
}

fn lines(path: &str, attempt: u32, texts: &[(u64, &str)]) -> LogAppend {
    LogAppend { source: source(path, attempt), lines: texts.iter().map(|(seq, text)| line(*seq, text)).collect() }
}

fn all() -> LogQuery {
    LogQuery { run: run(1), path: None, attempt: None }
}

async fn keep(store: &dyn Store, appends: Vec<LogAppend>) {
    store.append_logs(appends).await.expect("lines are kept");
}

/// Reads everything in pages of `limit`.
async fn read(store: &dyn Store, query: &LogQuery, limit: usize) -> Vec<LogRecord> {
    let mut found: Vec<LogRecord> = Vec::new();
    loop {
        let after = found.last().map_or(LogPlace::default(), |it| it.place);
        let page = store.read_logs(query, after, limit).await.expect("lines can be read");
        if page.is_empty() {
            return found;
        }
        let bytes: usize = page[..page.len() - 1].iter().map(|it| it.line.text.len()).sum();
        assert!(page.len() <= limit && bytes <= PAGE_BYTES, "a page is bounded: {} lines, {bytes} bytes", page.len());
        found.extend(page);
    }
}

fn texts(records: &[LogRecord]) -> Vec<&str> {
    records.iter().map(|it| it.line.text.as_str()).collect()
}

pub(super) async fn lines_come_back_in_order(place: &dyn Place) {
    let store = open(place).await;
    keep(&*store, vec![lines("a", 1, &[(1, "one"), (2, "two")]), lines("b[3].c", 1, &[(7, "three")])]).await;
    keep(&*store, vec![lines("a", 2, &[(1, "four")]), lines("a", 1, &[(9, "five")])]).await;
    let other = LogSource { run: run(2), ..source("a", 1) };
    keep(&*store, vec![LogAppend { source: other, lines: vec![line(1, "of another run")] }]).await;
    for limit in [1, 2, 100] {
        let found = read(&*store, &all(), limit).await;
        assert_eq!(texts(&found), ["one", "two", "three", "four", "five"], "in pages of {limit}");
        let of = |path: Option<&str>, attempt| LogQuery { path: path.map(str::to_owned), attempt, ..all() };
        assert_eq!(texts(&read(&*store, &of(Some("a"), None), limit).await), ["one", "two", "four", "five"]);
        assert_eq!(texts(&read(&*store, &of(Some("a"), Some(1)), limit).await), ["one", "two", "five"]);
        assert_eq!(texts(&read(&*store, &of(None, Some(2)), limit).await), ["four"]);
        assert_eq!(texts(&read(&*store, &of(Some("b"), None), limit).await), [""; 0]);
    }
    assert_eq!(store.log_sources(run(1)).await, Ok(vec![source("a", 1), source("a", 2), source("b[3].c", 1)]));
    assert_eq!(store.log_sources(run(3)).await, Ok(Vec::new()));

    for (n, text) in (1..).zip(WEIRD) {
        let stream = [LogStream::Stderr, LogStream::Notice, LogStream::Stdout][n % 3];
        let lines = vec![LogLine { seq: n as u64, stream, at: Timestamp(-1), text: (*text).to_owned() }];
        keep(&*store, vec![LogAppend { source: source(text, 9), lines: lines.clone() }]).await;
        let query = LogQuery { path: Some((*text).to_owned()), attempt: Some(9), ..all() };
        let found = read(&*store, &query, 10).await;
        assert_eq!(found.into_iter().map(|it| it.line).collect::<Vec<_>>(), lines);
    }
}

pub(super) async fn reading_goes_on_where_it_stopped(place: &dyn Place) {
    let store = open(place).await;
    let mut after = LogPlace::default();
    for round in 1..=5 {
        let first = format!("a {round}");
        let second = format!("b {round}");
        keep(&*store, vec![lines("a", 1, &[(round, &first)]), lines("b", 1, &[(round, &second)])]).await;
        let page = store.read_logs(&all(), after, 100).await.expect("lines can be read");
        assert_eq!(texts(&page), [&first, &second]);
        after = page[1].place;
        assert_eq!(store.read_logs(&all(), after, 100).await, Ok(Vec::new()));
    }
}

pub(super) async fn repeated_lines_are_kept_once(place: &dyn Place) {
    let store = open(place).await;
    let first = lines("a", 1, &[(0, "zero"), (1, "one"), (5, "five")]);
    keep(&*store, vec![first.clone(), first.clone()]).await;
    keep(&*store, vec![first, lines("a", 1, &[(4, "late"), (6, "six"), (6, "again")])]).await;
    assert_eq!(texts(&read(&*store, &all(), 100).await), ["zero", "one", "five", "six"]);
}

pub(super) async fn the_middle_of_a_long_log_is_cut(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    accept(&*store, claim, vec![start(run(1), head("f"))]).await;
    let text = "x".repeat(10_000);
    let count = LOG_MAX / 10_000 * 2;
    for first in (1..=count).step_by(100) {
        let lines = (first..first + 100).map(|seq| line(seq, &text)).collect();
        keep(&*store, vec![LogAppend { source: source("a", 1), lines }]).await;
    }
    keep(&*store, vec![lines("b", 1, &[(1, "beside")])]).await;
    let last = count.div_ceil(100) * 100;
    let found = read(&*store, &LogQuery { path: Some("a".to_owned()), ..all() }, 300).await;
    let kept: u64 = found.iter().map(|it| log_batch::cost(&it.line)).sum();
    assert!(kept <= LOG_MAX && kept > LOG_MAX / 2, "{kept}");
    let notices: Vec<_> = (0..found.len()).filter(|it| found[*it].line.stream == LogStream::Notice).collect();
    let [at] = notices[..] else { panic!("one notice stands for the cut lines, not {}", notices.len()) };
    let (head, tail) = (&found[..at], &found[at + 1..]);
    assert!(head.iter().map(|it| it.line.seq).eq(1..=at as u64), "the first lines stay");
    assert!(head.len() as u64 * 10_000 > LOG_MAX / 2 - log_batch::BATCH_MAX * 2);
    assert!(tail.iter().map(|it| it.line.seq).eq(last + 1 - tail.len() as u64..=last), "the last lines stay");
    assert!(tail.len() as u64 * 10_000 >= LOG_MAX / 4);
    assert_eq!(found[at].line.seq, at as u64 + 1, "the notice has the number of the first cut line");
    let cut = last - (head.len() + tail.len()) as u64;
    assert!(found[at].line.text.contains(&format!("{cut} lines")), "{}", found[at].line.text);
    let at_last = Timestamp(tail[0].line.seq as i64 - 1);
    assert_eq!(found[at].line.at, at_last, "and the instant of the last one");
    let size = (cut * (text.len() as u64 + LINE_COST)).div_ceil(1024);
    assert!(found[at].line.text.contains(&format!("({size} KiB)")), "{}", found[at].line.text);
    let of_a = LogQuery { path: Some("a".to_owned()), ..all() };
    let behind = store.read_logs(&of_a, found[at].place, 1).await.expect("lines can be read");
    assert_eq!(behind[0].line, tail[0].line, "who has read the notice reads what stands behind it");
    let counted = store.info().await.expect("it is counted").flows[0].log_bytes;
    let beside = "beside".len() as u64 + LINE_COST;
    assert_eq!(counted, kept - log_batch::cost(&found[at].line) + beside, "what was cut counts no more");
    let together = read(&*store, &all(), 1000).await;
    assert_eq!(together.len(), found.len() + 1, "the same among other steps");

    keep(&*store, vec![lines("c", 1, &[(1, &"é".repeat(LINE_MAX)), (2, "after")])]).await;
    let found = read(&*store, &LogQuery { path: Some("c".to_owned()), ..all() }, 300).await;
    assert!(found[0].line.text.len() <= LINE_MAX && found[0].line.text.ends_with("were cut]"));
    assert_eq!(found[1].line.text, "after");
    let just = "x".repeat(LINE_MAX);
    keep(&*store, vec![lines("d", 1, &[(1, &just)])]).await;
    let found = read(&*store, &LogQuery { path: Some("d".to_owned()), ..all() }, 300).await;
    assert!(found.len() == 1 && found[0].line.text == just, "a line of just that size stays whole");
}

/// The first lines stay for good up to a size; what comes behind the first line that was too many is not among them.
pub(super) async fn small_lines_behind_a_large_one_keep_their_place(place: &dyn Place) {
    let store = open(place).await;
    let large = "x".repeat(LINE_MAX);
    for seq in 1..=8 {
        keep(&*store, vec![lines("a", 1, &[(seq, &large)])]).await;
    }
    for seq in 9..=12 {
        keep(&*store, vec![lines("a", 1, &[(seq, "small")])]).await;
    }
    let found = read(&*store, &LogQuery { path: Some("a".to_owned()), ..all() }, 3).await;
    assert!(found.iter().map(|it| it.line.seq).eq(1..=12), "in the order in which they were printed");
}
