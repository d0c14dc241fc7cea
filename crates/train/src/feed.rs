//! Minibatches on the network's device: a loader, and how its images get there.

use std::time::{Duration, Instant};

use polder_data::{Element, Epoch, Layout, Loader, LoaderBuilder, Minibatch, Normalization, Statistics};
use polder_models::ModelError;
use polder_models::input::{self, ChannelOrder, Normalizer};
use tch::{Device, Tensor};
use tracing::trace_span;

/// Gives out the epochs of a loader as tensors on a device.
///
/// The loader hands out normalised f32 to the processor, and bytes to a GPU, which normalises them; see
/// [`polder_models::input`] for where the two differ. Order and augmentation are the same.
pub struct Feed {
    source: Source,
    device: Device,
}

/// A loader, by what it hands out.
enum Source {
    Normalized(Loader<f32>),
    Bytes(Loader<u8>, Normalizer),
}

/// Images and labels of one step.
#[derive(Debug)]
pub struct OnDevice {
    /// N,C,H,W in f32, normalised; in memory as the loader has them.
    pub images: Tensor,
    /// N in i64.
    pub labels: Tensor,
}

impl OnDevice {
    /// Another handle on the same memory.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { images: self.images.shallow_clone(), labels: self.labels.shallow_clone() }
    }

    /// Number of images, N.
    pub fn num_images(&self) -> usize {
        self.labels.numel()
    }
}

impl Feed {
    /// The minibatches of `loader`, whose augmentation normalises by `normalization`, on `device`.
    pub fn new(loader: LoaderBuilder, normalization: Normalization, device: Device) -> anyhow::Result<Self> {
        let source = if device.is_cuda() {
            Source::bytes(loader, normalization, device)?
        } else {
            Source::Normalized(loader.build()?)
        };
        Ok(Self { source, device })
    }

    /// Minibatches per epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        match &self.source {
            Source::Normalized(loader) => loader.steps_per_epoch(),
            Source::Bytes(loader, _) => loader.steps_per_epoch(),
        }
    }

    /// Where the time of the loader went so far.
    pub fn statistics(&self) -> Statistics {
        match &self.source {
            Source::Normalized(loader) => loader.statistics(),
            Source::Bytes(loader, _) => loader.statistics(),
        }
    }

    /// Epoch `epoch` from its first step.
    pub fn epoch(&self, epoch: u64) -> anyhow::Result<FeedEpoch> {
        self.epoch_from(epoch, 0)
    }

    /// Epoch `epoch` from `step` on.
    pub fn epoch_from(&self, epoch: u64, step: u64) -> anyhow::Result<FeedEpoch> {
        let minibatches = match &self.source {
            Source::Normalized(loader) => Minibatches::Normalized(loader.epoch_from(epoch, step)?),
            Source::Bytes(loader, normalizer) => {
                Minibatches::Bytes(loader.epoch_from(epoch, step)?, normalizer.share())
            }
        };
        Ok(FeedEpoch {
            minibatches,
            device: self.device,
            sends_ahead: self.device.is_cuda(),
            ahead: Ahead::Nothing,
            waited: Duration::ZERO,
            copied: Duration::ZERO,
        })
    }
}

impl Source {
    fn bytes(loader: LoaderBuilder, normalization: Normalization, device: Device) -> anyhow::Result<Self> {
        let loader = loader.build::<u8>()?;
        let channels: Vec<(f32, f32)> = (0..loader.dataset().shape().channels)
            .map(|channel| normalization.scale_and_shift(channel))
            .collect();
        Ok(Self::Bytes(loader, Normalizer::new(&channels, device)?))
    }
}

/// The minibatches of one epoch. After an error it ends.
///
/// On a GPU, whoever calls [`send_next`](Self::send_next) after queueing a step has the next minibatch queued behind it, and
/// the device need not wait for it.
pub struct FeedEpoch {
    minibatches: Minibatches,
    device: Device,
    sends_ahead: bool,
    ahead: Ahead,
    waited: Duration,
    copied: Duration,
}

