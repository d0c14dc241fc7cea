//! What `polder reproduce` shows while it computes: on a terminal a line per run in progress below a line about all of
//! them, elsewhere lines that stay.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::stderr::say;
use crate::training::job::Event;
use polder_experiment::duration::duration;
use polder_experiment::plan::best::Best;
use polder_experiment::plan::speeds::together;
use polder_experiment::plan::{PlannedRun, describe};

/// The line of a run.
const RUN: &str = "{prefix} {wide_bar} {percent:>3} %  {msg}";

/// A line of words alone.
const IDLE: &str = "{msg}";

/// The display, on stderr.
pub(crate) struct LiveTable {
    bars: MultiProgress,
    /// About all runs.
    all: ProgressBar,
    slots: Vec<ProgressBar>,
    state: Mutex<State>,
}

/// What the line about all runs says.
#[derive(Debug, Default)]
struct State {
    runs: usize,
    ended: usize,
    /// Seconds that each run takes that has not begun; `None` if that of any is not known.
    waiting: Option<Vec<f64>>,
    current: Vec<Option<Current>>,
    best: Best,
}

/// A run in progress.
#[derive(Clone, Debug)]
struct Current {
    what: String,
    dataset: String,
    /// Of all that was left when it began.
    seconds: Option<f64>,
    /// Of that, what is done.
    fraction: f64,
    /// That of the whole run when this session took it up.
    fraction_before: Option<f64>,
}

impl LiveTable {
    /// A display of `jobs` runs at a time. `best` is what finished runs have reached.
    pub(crate) fn new(jobs: usize, best: Best) -> Self {
        Self::on(jobs, best, ProgressDrawTarget::stderr())
    }

    /// One that shows nothing on a terminal; lines appear all the same.
    #[cfg(test)]
    pub(crate) fn hidden(jobs: usize) -> Self {
        Self::on(jobs, Best::default(), ProgressDrawTarget::hidden())
    }

    fn on(jobs: usize, best: Best, target: ProgressDrawTarget) -> Self {
        let bars = MultiProgress::with_draw_target(target);
        let all = bars.add(ProgressBar::new(1).with_style(style(IDLE)));
        let slots = (0..jobs).map(|_| bars.add(ProgressBar::new(1).with_style(style(IDLE)))).collect();
        let state = State { current: vec![None; jobs], best, ..State::default() };
        Self { bars, all, slots, state: Mutex::new(state) }
    }

    /// So many runs will begin.
    pub(crate) fn expect(&self, runs: usize) {
        self.state().runs = runs;
    }

    /// A run begins, which takes `seconds`; `waiting` holds the times of those that have not begun.
    pub(crate) fn begin(
        &self,
        slot: usize,
        number: usize,
        run: &PlannedRun,
        seconds: Option<f64>,
        waiting: Option<Vec<f64>>,
    ) {
        let what = describe(run);
        self.slots[slot].reset();
        self.slots[slot].set_style(style(RUN));
        self.slots[slot].set_prefix(what.clone());
        let mut state = self.state();
        state.waiting = waiting;
        state.current[slot] = Some(Current {
            what: what.clone(),
            dataset: run.config.data.dataset.to_string(),
            seconds,
            fraction: 0.0,
            fraction_before: None,
        });
        let left = state.left().map_or_else(String::new, |left| format!(" (about {left} left in all)"));
        let (runs, line) = (state.runs, state.line());
        drop(state);
        if self.bars.is_hidden() {
            self.line(&format!("run {number} of {runs}: {what}{left}"));
        }
        self.all.set_message(line);
    }

