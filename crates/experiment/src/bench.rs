//! What a benchmark of a network measured.

use serde::Serialize;

use crate::profile::measurement::Spread;
use crate::run::record::Environment;

/// One benchmark. Medians and ranges are over rounds.
#[derive(Clone, Debug, Serialize)]
pub struct BenchRecord {
    /// Of Polder.
    pub version: String,
    pub environment: Environment,
    pub device: String,
    /// Whether gradients were replayed from CUDA graphs, in all but the parts.
    pub cuda_graphs: bool,
    pub model: String,
    pub precision: String,
    pub optimizer: String,
    /// Averages updated after every step.
    pub averages: usize,
    pub batch_size: usize,
    pub num_parameters: u64,
    /// Multiply-accumulates of one forward pass of one image.
    pub macs: u64,
    /// Steps behind every figure.
    pub steps: usize,
    /// Of a step on images that are on the device already.
    pub images_per_second: Spread,
    /// Of training with the loader.
    pub images_per_second_with_loader: Spread,
    /// What part of training's time was spent waiting for the loader, 0 to 1.
    pub data_wait: Spread,
    pub forward_seconds: Spread,
    pub backward_seconds: Spread,
    /// Beside asking for gradients.
    pub optimizer_seconds: Spread,
    pub averages_seconds: Spread,
    /// All averages over the whole step, round by round.
    pub averages_share: Spread,
    /// Optimizer and averages over the time in which a copy moves the bytes that they must read and write.
    pub update_of_copies: Spread,
    /// The peak above what there was before the network existed, of the process or of the GPU; `None` where the system does
    /// not say, or libpolder_cuda.so is not there to say it.
    pub peak_memory_bytes: Option<u64>,
    /// Floating-point operations per second of the step: two per multiply-accumulate, three passes per gradient.
    pub flops: Spread,
    /// Of a large matrix product in the same type, in the same rounds.
    pub ceiling_flops: Spread,
    /// The first over the second, round by round.
    pub share_of_ceiling: Spread,
}
