//! The one display of work that is not training: a bar with the time left on a terminal, lines elsewhere; always on stderr.

use std::cell::{Cell, RefCell};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use polder_experiment::duration::duration;

use crate::stderr::say;

/// Shorter work shows nothing.
const SILENCE: Duration = Duration::from_secs(2);

/// Without a terminal, lines about the time left come no closer than this.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// The bar counts in hundredths of a unit of effort.
const UNITS: f64 = 100.0;

/// The display of the work of one command, which consists of parts.
pub(crate) struct WorkBar {
    bar: ProgressBar,
    on_terminal: bool,
    begun: Instant,
    /// When a line was printed, where there is no terminal.
    last_line: Cell<Option<Instant>>,
    what: RefCell<String>,
    /// Effort of the parts that are done.
    behind: Cell<f64>,
    /// Effort of the current part: spent so far, and expected in all.
    spent: Cell<f64>,
    expected: Cell<f64>,
    /// Effort of the parts to come.
    ahead: Cell<f64>,
}

impl WorkBar {
    pub(crate) fn new() -> Self {
        let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {eta} left  {msg}");
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let zero = || Cell::new(0.0);
        Self {
            bar,
            on_terminal: std::io::stderr().is_terminal(),
            begun: Instant::now(),
            last_line: Cell::new(None),
            what: RefCell::default(),
            behind: zero(),
            spent: zero(),
            expected: zero(),
            ahead: zero(),
        }
    }

    /// More work is planned, in any unit of effort.
    pub(crate) fn plan(&self, effort: f64) {
        self.ahead.set(self.ahead.get() + effort);
    }

    /// A part begins that was planned with `effort` and will take `seconds` if that is known. A part before it is done.
    pub(crate) fn begin(&self, what: &str, effort: f64, seconds: Option<f64>) {
        self.close_part();
        self.ahead.set((self.ahead.get() - effort).max(0.0));
        self.expected.set(effort);
        what.clone_into(&mut self.what.borrow_mut());
        self.bar.set_message(what.to_owned());
        if let Some(seconds) = seconds.filter(|_| !self.on_terminal) {
            say(&format!("measuring {what}: about {seconds:.0} s"));
            self.last_line.set(Some(Instant::now()));
        }
        self.show();
    }

    /// Some of the current part is done.
    pub(crate) fn advance(&self, effort: f64) {
        self.spent.set(self.spent.get() + effort);
        self.show();
    }

    fn close_part(&self) {
        self.behind.set(self.behind.get() + self.spent.get());
        self.spent.set(0.0);
        self.expected.set(0.0);
    }

    fn show(&self) {
        let done = self.behind.get() + self.spent.get();
        let all = self.behind.get() + self.spent.get().max(self.expected.get()) + self.ahead.get();
        self.bar.set_length((UNITS * all) as u64);
        self.bar.set_position((UNITS * done) as u64);
        let elapsed = self.begun.elapsed();
        if elapsed < SILENCE {
            return;
        }
        if self.on_terminal {
            if self.bar.is_hidden() {
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
        } else if done > 0.0 && self.last_line.get().is_none_or(|line| line.elapsed() >= BETWEEN_LINES) {
            let left = elapsed.as_secs_f64() * (all - done) / done;
            let percent = 100.0 * done / all;
            say(&format!("{}: {percent:.0} % done, about {} left", self.what.borrow(), duration(left)));
            self.last_line.set(Some(Instant::now()));
        }
    }
}

#[cfg(feature = "training")]
impl polder_train::progress::WorkProgress for WorkBar {
    fn plan(&self, effort: f64) {
        self.plan(effort);
    }

    fn begin(&self, what: &str, effort: f64, seconds: Option<f64>) {
        self.begin(what, effort, seconds);
    }

    fn advance(&self, effort: f64) {
        self.advance(effort);
    }

    fn expect(&self, effort: f64) {
        self.expected.set(self.spent.get() + effort);
        self.show();
    }

    fn end(&self, line: &str) {
        self.close_part();
        self.show();
        if !self.on_terminal {
            say(line);
        }
    }
}

impl Drop for WorkBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
