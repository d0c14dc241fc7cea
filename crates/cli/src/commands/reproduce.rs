//! `polder reproduce`: plan, run, report.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use polder_data::{DataError, DatasetKind};

use crate::commands::train::TrainingFlags;
use crate::config::{DataConfig, DatasetName, RunConfig, TrainingConfig};
use crate::execute::{Compute, Execution, RunEnd, execute};
use crate::exit_code::Outcome;
use crate::experiment::{self, Extent};
use crate::flatness::FlatnessSettings;
use crate::images::Images;
use crate::logs::write_event_files_of;
use crate::plan::{Plan, Speeds, runs_dir};
use crate::record::RunRecords;
use crate::report::Report;
use crate::scale::ScaleName;
use crate::session::{MissingData, Session};
use crate::sharpness::{self, Means};
use crate::theory_record::{Simulation, TheoryRecord};
use crate::trainer::{TrainOptions, TrainOutcome, train};

const EXAMPLES: &str = "\
Examples:
  polder reproduce --scale smoke            every experiment, cut to a few minutes
  polder reproduce --dry-run                what would run, what is done, how long it takes
  polder reproduce --only A1                the experiments whose id fits; A* for all of paper A
  polder reproduce --only A4 --seeds 3 --data-dir /data

Finished runs are never repeated. Ctrl-C writes a checkpoint; the same command continues.";

/// Longest time between two checkpoints of a run.
const CHECKPOINT_EVERY: Duration = Duration::from_mins(1);

/// Images of a calibration: four batches of 128, seen once to warm up and once to measure.
const CALIBRATION_IMAGES: usize = 512;

/// What `polder reproduce` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReproduceArgs {
    /// How much is computed [default: without --only a selection of `desk` meant for an hour on two cores]
    #[arg(long, value_enum)]
    scale: Option<ScaleName>,
    /// Only experiments whose id fits one of these, separated by commas; `*` stands for anything
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    only: Vec<String>,
    /// Seeds 0 to N-1 in place of those of the scale
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: Option<u64>,
    /// Prints the plan and stops
    #[arg(long)]
    dry_run: bool,
    /// Folder for records and report
    #[arg(long, alias = "output", value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Folder with the descriptions of the experiments and the published values
    #[arg(long, value_name = "DIR", default_value = "experiments")]
    experiments: PathBuf,
    #[command(flatten)]
    flags: TrainingFlags,
}

/// Plans, runs what is left, and draws the report.
pub(crate) fn run(args: &ReproduceArgs) -> anyhow::Result<ExitCode> {
    let options = args.flags.options(runs_dir(&args.results), CHECKPOINT_EVERY)?;
    let extent = args.extent();
    let experiments = experiment::select(experiment::read_all(&args.experiments)?, &args.only, extent)?;
    let mut plan = Plan::new(&experiments, extent, &args.results)?;
    let missing = missing_data(&plan, args)?;
    let mut session = Session {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        extent,
        only: args.only.clone(),
        missing: missing.iter().map(|(_, missing)| missing.clone()).collect(),
        failures: Vec::new(),
        interrupted: false,
    };
    if !args.dry_run {
        // First of all: a folder that cannot be written to must not cost an hour.
        session.write(&args.results)?;
    }
    let mut speeds = Speeds::measured(&args.results);
    let is_missing = |config: &RunConfig| missing.iter().any(|(dataset, _)| *dataset == config.data.dataset);
    calibrate(plan.left().map(|run| &run.config).filter(|config| !is_missing(config)), &options, &mut speeds);
    plan.estimate(&speeds);
    print!("{}", plan.table());
    say_missing(&session);
    if args.dry_run {
        return Ok(Outcome::Done.into());
    }
    plan.runs.retain(|run| !is_missing(&run.config));
    let mut trainer = Trainer { options: &options };
    let execution = execute(&plan, &mut speeds, &args.results, &mut trainer, &mut |line| eprintln!("{line}"));
    let outcome = outcome(&execution, &session);
    session.interrupted = execution.interrupted;
    session.failures = execution.failures.into_iter().map(Into::into).collect();
    session.write(&args.results)?;
    let report = Report::collect(&args.experiments, &args.results)?;
    let page = report.write(&args.results)?;
    write_event_files_of(&report, &args.results)?;
    print!("\n{}", report.verdicts());
    say_missing(&session);
    for failure in &session.failures {
        eprintln!("failed twice: {}: {}", failure.what, failure.error);
    }
    if session.interrupted {
        eprintln!("stopped after a checkpoint; the same command continues");
    }
    println!("{}", page.display());
    Ok(outcome.into())
}

impl ReproduceArgs {
    /// Without a scale and without a choice of experiments it is the default selection.
    fn extent(&self) -> Extent {
        Extent {
            scale: self.scale.unwrap_or(ScaleName::Desk),
            num_seeds: self.seeds,
            default_only: self.scale.is_none() && self.only.is_empty(),
        }
    }
}

