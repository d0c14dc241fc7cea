//! Gradients recorded once and replayed: the launches of a whole minibatch become one.
//!
//! A minibatch of 128 images is 500 to 1,000 launches, which a fast GPU may finish sooner than a processor can queue
//! them. A recording holds them all, with the addresses they read and write: images and labels are copied to where
//! they were recorded, and weights, gradient and running statistics never move.

use std::collections::HashMap;

use polder_optim::Point;
use tch::{Device, Kind, Tensor};

use crate::cuda::CudaRecorder;
use crate::error::ModelError;
use crate::flat_parameters::copy_of;
use crate::network::Network;
use crate::objective::MinibatchLoss;

/// Gradients of each kind that are computed as always before one is recorded: they choose algorithms and allocate what a
/// recording may not.
const EAGER: u32 = 3;

/// Something that queues kernels on the device.
pub(crate) type Work<'a> = dyn FnMut() -> Result<(), ModelError> + 'a;

/// Records what is queued on a device.
pub(crate) trait Recorder: std::fmt::Debug {
    /// Records what `work` queues; nothing of it is done.
    fn record(&self, work: &mut Work<'_>) -> Result<Box<dyn Recording>, ModelError>;
}

/// Work that was recorded.
pub(crate) trait Recording: std::fmt::Debug {
    /// Does it again; `work` is what was recorded, in case the recorder keeps nothing.
    fn replay(&self, work: &mut Work<'_>) -> Result<(), ModelError>;
}

/// The recorded gradients of one network, for the first-order objectives of
/// [`MinibatchObjective`](crate::MinibatchObjective): there is one recording per point and number of images.
///
/// Recorded is all between the copy of the images and the gradient: the recast of the shadow, the forward pass, which
/// moves the running statistics at the iterate, the loss, the backward pass. The first three of each kind are computed
/// without recording; minibatches of another size than the full one always. The values are those of the same kernels on
/// the same inputs. On CUDA this has not been run yet; the order of recording and replaying is tested on the processor.
#[derive(Debug)]
pub struct RecordedGradients {
    // Dropped first: a recording's memory belongs to the recorder.
    recorded: HashMap<(Point, i64), State>,
    recorder: Box<dyn Recorder>,
    batch_size: i64,
    /// Everything that the recordings read and write of the network, alive as long as they are.
    network: Vec<Tensor>,
}

/// How far one kind of gradient is.
#[derive(Debug)]
enum State {
    /// So many were computed without recording.
    Eager(u32),
    Recorded(Recorded),
}

/// A recording, what it reads, and what it writes beside the gradient.
#[derive(Debug)]
struct Recorded {
    recording: Box<dyn Recording>,
    images: Tensor,
    labels: Tensor,
    loss: MinibatchLoss,
}

impl RecordedGradients {
    /// For minibatches of `batch_size` images on `network`'s device, which must be CUDA. While it lives, this thread
    /// queues its work on a stream of its own.
    ///
    /// # Errors
    /// [`ModelError::CudaGraphs`] on another device; [`ModelError::CudaShim`] without libpolder_cuda.so.
    pub fn new(network: &Network, batch_size: usize) -> Result<Self, ModelError> {
        Ok(Self::with(Box::new(CudaRecorder::new(network.device())?), network, batch_size))
    }

    fn with(recorder: Box<dyn Recorder>, network: &Network, batch_size: usize) -> Self {
        let recorded = HashMap::new();
        Self { recorded, recorder, batch_size: batch_size as i64, network: network.memory() }
    }

    /// Whether a minibatch of so many images can be a recorded one.
    pub(crate) fn takes(&self, num_images: usize) -> bool {
        num_images as i64 == self.batch_size
    }

    /// What `compute` makes of `images` and `labels` at `at`: the loss, and the gradient in the arena of `network`.
    pub(crate) fn gradient(
        &mut self,
        network: &Network,
        at: Point,
        (images, labels): (&Tensor, &Tensor),
        compute: &mut dyn FnMut(&Tensor, &Tensor) -> Result<MinibatchLoss, ModelError>,
    ) -> Result<MinibatchLoss, ModelError> {
        let own = network.memory();
        let addresses = |tensors: &[Tensor]| tensors.iter().map(Tensor::data_ptr).collect::<Vec<_>>();
        if addresses(&own) != addresses(&self.network) {
            return Err(ModelError::ForeignVector);
        }
        let state = self.recorded.entry((at, images.size()[0])).or_insert(State::Eager(0));
        let recorded = match state {
            State::Eager(done) if *done < EAGER => {
                *done += 1;
                return compute(images, labels);
            }
            State::Eager(_) => {
                let recorded = Recorded::new(self.recorder.as_ref(), images, labels, compute)?;
                *state = State::Recorded(recorded);
                let State::Recorded(recorded) = state else { unreachable!("it has just been recorded") };
                recorded
            }
            State::Recorded(recorded) => recorded,
        };
        recorded.replay(images, labels, compute)
    }
}

impl Recorded {
    fn new(
        recorder: &dyn Recorder,
        images: &Tensor,
        labels: &Tensor,
        compute: &mut dyn FnMut(&Tensor, &Tensor) -> Result<MinibatchLoss, ModelError>,
    ) -> Result<Self, ModelError> {
        let (images, labels) = (copy_of(images)?, copy_of(labels)?);
        let scalar = |kind, device: Device| Tensor::f_zeros([0_i64; 0], (kind, device));
        let loss = MinibatchLoss {
            mean_loss: scalar(Kind::Float, images.device())?,
            num_wrong: scalar(Kind::Int64, images.device())?,
        };
        let recording = recorder.record(&mut work(compute, &images, &labels, &loss))?;
        Ok(Self { recording, images, labels, loss })
    }

    fn replay(
        &mut self,
        images: &Tensor,
        labels: &Tensor,
        compute: &mut dyn FnMut(&Tensor, &Tensor) -> Result<MinibatchLoss, ModelError>,
    ) -> Result<MinibatchLoss, ModelError> {
        self.images.f_copy_(images)?;
        self.labels.f_copy_(labels)?;
        self.recording.replay(&mut work(compute, &self.images, &self.labels, &self.loss))?;
        // The next replay writes here again.
        Ok(MinibatchLoss {
            mean_loss: copy_of(&self.loss.mean_loss)?,
            num_wrong: copy_of(&self.loss.num_wrong)?,
        })
    }
}

/// What is recorded: the loss goes where it is read after every replay.
fn work<'a>(
    compute: &'a mut dyn FnMut(&Tensor, &Tensor) -> Result<MinibatchLoss, ModelError>,
    images: &'a Tensor,
    labels: &'a Tensor,
    loss: &'a MinibatchLoss,
) -> impl FnMut() -> Result<(), ModelError> + 'a {
    move || {
        let MinibatchLoss { mean_loss, num_wrong } = compute(images, labels)?.detached();
        tch::no_grad(|| {
            loss.mean_loss.shallow_clone().f_copy_(&mean_loss)?;
            loss.num_wrong.shallow_clone().f_copy_(&num_wrong)
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
