//! How fast a run will be, from a short training of the same kind.

use crate::progress::Silent;
use crate::trainer::{TrainOptions, train};
use polder_experiment::config::{DataConfig, DatasetName, RunConfig, TrainingConfig};
use polder_experiment::plan::cost_model::CostModel;
use polder_experiment::plan::reproduce_request::MissingData;
use polder_experiment::plan::{Plan, runs_dir};
use polder_experiment::run::record::RunRecords;

/// Minibatches of a calibration, seen once to warm up and once to measure.
const MINIBATCHES: usize = 4;

/// As many images at least: small minibatches are over before a timer has seen them.
const FEWEST_IMAGES: usize = 256;

/// Measures the kinds of runs left in `plan` of which no timing is known, each by a short training, but for those whose data are
/// missing. Only the plan's times depend on it: `say` reports what goes wrong, and the runs find it again.
pub fn calibrate(
    plan: &Plan,
    missing: &[MissingData],
    options: &TrainOptions,
    speeds: &mut CostModel,
    say: &dyn Fn(&str),
) {
    let mut tried = Vec::new();
    let is_missing =
        |config: &&RunConfig| missing.iter().any(|one| one.dataset == config.data.dataset.to_string());
    for config in plan.left().map(|run| &run.config).filter(|config| !is_missing(config)) {
        let kind = CostModel::kind(config);
        if speeds.knows(config) || tried.contains(&kind) {
            continue;
        }
        say(&format!("measuring the speed of {kind}"));
        tried.push(kind);
        match short_run(config, options) {
            Ok(records) => speeds.learn(&records),
            Err(error) => say(&format!("no time is known for {}: {error:#}", CostModel::kind(config))),
        }
    }
}

fn short_run(config: &RunConfig, options: &TrainOptions) -> anyhow::Result<RunRecords> {
    let dir = tempfile::tempdir()?;
    let images = (MINIBATCHES * config.training.batch_size).max(FEWEST_IMAGES);
    // A packed file may hold fewer images; a perceptron fits no others than those of its set.
    let dataset = match config.data.dataset {
        DatasetName::Packed => DatasetName::Generated,
        official => official,
    };
    let config = RunConfig {
        data: DataConfig {
            dataset,
            train_images: Some(images),
            test_images: Some(images / 4),
            validation_images: None,
            path: None,
            test_path: None,
            ..config.data.clone()
        },
        training: TrainingConfig { epochs: 2, evaluate_every: 1, ..config.training.clone() },
        ..config.clone()
    };
    let options = TrainOptions { runs_dir: runs_dir(dir.path()), ..options.clone() };
    let (_, dir) = train(&config, &options, &mut Silent)?;
    RunRecords::read(&dir)
}
