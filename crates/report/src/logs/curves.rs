//! A run as curves over its epochs.

use std::collections::BTreeSet;

use polder_experiment::run::record::{
    EndRecord, EpochRecord, ITERATE, REFRESHED, RunRecords, Timing, is_average,
};

/// The curves that every run has a name for, in the order of columns; those of evaluated weights follow.
const COMMON_CURVES: [&str; 6] = [
    "train/loss",
    "train/error",
    "train/learning_rate",
    "train/ascent_norm",
    "speed/images_per_second",
    "speed/data_wait_share",
];

/// The curves of each set of weights that is evaluated; the name of the weights follows.
const EVALUATION_CURVES: [&str; 2] = ["test/loss", "test/accuracy"];

/// A run under the name that readers know it by.
pub struct RunLog<'a> {
    pub name: String,
    pub records: &'a RunRecords,
    pub rows: Vec<Row>,
}

/// What is known after one epoch.
pub struct Row {
    /// Epochs completed, from 1.
    pub epoch: u64,
    /// Steps completed since the start of the run.
    pub steps: u64,
    /// Of training and evaluation up to here, pauses left out.
    pub seconds: f64,
    /// When the epoch ended, in seconds since 1970-01-01 UTC, if that was recorded.
    pub ended_at: Option<f64>,
    /// By name of the curve; `None` where the number was not finite.
    pub values: Vec<(String, Option<f64>)>,
}

impl<'a> RunLog<'a> {
    pub fn new(name: String, records: &'a RunRecords) -> Self {
        let mut seconds = 0.0;
        let rows = records.epochs.iter().map(|epoch| {
            let timing = records.timings.iter().find(|timing| timing.epoch == epoch.epoch);
            seconds += timing.map_or(0.0, |timing| timing.train_seconds + timing.evaluate_seconds);
            Row {
                epoch: epoch.epoch,
                steps: epoch.steps,
                seconds,
                ended_at: timing.and_then(|timing| timing.ended_at),
                values: values(epoch, timing, records.run.data.test_images),
            }
        });
        Self { name, records, rows: rows.collect() }
    }

    /// When the run began, in seconds since 1970-01-01 UTC, judged by the first epoch whose end is known; 0 without one.
    pub fn began_at(&self) -> f64 {
        self.rows.iter().find_map(|row| Some(row.ended_at? - row.seconds)).unwrap_or(0.0)
    }

    /// When the epoch of `row` ended: as recorded, or so many seconds of work after the run began.
    pub fn wall_time(&self, row: &Row) -> f64 {
        row.ended_at.unwrap_or_else(|| self.began_at() + row.seconds)
    }

    /// How the run ended, or how far it is.
    pub fn state(&self) -> String {
        match &self.records.end {
            Some(EndRecord::Finished) => "finished".to_owned(),
            Some(EndRecord::Diverged { epoch, steps }) => {
                format!("diverged in epoch {epoch}: the loss was not finite after {steps} steps")
            }
            None => format!(
                "unfinished: {} of {} epochs",
                self.rows.len(),
                self.records.run.config.training.epochs
            ),
        }
    }
}

fn values(epoch: &EpochRecord, timing: Option<&Timing>, test_images: u64) -> Vec<(String, Option<f64>)> {
    // 0.11 of 100 images, and not 0.10999999999999999.
    let accuracy = |error: f64| ((1.0 - error) * test_images as f64).round() / test_images as f64;
    let common = [
        Some(epoch.train_loss),
        Some(Some(epoch.train_error)),
        Some(Some(epoch.learning_rate)),
        epoch.ascent_norm.map(Some),
        timing.map(|timing| Some(timing.images_per_second)),
        timing.map(|timing| Some(timing.data_wait_share)),
    ];
    let common =
        COMMON_CURVES.iter().zip(common).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
    let evaluations = epoch.evaluations.iter().flat_map(|(weights, evaluation)| {
        let numbers = [evaluation.loss, Some(accuracy(evaluation.error))];
        EVALUATION_CURVES
            .iter()
            .zip(numbers)
            .map(move |(curve, number)| (format!("{curve}/{weights}"), number))
    });
    common.chain(evaluations).collect()
}

/// The names of all curves that runs like `logs` have, whether or not there is a value: the common ones, then those of the
/// iterate, as it was and with BN refreshed, then those of each average.
pub(super) fn names(logs: &[RunLog<'_>]) -> Vec<String> {
    let epochs = logs.iter().flat_map(|log| &log.records.epochs);
    let evaluated: BTreeSet<&str> =
        epochs.flat_map(|epoch| epoch.evaluations.keys()).map(String::as_str).collect();
    let refreshed = evaluated.contains(REFRESHED).then_some(REFRESHED);
    let averages = evaluated.iter().copied().filter(|name| is_average(name));
    let weights = std::iter::once(ITERATE).chain(refreshed).chain(averages);
    let evaluations = weights.flat_map(|weights| EVALUATION_CURVES.map(|curve| format!("{curve}/{weights}")));
    COMMON_CURVES.iter().map(|name| (*name).to_owned()).chain(evaluations).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use polder_experiment::config::RunConfig;
    use polder_experiment::plan::run_dir;
    use polder_experiment::synthetic;

    #[test]
    fn times_that_were_not_recorded_follow_from_those_that_were() {
        let results = tempfile::tempdir().unwrap();
        let config = RunConfig::default();
        synthetic::write_run(results.path(), &config, Some(4));
        let mut records = RunRecords::read(&run_dir(results.path(), &config.id())).unwrap();
        let log = RunLog::new("run".to_owned(), &records);
        let seconds = log.rows[0].seconds;
        assert!(seconds > 0.0);
        assert_eq!((log.began_at(), log.wall_time(&log.rows[3])), (0.0, log.rows[3].seconds));

        records.timings[2].ended_at = Some(1e9);
        records.timings[3].ended_at = Some(2e9);
        let log = RunLog::new("run".to_owned(), &records);
        let times: Vec<f64> = log.rows.iter().map(|row| log.wall_time(row)).collect();
        assert_eq!(times[2..], [1e9, 2e9], "a pause is not smoothed away");
        assert!((times[1] - (1e9 - seconds)).abs() < 1e-6 && (times[0] - (1e9 - 2.0 * seconds)).abs() < 1e-6);
    }

    #[test]
    fn a_lost_timing_costs_the_curves_of_speed_alone() {
        let results = tempfile::tempdir().unwrap();
        let config = RunConfig::default();
        synthetic::write_run(results.path(), &config, Some(2));
        let mut records = RunRecords::read(&run_dir(results.path(), &config.id())).unwrap();
        records.timings.remove(0);
        let log = RunLog::new("run".to_owned(), &records);
        let names = |row: &Row| row.values.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(
            names(&log.rows[0]),
            [
                "train/loss",
                "train/error",
                "train/learning_rate",
                "test/loss/iterate",
                "test/accuracy/iterate"
            ]
        );
        assert!(names(&log.rows[1]).contains(&"speed/images_per_second".to_owned()));
        assert_eq!(log.state(), "unfinished: 2 of 12 epochs");
    }
}
