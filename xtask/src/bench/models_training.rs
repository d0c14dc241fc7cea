//! Training with the loader on CUDA: what `polder bench --json` says of it.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
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
    pub(super) images_per_second_with_loader: Median,
    /// What part of the time was spent waiting for the loader, 0 to 1.
    pub(super) data_wait: Median,
    /// Of the step on resident images, of a large matrix product in the same type.
    pub(super) share_of_ceiling: Median,
    /// Floating-point operations per second of that product.
    pub(super) ceiling_flops: Median,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Median {
    pub(super) median: f64,
}

impl Trained {
    /// Measures `network` with `program`, which is one of Polder's.
    pub(super) fn measure(polder: &Path, network: &str, program: Program) -> Result<Self> {
        let mut command = Command::new(polder);
        command.args(["bench", network, "--device", "cuda", "--averages", "0", "--steps", STEPS, "--json"]);
        command.args(program.polder_flags());
        command::json(&mut command)
    }

    /// Seconds of an epoch of CIFAR-10.
    pub(super) fn epoch_seconds(&self) -> f64 {
        EPOCH_IMAGES / self.images_per_second_with_loader.median
    }
}
