//! How a measurement is going: a bar with the time left on a terminal, one line per part elsewhere.

use std::cell::Cell;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::stderr::say;

/// The bar counts in hundredths of a forward pass over all images.
const UNITS: f64 = 100.0;

/// The display of one command, on stderr. Efforts are in forward passes over all images.
pub(crate) struct Progress {
    bar: ProgressBar,
    plain: bool,
    /// Of the parts that are done.
    behind: Cell<f64>,
    /// Of the part at hand: spent so far, and expected in all.
    spent: Cell<f64>,
    expected: Cell<f64>,
    /// Of the parts to come.
    ahead: Cell<f64>,
}

impl Progress {
    /// A display for parts that take `effort` together.
    pub(crate) fn new(effort: f64, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some((UNITS * effort) as u64), target);
        let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {eta} left  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let plain = bar.is_hidden() && !quiet;
        let zero = || Cell::new(0.0);
        Self { bar, plain, behind: zero(), spent: zero(), expected: zero(), ahead: Cell::new(effort) }
    }

    /// The next part, planned as `planned`, of which `expected` is left to do.
    pub(crate) fn begin(&self, what: &str, planned: f64, expected: f64) {
        self.ahead.set((self.ahead.get() - planned).max(0.0));
        self.spent.set(0.0);
        self.expected.set(expected);
        self.bar.set_message(what.to_owned());
        self.show();
    }

    /// Some of the part at hand is done.
    pub(crate) fn spend(&self, effort: f64) {
        self.spent.set(self.spent.get() + effort);
        self.show();
    }

    /// The part at hand will take `effort` more.
    pub(crate) fn expect(&self, effort: f64) {
        self.expected.set(self.spent.get() + effort);
        self.show();
    }

    /// The part is done; `line` says what it came to.
    pub(crate) fn end(&self, line: &str) {
        self.behind.set(self.behind.get() + self.spent.get());
        self.spent.set(0.0);
        self.expected.set(0.0);
        self.show();
        if self.plain {
            say(line);
        }
    }

    fn show(&self) {
        let done = self.behind.get() + self.spent.get();
        let all = self.behind.get() + self.spent.get().max(self.expected.get()) + self.ahead.get();
        self.bar.set_length((UNITS * all) as u64);
        self.bar.set_position((UNITS * done) as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
