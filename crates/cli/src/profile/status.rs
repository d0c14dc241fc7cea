//! How far a profile is: a bar with the time left on a terminal, one line per part elsewhere; always on stderr.

use indicatif::{ProgressBar, ProgressStyle};

/// The display of one profile; stretches are its unit.
pub(crate) struct Status {
    bar: ProgressBar,
}

impl Status {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar }
    }

    /// A part of `stretches` stretches, about `seconds` long in all, begins.
    pub(crate) fn begin(&self, what: &str, stretches: usize, seconds: f64) {
        self.bar.inc_length(stretches as u64);
        if self.bar.is_hidden() {
            eprintln!("measuring {what}: about {seconds:.0} s");
        } else {
            self.bar.set_message(what.to_owned());
        }
    }

    /// A stretch is over.
    pub(crate) fn done(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