    /// What the process of a slot says.
    pub(crate) fn event(&self, slot: usize, event: &Event) {
        let bar = &self.slots[slot];
        match event {
            Event::At { epoch, epochs, steps_done, steps, loss, images_per_second, waiting } => {
                bar.set_length(*steps);
                bar.set_position(*steps_done);
                let loss = loss.map_or("not finite".to_owned(), |loss| format!("{loss:.3}"));
                bar.set_message(format!(
                    "epoch {epoch}/{epochs}  {images_per_second:.0} images/s  loss {loss}  waiting {:.1} %",
                    100.0 * waiting
                ));
                let mut state = self.state();
                if let Some(current) = &mut state.current[slot] {
                    current.at(*steps_done as f64 / *steps as f64);
                }
                self.all.set_message(state.line());
            }
            Event::Doing { what } => bar.set_message(what.clone()),
            Event::Line { text } => {
                let several = self.slots.len() > 1;
                let what = self.state().current[slot].as_ref().map(|current| current.what.clone());
                match what.filter(|_| several || !self.bars.is_hidden()) {
                    Some(what) => self.line(&format!("{what}: {text}")),
                    None => self.line(text),
                }
            }
            Event::Accuracy { weights, accuracy } => {
                let mut state = self.state();
                if let Some(Current { what, dataset, .. }) = state.current[slot].clone() {
                    state.best.note(&dataset, *accuracy, &what, weights);
                }
                self.all.set_message(state.line());
            }
            Event::Ended { .. } | Event::Failed { .. } => {}
        }
    }

    /// The run of a slot has ended, in whatever way.
    pub(crate) fn end(&self, slot: usize) {
        self.slots[slot].set_style(style(IDLE));
        self.slots[slot].set_message("");
        let mut state = self.state();
        state.ended += 1;
        state.current[slot] = None;
        self.all.set_message(state.line());
    }

    /// A line that stays.
    pub(crate) fn line(&self, text: &str) {
        if self.bars.is_hidden() {
            say(text);
        } else {
            // Where the terminal is gone there is nobody to tell.
            let _ = self.bars.println(text);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LiveTable {
    fn drop(&mut self) {
        // A display that cannot be cleared any more does no harm.
        let _ = self.bars.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Current {
    /// So much of the run is done, with what was done before this session.
    fn at(&mut self, fraction: f64) {
        let before = *self.fraction_before.get_or_insert(fraction);
        self.fraction = if before < 1.0 { (fraction - before) / (1.0 - before) } else { 1.0 };
    }
}

impl State {
    /// The time left, where it is known.
    fn left(&self) -> Option<String> {
        let current = self.current.iter().flatten();
        let mut left: Vec<f64> = current
            .map(|current| Some(current.seconds? * (1.0 - current.fraction)))
            .collect::<Option<_>>()?;
        left.extend(self.waiting.as_ref()?);
        Some(duration(together(left, self.current.len())))
    }

    fn line(&self) -> String {
        let mut line = format!("{} of {} runs ended", self.ended, self.runs);
        if let Some(left) = self.left() {
            let _ = write!(line, ", about {left} left");
        }
        let best = self.best.line();
        if !best.is_empty() {
            let _ = write!(line, "; best so far: {best}");
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_about_all_counts_runs_time_and_the_best() {
        let current = |seconds, fraction| {
            let (what, dataset) = ("A4 SGD, seed 0".to_owned(), "CIFAR-10".to_owned());
            Some(Current { what, dataset, seconds, fraction, fraction_before: None })
        };
        let mut state = State {
            runs: 18,
            ended: 3,
            waiting: Some(vec![1800.0, 1800.0]),
            current: vec![current(Some(600.0), 0.5), None],
            best: Best::default(),
        };
        assert_eq!(state.line(), "3 of 18 runs ended, about 32 min 30 s left", "two at a time");
        state.waiting = Some(Vec::new());
        assert_eq!(state.line(), "3 of 18 runs ended, about 5 min left", "the last one is alone");
        state.best.note("CIFAR-10", 0.712, "A4 SGD, seed 0", "tail");
        state.current[0] = current(None, 0.5);
        assert_eq!(state.line(), "3 of 18 runs ended; best so far: CIFAR-10 71.20 %", "time not known");
    }

    #[test]
    fn a_run_that_is_continued_counts_from_where_it_was() {
        let mut current = Current {
            what: String::new(),
            dataset: String::new(),
            seconds: Some(100.0),
            fraction: 0.0,
            fraction_before: None,
        };
        current.at(0.5);
        assert_eq!(current.fraction, 0.0);
        current.at(0.75);
        assert_eq!(current.fraction, 0.5);
    }
}
