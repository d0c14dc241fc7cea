//! The flags of `polder plan` in a program that cannot train: times come from records alone.

use std::num::NonZeroUsize;
use std::path::Path;

use crate::data_dir::DataDir;
use crate::division::Division;
use polder_experiment::plan::Plan;
use polder_experiment::plan::cost_model::CostModel;
use polder_experiment::plan::reproduce_request::MissingData;

/// The flags of commands that plan trainings.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MachineFlags {
    /// Runs at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// libtorch threads per run [default: its share of the cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    #[command(flatten)]
    data: DataDir,
    /// Counts files that are not the official ones as present
    #[arg(long)]
    allow_unverified: bool,
}

#[allow(clippy::unnecessary_wraps, reason = "a program that can train has more to do here")]
impl MachineFlags {
    pub(crate) fn division(&self) -> anyhow::Result<Division> {
        let (jobs, cores) =
            (usize::from(self.jobs), std::thread::available_parallelism().map_or(1, NonZeroUsize::get));
        let threads = self.threads.map_or((cores / jobs).max(1), usize::from);
        Ok(Division { jobs, threads, on_gpus: false })
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data.data_dir
    }

    pub(crate) fn allow_unverified(&self) -> bool {
        self.allow_unverified
    }

    /// The speeds recorded in `results`.
    pub(crate) fn speeds(
        &self,
        _: &Plan,
        results: &Path,
        division: Division,
        _: &[MissingData],
    ) -> anyhow::Result<CostModel> {
        Ok(CostModel::measured(results, division.threads, None))
    }
}
