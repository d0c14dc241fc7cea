//! `polder plan`: what would run, what is done, how long the rest takes.

use std::process::ExitCode;

use crate::MachineFlags;
use crate::commands::selection::SelectionArgs;
use crate::exit_code::Outcome;
use crate::stderr::say;
use crate::stdout;
use polder_experiment::plan::missing_data::{missing_data, needed_data};

const EXAMPLES: &str = "\
Examples:
  polder plan                               of the default selection
  polder plan --scale desk --only 'C*'      the runs of four experiments, with the time that each takes here
  polder plan --scale desk --jobs 2         how long all of it takes with two runs at a time
  polder plan --scale paper --device cuda --cells
                                            what the papers' settings cost on this GPU, cell by cell
  polder plan --scale desk --data           the data sets that it needs

Networks that have not been trained here are measured by a short training first, if their data are there.";

/// What `polder plan` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PlanArgs {
    /// Prints one line per variant instead of per run, with its hours on one device
    #[arg(long)]
    cells: bool,
    /// Prints only the data sets that the remaining runs need, one per line, as `cargo xtask data fetch` names them
    #[arg(long, conflicts_with = "cells")]
    data: bool,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    flags: MachineFlags,
}

pub(crate) fn run(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    if args.data {
        let names = needed_data(&args.selection.plan()?);
        stdout::print(&names.iter().flat_map(|name| [name, "\n"]).collect::<String>())?;
        return Ok(Outcome::Done.into());
    }
    show(&args.selection, &args.flags, args.cells)
}

/// Prints the plan, by cells or by runs.
pub(crate) fn show(
    selection: &SelectionArgs,
    flags: &MachineFlags,
    by_cells: bool,
) -> anyhow::Result<ExitCode> {
    let division = flags.division()?;
    let mut plan = selection.plan()?;
    let missing = missing_data(
        &plan,
        selection.results(),
        flags.data_dir(),
        flags.allow_unverified(),
        selection.fetcher(),
    )?;
    flags.speeds(&plan, selection.results(), division, &missing)?.estimate(&mut plan);
    let device = if division.on_gpus { "GPU" } else { "process" };
    stdout::print(&if by_cells { plan.cells(device) } else { plan.table(division.jobs) })?;
    selection.session(division, &missing).missing_data_messages().for_each(|line| say(&line));
    Ok(Outcome::Done.into())
}