/// What was fetched before it was asked for.
enum Ahead {
    Nothing,
    /// `None` is the end of the epoch.
    Fetched(Option<anyhow::Result<OnDevice>>),
}

enum Minibatches {
    Normalized(Epoch<f32>),
    Bytes(Epoch<u8>, Normalizer),
}

impl FeedEpoch {
    /// Sends the next minibatch ahead, if this device gains by it; an error is kept for [`next`](Iterator::next).
    pub fn send_next(&mut self) {
        if self.sends_ahead && matches!(self.ahead, Ahead::Nothing) {
            self.ahead = Ahead::Fetched(self.fetch());
        }
    }

    /// How long the loader was waited for so far.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// How long tensors were made of minibatches so far; on a GPU, how long copies were queued.
    pub fn copy_time(&self) -> Duration {
        self.copied
    }

    /// Minibatches that the loader has ready now.
    pub fn queue_depth(&self) -> usize {
        match &self.minibatches {
            Minibatches::Normalized(epoch) => epoch.queue_depth(),
            Minibatches::Bytes(epoch, _) => epoch.queue_depth(),
        }
    }

    /// Drops the next minibatch of the loader; its number of images.
    pub fn discard(&mut self) -> Option<anyhow::Result<usize>> {
        match &mut self.minibatches {
            Minibatches::Normalized(epoch) => taken(epoch, &mut self.waited, |minibatch| Ok(minibatch.len())),
            Minibatches::Bytes(epoch, _) => taken(epoch, &mut self.waited, |minibatch| Ok(minibatch.len())),
        }
    }

    fn fetch(&mut self) -> Option<anyhow::Result<OnDevice>> {
        let (device, waited, copied) = (self.device, &mut self.waited, &mut self.copied);
        match &mut self.minibatches {
            Minibatches::Normalized(epoch) => taken(epoch, waited, |minibatch| {
                let (shape, order) = shape(minibatch);
                timed(copied, || {
                    input::minibatch(minibatch.values(), shape, order, minibatch.labels(), device)
                })
            }),
            Minibatches::Bytes(epoch, normalizer) => taken(epoch, waited, |minibatch| {
                let (shape, order) = shape(minibatch);
                timed(copied, || normalizer.minibatch(minibatch.values(), shape, order, minibatch.labels()))
            }),
        }
    }
}

/// What `use_it` makes of the next minibatch; adds the time until that is there.
fn taken<T: Element, U>(
    epoch: &mut Epoch<T>,
    waited: &mut Duration,
    use_it: impl FnOnce(&Minibatch<T>) -> anyhow::Result<U>,
) -> Option<anyhow::Result<U>> {
    let asked = Instant::now();
    let next = epoch.next();
    *waited += asked.elapsed();
    Some(next?.map_err(anyhow::Error::from).and_then(|minibatch| use_it(&minibatch)))
}

/// The tensors that `copy` makes; adds the time that this takes.
fn timed(
    copied: &mut Duration,
    copy: impl FnOnce() -> Result<(Tensor, Tensor), ModelError>,
) -> anyhow::Result<OnDevice> {
    let begun = Instant::now();
    let (images, labels) = trace_span!("copy").in_scope(copy)?;
    *copied += begun.elapsed();
    Ok(OnDevice { images, labels })
}

/// N,C,H,W, and how they lie in memory.
fn shape<T: Element>(minibatch: &Minibatch<T>) -> ([usize; 4], ChannelOrder) {
    match (minibatch.layout(), minibatch.images().dim()) {
        (Layout::Nchw, (n, c, h, w)) => ([n, c, h, w], ChannelOrder::First),
        (Layout::Nhwc, (n, h, w, c)) => ([n, c, h, w], ChannelOrder::Last),
    }
}

impl Iterator for FeedEpoch {
    type Item = anyhow::Result<OnDevice>;

    fn next(&mut self) -> Option<Self::Item> {
        match std::mem::replace(&mut self.ahead, Ahead::Nothing) {
            Ahead::Fetched(ahead) => ahead,
            Ahead::Nothing => self.fetch(),
        }
    }
}

#[cfg(test)]
mod tests;
