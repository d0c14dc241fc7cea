//! How far a profile is: a bar with the time left on a terminal, one line per part elsewhere; always on stderr.

use std::cell::Cell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::stderr::say;

/// Without a terminal, a line about the time left comes no more often than this.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// The display of one profile; stretches are its unit.
pub(crate) struct Status {
    bar: ProgressBar,
    said: Cell<Instant>,
}

impl Status {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, said: Cell::new(Instant::now()) }
    }

    /// A part of `stretches` stretches, about `seconds` long in all, begins.
    pub(crate) fn begin(&self, what: &str, stretches: usize, seconds: f64) {
        self.bar.inc_length(stretches as u64);
        if self.bar.is_hidden() {
            say(&format!("measuring {what}: about {seconds:.0} s"));
        } else {
            self.bar.set_message(what.to_owned());
        }
    }

    /// A stretch is over.
    pub(crate) fn done(&self) {
        self.bar.inc(1);
        if self.bar.is_hidden() && self.said.get().elapsed() >= BETWEEN_LINES {
            self.said.set(Instant::now());
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
            let left = self.bar.elapsed().as_secs_f64() / done as f64 * all.saturating_sub(done) as f64;
            say(&format!("measured {done} of {all} stretches: about {left:.0} s left"));
        }
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
