//! Lines of output of an attempt: live to whoever listens, and on their way to the logs.
//!
//! **Invariant:** taking a line never waits; lines are numbered, and the numbers of an attempt that is handed out
//! again lie above those of its first life.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use drawloom_queue::{Line, OutputSink, Redactor, Stream};
use drawloom_store::{LogLine, LogSource, LogStream};

use crate::{Event, What, clock, core::Core};

pub(crate) struct Output {
    core: Arc<Core>,
    source: Arc<LogSource>,
    path: Arc<str>,
    redactor: Redactor,
    seq: AtomicU64,
    /// Lines for which there was no room since the last one that had some.
    lost: AtomicU64,
}

impl Output {
    pub(crate) fn new(core: Arc<Core>, source: LogSource, redactor: Redactor) -> Self {
        let path = source.path.as_str().into();
        let source = Arc::new(source);
        // An attempt that lived before a crash printed fewer lines than microseconds have passed since.
        let first = u64::try_from(clock::now().0).unwrap_or(0);
        Self { core, source, path, redactor, seq: AtomicU64::new(first), lost: AtomicU64::new(0) }
    }

    /// A line of the loom itself.
    pub(crate) fn say(&self, text: &str) {
        self.line(Line { stream: Stream::System, text: text.to_owned() });
    }

    fn keep(&self, seq: u64, stream: LogStream, text: String) {
        let line = LogLine { seq, stream, at: clock::now(), text };
        if !self.core.logs.offer(&self.source, line) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn number(&self) -> u64 {
        self.seq.fetch_add(1, Ordering::Relaxed)
    }
}

impl OutputSink for Output {
    fn line(&self, line: Line) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let notice = format!("{lost} lines were dropped: the log store is too slow");
            self.keep(self.number(), LogStream::Notice, notice);
        }
        let seq = self.number();
        let text = self.redactor.text(&line.text).into_owned();
        if self.core.teller.is_heard() {
            self.core.teller.tell(Event {
                run: self.source.run,
                at: clock::now(),
                seq,
                what: What::Line {
                    path: Arc::clone(&self.path),
                    attempt: self.source.attempt,
                    stream: line.stream,
                    text: text.as_str().into(),
                },
            });
        }
        self.keep(
            seq,
            match line.stream {
                Stream::Out => LogStream::Stdout,
                Stream::Err => LogStream::Stderr,
                Stream::System => LogStream::Notice,
            },
            text,
        );
    }
}
