//! Where work reports how far it is. Whoever starts it draws bars, prints lines or sends events.

use polder_experiment::run::record::{EpochRecord, Timing};

/// Follows one run.
pub trait TrainingProgress {
    /// Training begins, or continues after `done` steps, for `epochs` epochs of `steps_per_epoch` steps.
    fn begin(&mut self, epochs: u64, steps_per_epoch: u64, done: u64);

    /// Whether [`step`](Self::step) is wanted now; reading the loss waits for the device.
    fn is_due(&self) -> bool;

    /// The state within an epoch.
    fn step(&mut self, state: StepState);

    /// What is being done between epochs.
    fn doing(&mut self, what: &str);

    /// An epoch is complete.
    fn epoch(&mut self, record: &EpochRecord, timing: &Timing);

    /// A line that stays.
    fn line(&mut self, text: &str);
}

/// Where training stands within an epoch.
#[derive(Clone, Copy, Debug)]
pub struct StepState {
    /// The current epoch, from 1.
    pub epoch: u64,
    /// Steps completed since the start of the run.
    pub steps_done: u64,
    /// Mean loss of the epoch so far.
    pub loss: f64,
    pub images_per_second: f64,
    /// The part of the time in which training waited for data, 0 to 1.
    pub data_wait_share: f64,
}

/// Follows work that consists of parts. Effort is in a unit that is the same for all parts.
pub trait WorkProgress {
    /// More work is planned.
    fn plan(&self, effort: f64);

    /// A part begins that was planned with `effort`; `seconds` is how long it will take, where that is known.
    fn begin(&self, what: &str, effort: f64, seconds: Option<f64>);

    /// Some of the current part is done.
    fn advance(&self, effort: f64);

    /// The current part takes `effort` more than what is done of it.
    fn expect(&self, effort: f64);

    /// The current part is done; `line` says what it came to.
    fn end(&self, line: &str);
}

/// Follows nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl TrainingProgress for Silent {
    fn begin(&mut self, _: u64, _: u64, _: u64) {}

    fn is_due(&self) -> bool {
        false
    }

    fn step(&mut self, _: StepState) {}

    fn doing(&mut self, _: &str) {}

    fn epoch(&mut self, _: &EpochRecord, _: &Timing) {}

    fn line(&mut self, _: &str) {}
}

impl WorkProgress for Silent {
    fn plan(&self, _: f64) {}

    fn begin(&self, _: &str, _: f64, _: Option<f64>) {}

    fn advance(&self, _: f64) {}

    fn expect(&self, _: f64) {}

    fn end(&self, _: &str) {}
}
