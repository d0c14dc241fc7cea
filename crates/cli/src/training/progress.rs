//! How a run is going: a bar on a terminal, one line per epoch elsewhere, or events for the process that asked for the run.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use polder_train::progress::{StepState, TrainingProgress};

use crate::stderr::say;
use crate::training::job::Event;
use polder_experiment::run::record::{EpochRecord, ITERATE, REFRESHED, Timing};

/// Numbers are read from the device this often, no more.
const REFRESH: Duration = Duration::from_millis(250);

/// Who reads how a run is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The user, on stderr.
    User,
    /// The process that started this one, on stdout.
    Parent,
}

/// The display of one run.
pub(crate) struct Progress {
    bar: ProgressBar,
    audience: Audience,
    epochs: u64,
    steps: u64,
    shown: Instant,
}

impl Progress {
    pub(crate) fn new(audience: Audience) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {percent:>3} %  {msg}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, audience, epochs: 0, steps: 0, shown: Instant::now() }
    }
}

impl TrainingProgress for Progress {
    fn begin(&mut self, epochs: u64, steps_per_epoch: u64, done: u64) {
        (self.epochs, self.steps) = (epochs, epochs * steps_per_epoch);
        if self.audience == Audience::User {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_length(self.steps);
        self.bar.set_position(done);
        self.bar.reset_eta();
    }

    fn is_due(&self) -> bool {
        let someone_looks = self.audience == Audience::Parent || !self.bar.is_hidden();
        someone_looks && self.shown.elapsed() >= REFRESH
    }

    fn step(&mut self, state: StepState) {
        let StepState { epoch, steps_done, loss, images_per_second, data_wait_share: waiting } = state;
        if self.audience == Audience::Parent {
            let (epochs, steps, loss) = (self.epochs, self.steps, Some(loss).filter(|loss| loss.is_finite()));
            Event::At { epoch, epochs, steps_done, steps, loss, images_per_second, waiting }.send();
        }
        self.bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
        self.bar.set_message(format!(
            "{images_per_second:.0} images/s  loss {loss:.3}  waiting for data {:.1} %",
            100.0 * waiting
        ));
        self.bar.set_position(steps_done);
        self.shown = Instant::now();
    }

    fn doing(&mut self, what: &str) {
        if self.audience == Audience::Parent {
            Event::Doing { what: what.to_owned() }.send();
        }
        self.bar.set_message(what.to_owned());
    }

    fn epoch(&mut self, record: &EpochRecord, timing: &Timing) {
        let percent = |fraction: f64| format!("{:.2} %", 100.0 * fraction);
        let accuracies: Vec<String> = record
            .evaluations
            .iter()
            .map(|(name, evaluation)| {
                let name = match name.as_str() {
                    ITERATE => "last iterate",
                    REFRESHED => "last iterate with BN refreshed",
                    average => average,
                };
                format!("{name} {}", percent(1.0 - evaluation.error))
            })
            .collect();
        let loss = record.train_loss.map_or("not finite".to_owned(), |loss| format!("{loss:.4}"));
        let tested = if accuracies.is_empty() {
            String::new()
        } else {
            format!(", test accuracy: {}", accuracies.join(", "))
        };
        // An epoch that was interrupted after its last step comes to its evaluation without a step.
        let speed = if timing.images_per_second > 0.0 {
            let (rate, waiting) = (timing.images_per_second, 100.0 * timing.data_wait_share);
            format!("  ({rate:.0} images/s, waiting for data {waiting:.1} %)")
        } else {
            String::new()
        };
        self.line(&format!(
            "epoch {}/{}: loss {loss}, train accuracy {}{tested}{speed}",
            record.epoch,
            self.epochs,
            percent(1.0 - record.train_error),
        ));
        // Runs are compared at their ends.
        if self.audience == Audience::Parent
            && record.epoch == self.epochs
            && let Some((weights, accuracy)) = record.best()
        {
            Event::Accuracy { weights: weights.to_owned(), accuracy }.send();
        }
    }

    fn line(&mut self, text: &str) {
        match self.audience {
            Audience::Parent => Event::Line { text: text.to_owned() }.send(),
            Audience::User if self.bar.is_hidden() => say(text),
            Audience::User => self.bar.println(text),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
