//! Time as it is measured here.
//!
//! **Invariant:** work of one thread is measured by that thread's processor time, which other load on the machine
//! does not spoil; what waits for disks or other threads, by the wall clock.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The rounds of a measurement at least, and at most.
const ROUNDS: (usize, usize) = (3, 15);

/// So long there are further ones: what takes milliseconds falls into a slow moment of the machine as a whole.
const SPAN: Duration = Duration::from_secs(1);

/// Rounds in which cost and limit are measured by turns; the best of each counts.
pub(crate) fn rounds() -> impl Iterator<Item = usize> {
    let begin = Instant::now();
    (0..ROUNDS.1).take_while(move |it| *it < ROUNDS.0 || begin.elapsed() < SPAN)
}

fn seconds(clock: ClockId) -> f64 {
    let it = clock_gettime(clock);
    it.tv_sec as f64 + it.tv_nsec as f64 / 1e9
}

/// The processor time that this thread spends on `work`, in seconds, and what it gives.
pub(crate) fn thread<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begin = seconds(ClockId::ThreadCPUTime);
    let it = work();
    (seconds(ClockId::ThreadCPUTime) - begin, it)
}

/// Wall time and the processor time of the whole process since some moment.
#[derive(Clone, Copy)]
pub(crate) struct Since {
    wall: Instant,
    cpu: f64,
}

/// Seconds by the wall clock, and of processor time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
}

impl Since {
    pub(crate) fn now() -> Self {
        Self { wall: Instant::now(), cpu: seconds(ClockId::ProcessCPUTime) }
    }

    pub(crate) fn spent(self) -> Spent {
        Spent { wall: self.wall.elapsed().as_secs_f64(), cpu: seconds(ClockId::ProcessCPUTime) - self.cpu }
    }
}
