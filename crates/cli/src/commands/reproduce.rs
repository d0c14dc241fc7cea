//! `polder reproduce`: plan, run, report.

use std::process::ExitCode;
use std::time::Duration;

use crate::calibration::calibrate;
use crate::commands::plan;
use crate::commands::selection::SelectionArgs;
use crate::commands::train::TrainingFlags;
use crate::config::RunConfig;
use crate::execute::{Compute, Execution, RunEnd, execute};
use crate::exit_code::Outcome;
use crate::flatness::FlatnessSettings;
use crate::logs::write_event_files_of;
use crate::missing_data::{missing_data, say_missing};
use crate::plan::{Speeds, runs_dir};
use crate::report::Report;
use crate::session::Session;
use crate::sharpness::{self, Means};
use crate::theory_record::{Simulation, TheoryRecord};
use crate::trainer::{TrainOptions, TrainOutcome, train};

const EXAMPLES: &str = "\
Examples:
  polder reproduce --scale smoke            every experiment, cut to a few minutes
  polder reproduce --dry-run                what would run, what is done, how long it takes: `polder plan`
  polder reproduce --only A1                the experiments whose id fits; A* for all of paper A
  polder reproduce --only A4 --seeds 3 --data-dir /data

Finished runs are never repeated. Ctrl-C writes a checkpoint; the same command continues.";

/// Longest time between two checkpoints of a run.
const CHECKPOINT_EVERY: Duration = Duration::from_mins(1);

/// What `polder reproduce` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReproduceArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Prints the plan and stops: `polder plan`
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    flags: TrainingFlags,
}

/// Plans, runs what is left, and draws the report.
pub(crate) fn run(args: &ReproduceArgs) -> anyhow::Result<ExitCode> {
    if args.dry_run {
        return plan::show(&args.selection, &args.flags);
    }
    let (results, experiments) = (args.selection.results(), args.selection.experiments());
    let options = args.flags.options(runs_dir(results), CHECKPOINT_EVERY)?;
    let mut plan = args.selection.plan()?;
    let missing = missing_data(&plan, args.flags.data_dir(), args.flags.allow_unverified())?;
    let mut session = args.selection.session(&missing);
    // First of all: a folder that cannot be written to must not cost an hour.
    session.write(results)?;
    let mut speeds = Speeds::measured(results);
    plan.drop_runs_without(&missing);
    calibrate(&plan, &options, &mut speeds);
    plan.estimate(&speeds);
    print!("{}", plan.table());
    say_missing(&session);
    let mut trainer = Trainer { options: &options };
    let execution = execute(&plan, &mut speeds, results, &mut trainer, &mut |line| eprintln!("{line}"));
    let outcome = outcome(&execution, &session);
    session.interrupted = execution.interrupted;
    session.failures = execution.failures.into_iter().map(Into::into).collect();
    session.write(results)?;
    let report = Report::collect(experiments, results)?;
    let page = report.write(results)?;
    write_event_files_of(&report, results)?;
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

fn outcome(execution: &Execution, session: &Session) -> Outcome {
    if execution.interrupted {
        Outcome::Interrupted
    } else if session.missing.is_empty() && execution.failures.is_empty() {
        Outcome::Done
    } else {
        Outcome::Incomplete
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
