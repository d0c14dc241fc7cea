//! How many runs at a time, and with how many threads.

use std::num::NonZeroUsize;

use anyhow::ensure;

use crate::commands::train::TrainingFlags;

/// The networks that a processor can train are small: more cores than these are better used by another run.
const CORES_PER_JOB: usize = 4;

/// The flag of commands that train several networks.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct JobsFlag {
    /// Runs at a time, each in a process of its own with its share of the cores [default: one per GPU; without one, one
    /// for every four cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

/// How the machine is divided among runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Division {
    /// Runs at a time.
    pub(crate) jobs: usize,
    /// Of libtorch, for each.
    pub(crate) threads: usize,
    /// Whether each has a GPU of its own.
    pub(crate) on_gpus: bool,
}

impl JobsFlag {
    /// What is asked for, or what suits the machine. Opens the device.
    ///
    /// # Errors
    /// If the device cannot be used, or there are fewer GPUs.
    pub(crate) fn division(self, flags: &TrainingFlags) -> anyhow::Result<Division> {
        // Without the device that is asked for, no run can begin.
        let on_gpus = flags.open_device()?.is_cuda();
        let gpus = if on_gpus { polder_models::num_cuda_devices() } else { 0 };
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let suitable = if gpus > 0 { gpus } else { (cores / CORES_PER_JOB).max(1) };
        let jobs = self.jobs.map_or(suitable, usize::from);
        ensure!(
            gpus == 0 || jobs <= gpus,
            "--jobs {jobs} is more than there are GPUs ({gpus}); one run at a time fits each"
        );
        Ok(Division { jobs, threads: flags.threads_of_each(jobs), on_gpus })
    }
}
