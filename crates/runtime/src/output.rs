//! Lines of output of an attempt: live to whoever listens, and on their way to the logs.
//!
//! **Invariant:** taking a line never waits; lines are numbered, and the numbers of an attempt that is handed out
//! again lie above those of its first life.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use drawloom_blueprint::RunId;
use drawloom_queue::{Line, OutputSink, Redactor, Stream};
use drawloom_store::{LogLine, LogSource, LogStream};

use crate::{Event, What, core::Core};

pub(crate) struct Output {
    core: Arc<Core>,
    of: (RunId, Arc<str>, u32),
    redactor: Redactor,
    /// Made at the first line: most attempts print none.
    begun: OnceLock<Begun>,
    /// Lines for which there was no room since the last one that had some.
    lost: AtomicU64,
}

struct Begun {
    source: Arc<LogSource>,
    seq: AtomicU64,
}

impl Output {
    /// The output of an attempt: its run, the place of its step, its number.
    pub(crate) fn new(core: Arc<Core>, of: (RunId, Arc<str>, u32), redactor: Redactor) -> Self {
        Self { core, of, redactor, begun: OnceLock::new(), lost: AtomicU64::new(0) }
    }

    fn begun(&self) -> &Begun {
        self.begun.get_or_init(|| {
            let (run, path, attempt) = &self.of;
            let source = Arc::new(LogSource { run: *run, path: path.as_ref().into(), attempt: *attempt });
            // An attempt that lived before a crash printed fewer lines than microseconds have passed since.
            let first = u64::try_from(self.core.now().0).unwrap_or(0);
            Begun { source, seq: AtomicU64::new(first) }
        })
    }

    /// A line of the loom itself.
    pub(crate) fn say(&self, text: &str) {
        self.line(Line { stream: Stream::System, text: text.to_owned() });
    }

    fn keep(&self, seq: u64, stream: LogStream, text: String) {
        let line = LogLine { seq, stream, at: self.core.now(), text };
        if !self.core.logs.offer(&self.begun().source, line) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn number(&self) -> u64 {
        self.begun().seq.fetch_add(1, Ordering::Relaxed)
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
                run: self.of.0,
                at: self.core.now(),
                seq,
                what: What::Line {
                    path: Arc::clone(&self.of.1),
                    attempt: self.of.2,
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
