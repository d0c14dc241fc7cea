//! How several networks are trained on this machine, and how fast that is.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;

use crate::division::Division;
use crate::stderr::say;
use crate::training::train::TrainingFlags;
use polder_experiment::plan::session::MissingData;
use polder_experiment::plan::speeds::Speeds;
use polder_experiment::plan::{Plan, runs_dir};
use polder_train::calibration::calibrate;
use polder_train::trainer::{CheckpointEvery, TrainOptions};

/// The networks that a processor can train are small: more cores than these are better used by another run.
const CORES_PER_JOB: usize = 4;

/// The flags of commands that plan trainings.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MachineFlags {
    /// Runs at a time, each in a process of its own with its share of the cores [default: one per GPU; without one, one
    /// for every four cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    #[command(flatten)]
    pub(crate) training: TrainingFlags,
}

impl MachineFlags {
    /// What is asked for, or what suits the machine. Opens the device.
    ///
    /// # Errors
    /// If the device cannot be used, or there are fewer GPUs.
    pub(crate) fn division(&self) -> anyhow::Result<Division> {
        // Without the device that is asked for, no run can begin.
        let on_gpus = self.training.open_device()?.is_cuda();
        let gpus = if on_gpus { polder_models::num_cuda_devices() } else { 0 };
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let suitable = if gpus > 0 { gpus } else { (cores / CORES_PER_JOB).max(1) };
        let jobs = self.jobs.map_or(suitable, usize::from);
        ensure!(
            gpus == 0 || jobs <= gpus,
            "--jobs {jobs} is more than there are GPUs ({gpus}); one run at a time fits each"
        );
        Ok(Division { jobs, threads: self.training.threads_of_each(jobs), on_gpus })
    }

    /// Folder that holds the data sets.
    pub(crate) fn data_dir(&self) -> &Path {
        self.training.data_dir()
    }

    /// Whether files that are not the official ones are used.
    pub(crate) fn allow_unverified(&self) -> bool {
        self.training.allow_unverified()
    }

    /// The speeds recorded in `results`; those that `plan` needs beside them are measured, where the data are there.
    ///
    /// # Errors
    /// If flags that belong to CUDA are given without it.
    pub(crate) fn speeds(
        &self,
        plan: &Plan,
        results: &Path,
        division: Division,
        missing: &[MissingData],
    ) -> anyhow::Result<Speeds> {
        let Division { threads, on_gpus, .. } = division;
        let options = self.training.options(runs_dir(results), CheckpointEvery::Time(Duration::MAX))?;
        let options = TrainOptions { threads: Some(threads), ..options };
        let mut speeds = Speeds::measured(results, threads, Some(on_gpus));
        calibrate(plan, missing, &options, &mut speeds, &say);
        Ok(speeds)
    }
}
