//! How far long work on a store is, on standard error.

use std::time::{Duration, Instant};

use crate::{
    live::{Screen, TICK},
    output,
    settings::Settings,
};

/// How often progress is told where nothing can be drawn.
const PAUSE: Duration = Duration::from_secs(5);

/// Draws where it can, else says something now and then, or nothing where that is wished.
pub(super) struct Progress {
    screen: Option<Screen>,
    is_quiet: bool,
    told: Instant,
}

impl Progress {
    pub(super) fn new(settings: &Settings) -> Self {
        let draws = !settings.quiet && output::can_draw();
        Self { screen: draws.then(Screen::new), is_quiet: settings.quiet, told: Instant::now() }
    }

    /// Says what `words` say, if it is time to.
    pub(super) fn tell(&mut self, words: impl FnOnce() -> String) {
        let pause = if self.screen.is_some() { TICK } else { PAUSE };
        if self.told.elapsed() > pause {
            self.told = Instant::now();
            self.say(&words());
        }
    }

    /// Says something at once.
    pub(super) fn say(&mut self, text: &str) {
        match &mut self.screen {
            Some(screen) => {
                let room = screen.size().0.saturating_sub(1);
                screen.draw(&[], &[console::truncate_str(text, room, "...").into_owned()]);
            }
            None if !self.is_quiet => output::note(text),
            None => {}
        }
    }

    /// Leaves nothing behind on the screen.
    pub(super) fn end(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.draw(&[], &[]);
        }
    }
}