fn outcome(execution: &Execution, session: &Session) -> Outcome {
    if execution.interrupted {
        Outcome::Interrupted
    } else if session.missing.is_empty() && execution.failures.is_empty() {
        Outcome::Done
    } else {
        Outcome::Incomplete
    }
}

/// The data sets that unfinished runs need and that are not there.
///
/// # Errors
/// If a data set is there but damaged, or not the official one: that is for the user to mend before hours are spent.
fn missing_data(plan: &Plan, args: &ReproduceArgs) -> anyhow::Result<Vec<(DatasetName, MissingData)>> {
    let mut missing: Vec<(DatasetName, MissingData)> = Vec::new();
    let mut checked: Vec<DatasetName> = Vec::new();
    for run in plan.left() {
        let dataset = run.config.data.dataset;
        if checked.contains(&dataset) {
            continue;
        }
        checked.push(dataset);
        let Err(error) = Images::open(&run.config, args.flags.data_dir(), args.flags.allow_unverified())
        else {
            continue;
        };
        if !matches!(error.downcast_ref(), Some(DataError::MissingFolder { .. })) {
            return Err(error).with_context(|| format!("{dataset} cannot be used"));
        }
        missing.push((
            dataset,
            MissingData {
                dataset: dataset.to_string(),
                reason: format!("it is not in the folder `{}`", args.flags.data_dir().display()),
                remedy: fetch(dataset),
            },
        ));
    }
    Ok(missing)
}

/// The command that brings the files of a set.
fn fetch(dataset: DatasetName) -> String {
    let set = match dataset.official() {
        // Both label sets come with the same files.
        Some(DatasetKind::Cifar100Coarse) => DatasetKind::Cifar100,
        Some(kind) => kind,
        None => return "polder data pack DIR OUT".to_owned(),
    };
    format!("cargo xtask data fetch {}", set.name())
}

fn say_missing(session: &Session) {
    for missing in &session.missing {
        eprintln!(
            "{} is missing: {}. `{}` adds it, or name its folder with --data-dir; then repeat `{}`.",
            missing.dataset,
            missing.reason,
            missing.remedy,
            session.command()
        );
    }
}

/// Measures the networks of which no timing is known by a short training on generated images.
///
/// Only the plan's times hang on it: what goes wrong here shows up, with its reason, when the runs begin.
fn calibrate<'a>(configs: impl Iterator<Item = &'a RunConfig>, options: &TrainOptions, speeds: &mut Speeds) {
    let mut tried = BTreeSet::new();
    for config in configs {
        if speeds.knows(config) || !tried.insert(config.model.name.clone()) {
            continue;
        }
        eprintln!("measuring the speed of {}", config.model.name);
        if let Ok(records) = short_run(config, options) {
            speeds.learn(&records);
        }
    }
}

fn short_run(config: &RunConfig, options: &TrainOptions) -> anyhow::Result<RunRecords> {
    let dir = tempfile::tempdir()?;
    let config = RunConfig {
        data: DataConfig {
            dataset: DatasetName::Generated,
            train_images: Some(CALIBRATION_IMAGES),
            test_images: Some(CALIBRATION_IMAGES / 4),
            validation_images: None,
            ..config.data.clone()
        },
        training: TrainingConfig { epochs: 2, evaluate_every: 1, ..config.training.clone() },
        ..config.clone()
    };
    let options = TrainOptions { runs_dir: dir.path().to_owned(), quiet: true, ..options.clone() };
    match train(&config, &options)? {
        TrainOutcome::Finished(dir) | TrainOutcome::Diverged(dir) | TrainOutcome::Interrupted(dir) => {
            RunRecords::read(Path::new(&dir))
        }
    }
}

/// The trainer and the theory, as the executor wants them.
struct Trainer<'a> {
    options: &'a TrainOptions,
}

impl Compute for Trainer<'_> {
    fn train(&mut self, config: &RunConfig) -> anyhow::Result<RunEnd> {
        Ok(match train(config, self.options)? {
            TrainOutcome::Finished(_) => RunEnd::Finished,
            TrainOutcome::Diverged(_) => RunEnd::Diverged,
            TrainOutcome::Interrupted(_) => RunEnd::Interrupted,
        })
    }

    fn flatness(&mut self, config: &RunConfig, settings: &FlatnessSettings) -> anyhow::Result<RunEnd> {
        let run = self.options.runs_dir.join(config.id());
        let means = Means {
            data_dir: self.options.data_dir.clone(),
            allow_unverified: self.options.allow_unverified,
            device: self.options.placement.open()?,
            quiet: self.options.quiet,
        };
        match sharpness::flatness(&run, settings, &means)? {
            Some(record) => record.write(&run).map(|()| RunEnd::Finished),
            None => Ok(RunEnd::Interrupted),
        }
    }

    fn simulate(&mut self, simulation: &Simulation) -> anyhow::Result<TheoryRecord> {
        simulation.run()
    }
}
