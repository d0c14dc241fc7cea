//! What takes minibatches: a network that trains on them, a simulation that is busy for as long, or nothing at all.

use std::time::{Duration, Instant};

use anyhow::Context;
use polder_data::{Element, Minibatch, Normalization, bf16};
use polder_models::{Architecture, Arena, MinibatchLoss, MinibatchObjective, Network};
use polder_optim::Optimizer as _;
use tch::{Device, Kind, Tensor};
use tracing::trace_span;

use super::source::Source;
use crate::trainer::{self, BuiltInOptimizer};
use polder_experiment::config::RunConfig;
use polder_experiment::images::channels_height_width;

/// Waits shorter than this are spun, since a sleeping thread is woken late.
const SPIN: Duration = Duration::from_micros(300);

/// Small enough that the weights stay finite on any images.
const LEARNING_RATE: f64 = 1e-3;

/// What takes minibatches.
pub enum Consumer {
    /// Drops them at once.
    Nothing,
    /// Is busy for as long as a consumer of so many images per second would be.
    Simulated { images_per_second: f64 },
    /// Makes a training step with each.
    Model(Box<Model>),
}

/// A network in training: forward, backward, step of the optimizer.
pub struct Model {
    network: Network,
    weights: Arena,
    gradient: Arena,
    optimizer: BuiltInOptimizer,
    /// Images and labels that are on the device already.
    resident: (Tensor, Tensor),
    /// Mean and standard deviation per channel, 1,C,1,1, for bytes.
    mean: Tensor,
    std: Tensor,
}

/// Minibatch values that can be made a tensor.
pub trait OnDevice: Element {
    /// The images N,C,H,W of `minibatch` in f32, normalised, on `device`.
    fn images(
        minibatch: &Minibatch<Self>,
        mean: &Tensor,
        std: &Tensor,
        device: Device,
    ) -> anyhow::Result<Tensor>;
}

impl OnDevice for f32 {
    fn images(minibatch: &Minibatch<Self>, _: &Tensor, _: &Tensor, device: Device) -> anyhow::Result<Tensor> {
        to_device(minibatch, device)
    }
}

impl OnDevice for bf16 {
    fn images(minibatch: &Minibatch<Self>, _: &Tensor, _: &Tensor, device: Device) -> anyhow::Result<Tensor> {
        Ok(to_device(minibatch, device)?.f_to_kind(Kind::Float)?)
    }
}

impl OnDevice for u8 {
    fn images(
        minibatch: &Minibatch<Self>,
        mean: &Tensor,
        std: &Tensor,
        device: Device,
    ) -> anyhow::Result<Tensor> {
        let mut images = to_device(minibatch, device)?.f_to_kind(Kind::Float)?;
        Ok(images.f_div_scalar_(255.0)?.f_sub_(mean)?.f_div_(std)?)
    }
}

/// A copy of the values as they are.
fn to_device<T: Element + tch::kind::Element>(
    minibatch: &Minibatch<T>,
    device: Device,
) -> anyhow::Result<Tensor> {
    let (n, c, h, w) = minibatch.images().dim();
    let shape = [n, c, h, w].map(|extent| extent as i64);
    Ok(Tensor::f_from_slice(minibatch.values())?.f_view(shape)?.f_to_device(device)?)
}

impl Consumer {
    /// Uses a minibatch; returns how long making tensors of it took.
    pub fn take<T: OnDevice>(&mut self, minibatch: &Minibatch<T>) -> anyhow::Result<Duration> {
        match self {
            Self::Nothing => {}
            Self::Simulated { images_per_second } => be_busy(minibatch.len(), *images_per_second),
            Self::Model(model) => {
                let begun = Instant::now();
                let (images, labels) = {
                    let _span = trace_span!("copy").entered();
                    let device = model.network.device();
                    let images = T::images(minibatch, &model.mean, &model.std, device)?;
                    (images, Tensor::f_from_slice(minibatch.labels())?.f_to_device(device)?)
                };
                let copied = begun.elapsed();
                model.step(images, labels)?;
                return Ok(copied);
            }
        }
        Ok(Duration::ZERO)
    }

    /// One step on images that are already where they are used, `batch_size` of them.
    pub fn resident_step(&mut self, batch_size: usize) -> anyhow::Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Simulated { images_per_second } => {
                be_busy(batch_size, *images_per_second);
                Ok(())
            }
            Self::Model(model) => {
                let (images, labels) = &model.resident;
                let (images, labels) = (images.shallow_clone(), labels.shallow_clone());
                model.step(images, labels)
            }
        }
    }
}

impl Model {
    /// The network and optimizer of `config` on `device`, with one minibatch of `source` beside it.
    ///
    /// # Errors
    /// If the network's name is unknown, it does not take such images, or the device has no room.
    pub fn new(
        config: &RunConfig,
        source: &Source,
        batch_size: usize,
        device: Device,
    ) -> anyhow::Result<Self> {
        let shape = source.dataset.shape();
        let architecture: Architecture = config.model.name.parse().context("`model.name`")?;
        architecture.check_images(channels_height_width(shape)).with_context(|| {
            format!(
                "`{}` does not fit; --consumer-rate R simulates a consumer of R images per second instead",
                source.name
            )
        })?;
        let network = trainer::network(config, source.dataset.num_classes(), device)?;
        let optimizer = trainer::optimizer(config, &network)?;
        let batch_size = batch_size.min(source.dataset.len());
        let images = polder_data::Loader::builder(std::sync::Arc::clone(&source.dataset))
            .batch_size(batch_size)
            .augmentation(polder_data::Augmentation::papers(source.normalization))
            .build::<f32>()?;
        let (mean, std) = per_channel(&source.normalization, shape.channels, device)?;
        let resident = match images.epoch(0)?.next() {
            Some(minibatch) => {
                let minibatch = minibatch?;
                let labels = Tensor::f_from_slice(minibatch.labels())?.f_to_device(device)?;
                (f32::images(&minibatch, &mean, &std, device)?, labels)
            }
            None => anyhow::bail!("`{}` has no images", source.name),
        };
        let (weights, gradient) = (network.parameters(), network.gradient());
        Ok(Self { network, weights, gradient, optimizer, resident, mean, std })
    }

    /// Number of parameters.
    pub fn num_parameters(&self) -> u64 {
        self.network.num_parameters()
    }

    /// A training step. Ends when the device has done it: reading the loss waits.
    fn step(&mut self, images: Tensor, labels: Tensor) -> anyhow::Result<()> {
        let mut objective = MinibatchObjective::new(&self.network, images, labels);
        let loss: MinibatchLoss =
            self.optimizer.step(&mut objective, &mut self.weights, &mut self.gradient, LEARNING_RATE)?;
        loss.mean_loss.f_double_value(&[])?;
        Ok(())
    }
}

fn per_channel(
    normalization: &Normalization,
    channels: usize,
    device: Device,
) -> anyhow::Result<(Tensor, Tensor)> {
    let tensor = |values: [f32; 3]| -> anyhow::Result<Tensor> {
        let shape = [1, channels as i64, 1, 1];
        Ok(Tensor::f_from_slice(&values[..channels])?.f_view(shape)?.f_to_device(device)?)
    };
    Ok((tensor(normalization.mean)?, tensor(normalization.std)?))
}

/// Keeps this thread for as long as `images` take at `images_per_second`.
fn be_busy(images: usize, images_per_second: f64) {
    let end = Instant::now() + Duration::from_secs_f64(images as f64 / images_per_second);
    if let Some(sleep) = end.checked_duration_since(Instant::now() + SPIN) {
        std::thread::sleep(sleep);
    }
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}
