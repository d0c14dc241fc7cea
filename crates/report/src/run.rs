//! A run that an experiment asks for, as the report sees it.

use std::collections::BTreeMap;

use polder_experiment::claim::Measured;
use polder_experiment::config::RunConfig;
use polder_experiment::experiment::GridRun;
use polder_experiment::point::Point;
use polder_experiment::run::flatness::FlatnessRecord;
use polder_experiment::run::record::{EndRecord, EpochRecord, RunRecords, Timing};

/// A run that the experiment asks for, with its records if there are any.
pub struct RunResult {
    /// With the values of the axes that have several.
    pub cell: String,
    /// The cell as the experiment names it.
    pub family: String,
    pub point: Point,
    pub seed: u64,
    pub id: String,
    pub config: RunConfig,
    pub records: Option<RunRecords>,
    /// What the experiment asks for and is known of it.
    pub flatness: Vec<FlatnessRecord>,
    /// What claims can be about.
    pub measured: Measured,
}

impl RunResult {
    pub(super) fn new(run: GridRun, records: Option<RunRecords>, flatness: Vec<FlatnessRecord>) -> Self {
        let GridRun { cell, family, point, seed, config } = run;
        let (id, measured) = (config.id(), Measured::default());
        let mut run = Self { cell, family, point, seed, id, config, records, flatness, measured };
        run.measured = run.measure();
        run
    }

    /// The epochs recorded so far.
    pub fn epochs(&self) -> impl Iterator<Item = &EpochRecord> {
        self.records.iter().flat_map(|records| &records.epochs)
    }

    /// How far the run is, in words.
    pub fn state(&self) -> &'static str {
        match self.records.as_ref().map(|records| &records.end) {
            None => "to do",
            Some(None) => "partial",
            Some(Some(EndRecord::Finished)) => "finished",
            Some(Some(EndRecord::Diverged { .. })) => "diverged",
        }
    }

    /// Whether nothing of it is left to compute, so many measurements of flatness included: a run that diverged has none.
    pub(super) fn is_done(&self, measures_of_flatness: usize) -> bool {
        match self.state() {
            "finished" => self.flatness.len() == measures_of_flatness,
            state => state == "diverged",
        }
    }

    /// Time of training and evaluation.
    pub(super) fn seconds(&self) -> f64 {
        self.timings().iter().map(|timing| timing.train_seconds + timing.evaluate_seconds).sum()
    }

    /// While it trained; `None` before it has.
    pub(super) fn images_per_second(&self) -> Option<f64> {
        // An epoch that was interrupted after its last step has no images of its own.
        let images: f64 =
            self.timings().iter().map(|timing| timing.images_per_second * timing.train_seconds).sum();
        let seconds: f64 = self.timings().iter().map(|timing| timing.train_seconds).sum();
        (seconds > 0.0).then(|| images / seconds)
    }

    pub(super) fn timings(&self) -> &[Timing] {
        self.records.as_ref().map_or(&[], |records| &records.timings)
    }

    fn measure(&self) -> Measured {
        let epochs = self.epochs().filter(|epoch| !epoch.evaluations.is_empty()).map(|epoch| {
            let accuracies = epoch.evaluations.iter().map(|(name, found)| (name.clone(), 1.0 - found.error));
            let passed = epoch.epoch as f64 / self.config.training.epochs as f64;
            (passed, 1.0 - epoch.train_error, accuracies.collect())
        });
        Measured {
            has_ended: matches!(self.state(), "finished" | "diverged"),
            has_diverged: self.state() == "diverged",
            epochs: epochs.collect(),
            flatness: self.flatness.iter().flat_map(|flat| flat.by_weights.clone()).collect(),
        }
    }
}

/// How many runs have ended, and how many there are, each once.
pub(super) fn progress<'a>(runs: impl IntoIterator<Item = &'a RunResult>) -> (usize, usize) {
    let by_id: BTreeMap<&str, bool> = runs
        .into_iter()
        .map(|run| (run.id.as_str(), matches!(run.state(), "finished" | "diverged")))
        .collect();
    (by_id.values().filter(|ended| **ended).count(), by_id.len())
}

/// Time of the processes behind the runs: training, evaluation and flatness, each run once, whoever asks for it.
pub(super) fn seconds<'a>(runs: impl IntoIterator<Item = &'a RunResult>) -> f64 {
    let mut trained = BTreeMap::new();
    let mut flatness = Vec::<(&String, &FlatnessRecord)>::new();
    for run in runs {
        trained.insert(&run.id, run.seconds());
        for record in run.flatness.iter().map(|record| (&run.id, record)) {
            // Two experiments may ask for the same.
            if !flatness.contains(&record) {
                flatness.push(record);
            }
        }
    }
    trained.values().sum::<f64>() + flatness.iter().map(|(_, record)| record.seconds).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use polder_experiment::run::flatness::FlatnessSettings;
    use polder_experiment::run::record::{DataRecord, DataState, RunRecord};

    fn run(id: &str, flatness_seconds: Option<f64>) -> RunResult {
        let timing = Timing {
            epoch: 1,
            train_seconds: 8.0,
            evaluate_seconds: 2.0,
            images_per_second: 1.0,
            data_wait_share: 0.0,
            ended_at: None,
        };
        let records = RunRecords {
            run: RunRecord {
                id: id.to_owned(),
                version: String::new(),
                config: RunConfig::default(),
                data: DataRecord {
                    train_images: 1,
                    test_images: 1,
                    num_classes: 1,
                    verification: DataState::Generated,
                    packed_checksums: Vec::new(),
                },
                num_parameters: 1,
                device: "cpu".to_owned(),
            },
            epochs: Vec::new(),
            end: None,
            timings: vec![timing.clone(), timing],
            environment: None,
        };
        let flatness = flatness_seconds.into_iter().map(|seconds| FlatnessRecord {
            settings: FlatnessSettings::default(),
            seconds,
            by_weights: BTreeMap::new(),
            sections: Vec::new(),
        });
        let run = GridRun {
            cell: String::new(),
            family: String::new(),
            point: Point::default(),
            seed: 0,
            config: RunConfig::default(),
        };
        RunResult { id: id.to_owned(), ..RunResult::new(run, Some(records), flatness.collect()) }
    }

    #[test]
    fn a_run_of_two_experiments_takes_its_time_once_and_flatness_counts() {
        let runs = [run("a", None), run("b", None), run("a", Some(5.0)), run("a", Some(5.0))];
        assert!((seconds(&runs) - (20.0 + 20.0 + 5.0)).abs() < 1e-9, "{}", seconds(&runs));
    }

    #[test]
    fn speed_is_weighed_by_time() {
        let mut run = run("a", None);
        let timings = &mut run.records.as_mut().unwrap().timings;
        (timings[0].images_per_second, timings[1].images_per_second) = (100.0, 0.0);
        timings[1].train_seconds = 0.0;
        assert_eq!(run.images_per_second(), Some(100.0));
        run.records = None;
        assert_eq!(run.images_per_second(), None);
    }
}
