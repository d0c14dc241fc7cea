//! Progress of work that is usually short: nothing is shown for two seconds, then a bar, or lines where there is no terminal.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::duration::duration;
use crate::stderr::say;

/// Shorter than this, work needs no words.
const SILENCE: Duration = Duration::from_secs(2);

/// Lines come no closer.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// The display of one piece of work, on stderr.
pub(crate) struct LateBar {
    bar: ProgressBar,
    what: String,
    total: u64,
    done: u64,
    begun: Instant,
    /// When a line was printed, where there is no terminal.
    last_line: Option<Instant>,
}

impl LateBar {
    /// A display for `total` parts of `what`.
    pub(crate) fn new(what: &str, total: u64) -> Self {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} %  {eta} left");
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what.to_owned());
        Self { bar, what: what.to_owned(), total, done: 0, begun: Instant::now(), last_line: None }
    }

    /// So many more parts are done.
    pub(crate) fn add(&mut self, parts: u64) {
        self.done += parts;
        self.bar.set_position(self.done);
        let elapsed = self.begun.elapsed();
        if elapsed < SILENCE {
            return;
        }
        if std::io::stderr().is_terminal() {
            if self.bar.is_hidden() {
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
        } else if self.last_line.is_none_or(|line| line.elapsed() >= BETWEEN_LINES) {
            let left =
                elapsed.as_secs_f64() * (self.total.saturating_sub(self.done)) as f64 / self.done as f64;
            say(&format!("{}: {} of {}, about {} left", self.what, self.done, self.total, duration(left)));
            self.last_line = Some(Instant::now());
        }
    }
}

impl Drop for LateBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
