//! `polder plan`: what would run, what is done, how long the rest takes.

use std::process::ExitCode;

use crate::calibration::calibrate;
use crate::commands::jobs::JobsFlag;
use crate::commands::selection::SelectionArgs;
use crate::commands::train::TrainingFlags;
use crate::exit_code::Outcome;
use crate::missing_data::{missing_data, say_missing};
use crate::plan::runs_dir;
use crate::speeds::Speeds;
use crate::stdout;
use crate::trainer::{CheckpointEvery, TrainOptions};

const EXAMPLES: &str = "\
Examples:
  polder plan                               of the default selection
  polder plan --scale desk --only C*        the runs of four experiments, with the time that each takes here
  polder plan --scale desk --jobs 2         how long all of it takes with two runs at a time
  polder plan --scale paper --device cuda   what the papers' settings cost on this GPU

Networks that have not been trained here are measured by a short training first.";

/// What `polder plan` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    jobs: JobsFlag,
    #[command(flatten)]
    flags: TrainingFlags,
}

pub(crate) fn run(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    show(&args.selection, args.jobs, &args.flags)
}

/// Prints the plan.
pub(crate) fn show(
    selection: &SelectionArgs,
    jobs: JobsFlag,
    flags: &TrainingFlags,
) -> anyhow::Result<ExitCode> {
    let division = jobs.division(flags)?;
    let options =
        flags.options(runs_dir(selection.results()), CheckpointEvery::Time(std::time::Duration::MAX))?;
    let options = TrainOptions { threads: Some(division.threads), ..options };
    let mut plan = selection.plan()?;
    let missing = missing_data(&plan, flags.data_dir(), flags.allow_unverified())?;
    let mut speeds = Speeds::measured(selection.results(), division.threads, Some(division.on_gpus));
    calibrate(&plan, &options, &mut speeds);
    speeds.estimate(&mut plan);
    stdout::print(&plan.table(division.jobs))?;
    say_missing(&selection.session(division, &missing));
    Ok(Outcome::Done.into())
}
