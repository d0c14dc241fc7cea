//! `polder reproduce`: plan, run, report.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::MachineFlags;
use crate::commands::plan;
use crate::commands::selection::SelectionArgs;
use crate::division::Division;
use crate::exit_code::Outcome;
use crate::stderr::say;
use crate::stdout;
use crate::training::execute::{Execution, execute};
use crate::training::live_table::LiveTable;
use crate::training::pool::Pool;
use polder_experiment::plan::leaderboard::Leaderboard;
use polder_experiment::plan::missing_data::missing_data;
use polder_experiment::plan::reproduce_request::ReproduceRequest;
use polder_experiment::plan::runs_dir;
use polder_report::Report;
use polder_report::logs::write_event_files_of;

const EXAMPLES: &str = "\
Examples:
  polder reproduce --scale smoke            every experiment, cut to a few minutes
  polder reproduce --dry-run                what would run, what is done, how long it takes: `polder plan`
  polder reproduce --only A1                the experiments whose id fits; 'A*' for all of paper A
  polder reproduce --only A4 --seeds 3 --data-dir /data

Finished runs are never repeated. Ctrl-C writes a checkpoint; run the same command again to resume.";

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
    flags: MachineFlags,
}

impl ReproduceArgs {
    /// What a process that trains is started with.
    fn worker_arguments(&self, threads: usize) -> Vec<OsString> {
        let mut arguments: Vec<OsString> =
            vec!["worker".into(), "--runs".into(), runs_dir(self.selection.results()).into()];
        arguments.extend(self.flags.training.arguments(threads));
        arguments
    }
}

/// Plans, runs what is left, and draws the report.
pub(crate) fn run(args: &ReproduceArgs) -> anyhow::Result<ExitCode> {
    if args.dry_run {
        return plan::show(&args.selection, &args.flags, false);
    }
    let (results, experiments) = (args.selection.results(), args.selection.experiments());
    let division = args.flags.division()?;
    let Division { jobs, threads, on_gpus } = division;
    let mut plan = args.selection.plan()?;
    let missing = missing_data(
        &plan,
        results,
        args.flags.data_dir(),
        args.flags.allow_unverified(),
        args.selection.fetcher(),
    )?;
    let mut session = args.selection.session(division, &missing);
    // First of all: a folder that cannot be written to must not cost an hour.
    session.write(results)?;
    plan.drop_runs_without_data(&session);
    let mut speeds = args.flags.speeds(&plan, results, division, &missing)?;
    speeds.estimate(&mut plan);
    stdout::print(&plan.table(jobs))?;
    session.missing_data_messages().for_each(|line| say(&line));
    let table = LiveTable::new(jobs, Leaderboard::of_finished(&plan, results));
    let pool = Pool::new(jobs, args.worker_arguments(threads), on_gpus, &table)?;
    let execution = pool.heeding_signals(|| execute(&plan, &mut speeds, results, jobs, &pool, &table));
    drop(table);
    let outcome = outcome(&execution, &session);
    session.interrupted = execution.interrupted;
    session.failures = execution.failures.into_iter().map(Into::into).collect();
    session.write(results)?;
    let report = Report::collect(experiments, results)?;
    let page = report.write(results)?;
    write_event_files_of(&report, results)?;
    stdout::print(&format!("\n{}", report.verdicts()))?;
    session.missing_data_messages().for_each(|line| say(&line));
    for failure in &session.failures {
        say(&format!("failed twice: {}: {}", failure.what, failure.error));
    }
    if session.interrupted {
        say("stopped after a checkpoint; run the same command again to resume");
    }
    stdout::print(&format!("{}\n", page.display()))?;
    Ok(outcome.into())
}

fn outcome(execution: &Execution, session: &ReproduceRequest) -> Outcome {
    if execution.interrupted {
        Outcome::Interrupted
    } else if session.missing.is_empty() && execution.failures.is_empty() {
        Outcome::Done
    } else {
        Outcome::Incomplete
    }
}
