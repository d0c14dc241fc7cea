//! `polder report`: draws the report again, from records alone.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::exit_code::Outcome;
use crate::stdout;
use polder_report::Report;

const EXAMPLES: &str = "\
Examples:
  polder report                       the report of ./results, drawn again
  polder report --results /mnt/runs   that of another folder";

/// What `polder report` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReportArgs {
    /// Results folder of `polder reproduce`; the report is written there
    #[arg(long, alias = "output", value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Folder with the experiment files and the published values
    #[arg(long, value_name = "DIR", default_value = "experiments")]
    experiments: PathBuf,
}

/// Draws the report and prints where it is.
pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let report = Report::collect(&args.experiments, &args.results)?;
    let page = report.write(&args.results)?;
    stdout::print(&format!("{}\n", page.display()))?;
    Ok(Outcome::Done.into())
}
