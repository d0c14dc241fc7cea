//! What `polder reproduce` and the processes that train for it say to each other, a line of JSON each.

use std::io::Write as _;

use serde::{Deserialize, Serialize};

use polder_experiment::config::RunConfig;
use polder_experiment::run::flatness::FlatnessSettings;
use polder_experiment::run::run_outcome::RunOutcome;

/// The first line on a worker's standard input: one run. The end of that input asks it to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) config: RunConfig,
    /// To be measured when it has been trained.
    pub(crate) flatness: Vec<FlatnessSettings>,
}

/// A later line on a worker's standard input: a checkpoint, and on.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// A line on a worker's standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum Event {
    /// Where training is.
    At {
        /// From 1.
        epoch: u64,
        epochs: u64,
        steps_done: u64,
        /// Of the whole run.
        steps: u64,
        /// Mean over the epoch so far; `null` if not finite.
        loss: Option<f64>,
        images_per_second: f64,
        /// Share of the time that went into waiting for data.
        waiting: f64,
    },
    /// What goes on apart from training steps.
    Doing { what: String },
    /// Something that stays to be read.
    Line { text: String },
    /// The highest test accuracy at the end of the run, and its weights.
    Accuracy { weights: String, accuracy: f64 },
    /// The last line of a worker that could do its work.
    Ended { end: RunOutcome },
    /// The last line of one that could not.
    Failed { error: String },
}

impl Event {
    /// Writes the event on standard output.
    ///
    /// If nobody reads there any more, the end of standard input says so too: that is where it is heeded.
    pub(crate) fn send(&self) {
        if let Ok(mut line) = serde_json::to_vec(self) {
            line.push(b'\n');
            let mut out = std::io::stdout().lock();
            let _ = out.write_all(&line).and_then(|()| out.flush());
        }
    }
}
