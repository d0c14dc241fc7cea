//! Training with the loader on CUDA: what `polder bench --json` says of it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::bench::models_program::Program;
use crate::command;

/// Training images of CIFAR-10.
const EPOCH_IMAGES: f64 = 50_000.0;

/// Steps per round of `polder bench`: enough that the first, which waits for the loader's threads, does not count.
const STEPS: &str = "40";

/// Medians over the rounds of `polder bench`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Trained {
    images_per_second_with_loader: Median,
    /// What part of the time was spent waiting for the loader, 0 to 1.
    data_wait: Median,
    /// Of the step on resident images, of a large matrix product in the same type.
    share_of_ceiling: Median,
    ceiling_flops: Median,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
struct Median {
    median: f64,
}

impl Trained {
    /// Measures `network` with `program`, which is one of Polder's.
    pub(super) fn measure(polder: &Path, network: &str, program: Program) -> Result<Self> {
        let mut command = Command::new(polder);
        command.args(["bench", network, "--device", "cuda", "--averages", "0", "--steps", STEPS, "--json"]);
        command.args(program.polder_flags());
        let printed = command::output(&mut command)?;
        command::last_json(&printed).with_context(|| format!("`{}`", command::shown(&command)))
    }

    pub(super) fn images_per_second(&self) -> f64 {
        self.images_per_second_with_loader.median
    }

    /// Seconds of an epoch of CIFAR-10.
    pub(super) fn epoch_seconds(&self) -> f64 {
        EPOCH_IMAGES / self.images_per_second()
    }

    /// What part of the time was spent waiting for the loader, 0 to 1.
    pub(super) fn data_wait(&self) -> f64 {
        self.data_wait.median
    }

    /// Of the step on resident images, of a large matrix product in the same type.
    pub(super) fn share_of_ceiling(&self) -> f64 {
        self.share_of_ceiling.median
    }

    /// Floating-point operations per second of that product.
    pub(super) fn ceiling_flops(&self) -> f64 {
        self.ceiling_flops.median
    }
}
