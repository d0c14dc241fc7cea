//! The mean loss of a network over a fixed set of images, as a function of its weights.

#[cfg(test)]
mod small_network;

use std::ops::Range;

use polder_optim::sharpness::{GradientOracle, LossOracle};
use polder_optim::{HessianVector, OptimError};
use tch::{Kind, Reduction, Tensor};

use crate::error::ModelError;
use crate::flat_parameters::FlatParameters;
use crate::forward::BatchNormMode;
use crate::hessian_vector::DifferentiableGradient;
use crate::network::Network;

/// The type in which a [`LossSurface`] computes. Weights are f32 either way, and sums over images f64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arithmetic {
    /// f32, for networks that train in bf16 as well.
    #[default]
    F32,
    /// f64: to know what rounding does. Many times slower.
    F64,
}

/// Mean cross entropy over fixed images, BN in evaluation mode, without augmentation and without weight decay: one fixed
/// function of the weights, with its gradient and its Hessian.
///
/// The network lends its layers; its weights and running statistics are neither used nor changed. Statistics are those of the
/// last [`refresh`](Self::refresh). Away from the weights that they were computed at they stay, so that the function is
/// the same at all points; whoever compares distant points refreshes at each.
///
/// # Precision
/// Passes compute in the [`Arithmetic`] given; the cross entropy of their logits, and all sums over images, are f64.
/// Gradients and products are rounded to f32 at their end.
///
/// # Memory
/// The images in the type of the arithmetic, the graph of one minibatch, and one vector of f64.
///
/// # Example
/// ```
/// use polder_models::{Architecture, Arithmetic, LossSurface, Network, Precision, input, input::ChannelOrder};
/// use polder_optim::sharpness::{HessianAt, HutchinsonConfig, StoppingRule, hutchinson_trace};
/// use tch::Device;
///
/// let architecture: Architecture = "wrn-10-1".parse()?;
/// let network = Network::new(architecture, 10, 0, Precision::F32, Device::Cpu)?;
/// let pixels: Vec<f32> = (0..4 * 3 * 8 * 8).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
/// let (images, labels) = input::minibatch(&pixels, [4, 3, 8, 8], ChannelOrder::First, &[3, 1, 4, 1], Device::Cpu)?;
///
/// let mut surface = LossSurface::new(&network, &images, &labels, 2, Arithmetic::F32)?; // Two images at a time.
/// let weights = network.parameters();
/// surface.refresh(&weights, &images)?;
/// let config = HutchinsonConfig { stopping: StoppingRule::exactly(2), ..HutchinsonConfig::default() };
/// let trace = hutchinson_trace(&mut HessianAt::new(&mut surface, &weights), &weights, config)?;
/// assert!(trace.mean.is_finite() && trace.num_samples == 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LossSurface<'a> {
    network: &'a Network,
    kind: Kind,
    /// All of them, channels-last, in the type of the arithmetic.
    images: Tensor,
    labels: Tensor,
    batch_size: i64,
    running: Vec<(Tensor, Tensor)>,
}

/// What the images came to at one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanLoss {
    /// Mean cross entropy, in nats.
    pub loss: f64,
    /// Its standard error, the images being a sample of all there could be; NaN for one image.
    pub standard_error: f64,
    /// Fraction of images classified wrongly.
    pub error: f64,
}

impl<'a> LossSurface<'a> {
    /// The surface over `images` N,C,H,W in f32 with `labels` N, which passes see `batch_size` at a time or a little fewer: the
    /// parts are as equal as can be. Running statistics are 0 and 1 until the first refresh.
    ///
    /// # Errors
    /// [`ModelError::Subset`] if there is no image, no minibatch, or not one label for each image.
    pub fn new(
        network: &'a Network,
        images: &Tensor,
        labels: &Tensor,
        batch_size: usize,
        arithmetic: Arithmetic,
    ) -> Result<Self, ModelError> {
        let (num_images, num_labels) = (images.size().first().copied().unwrap_or(0), labels.numel());
        if num_images == 0 || num_images as usize != num_labels || batch_size == 0 {
            return Err(ModelError::Subset { images: num_images as usize, labels: num_labels, batch_size });
        }
        let kind = match arithmetic {
            Arithmetic::F32 => Kind::Float,
            Arithmetic::F64 => Kind::Double,
        };
        let running = network.new_statistics(kind)?;
        for (_, var) in &running {
            let _ = var.shallow_clone().f_fill_(1.0)?;
        }
        Ok(Self {
            network,
            kind,
            images: channels_last(images, kind, network)?,
            labels: labels.f_to_device(network.device())?,
            batch_size: batch_size as i64,
            running,
        })
    }

    /// Number of images, N.
    pub fn num_images(&self) -> usize {
        self.labels.numel()
    }

    /// Recomputes the running statistics at `parameters` from `images` N,C,H,W: the plain mean over minibatches of their means and
    /// variances.
    ///
    /// # Errors
    /// If libtorch refuses a pass.
    pub fn refresh(&mut self, parameters: &FlatParameters, images: &Tensor) -> Result<(), ModelError> {
        tch::no_grad(|| {
            let images = channels_last(images, self.kind, self.network)?;
            let leaves = self.slices(parameters)?;
            for (minibatch, part) in (0..).zip(parts(images.size()[0], self.batch_size)) {
                let images = images.f_narrow(0, part.start, part.end - part.start)?;
                let mode = BatchNormMode::Refresh { minibatch };
                let _ = self.network.forward_with(&leaves, &self.running, &images, mode)?;
            }
            Ok(())
        })
    }

    /// The surface over some of the images, with the same statistics. Shares memory.
    ///
    /// # Errors
    /// [`ModelError::Subset`] if `images` is empty or ends behind the last image.
    pub fn part(&self, images: Range<usize>) -> Result<Self, ModelError> {
        let (start, len) = (images.start as i64, images.len() as i64);
        if images.is_empty() || images.end > self.num_images() {
            let (images, labels) = (images.len(), self.num_images());
            return Err(ModelError::Subset { images, labels, batch_size: self.batch_size as usize });
        }
        Ok(Self {
            network: self.network,
            kind: self.kind,
            images: self.images.f_narrow(0, start, len)?,
            labels: self.labels.f_narrow(0, start, len)?,
            batch_size: self.batch_size,
            running: self.running.iter().map(|(m, v)| (m.shallow_clone(), v.shallow_clone())).collect(),
        })
    }

    /// Loss and error at `parameters`.
    ///
    /// # Errors
    /// If libtorch refuses a pass.
    pub fn evaluate(&self, parameters: &FlatParameters) -> Result<MeanLoss, ModelError> {
        let (mut sum, mut squares, mut wrong) = (0.0, 0.0, 0);
        tch::no_grad(|| {
            let leaves = self.slices(parameters)?;
            for part in self.parts() {
                let (losses, logits, labels) = self.losses(&leaves, &part)?;
                sum += losses.f_sum(Kind::Double)?.f_double_value(&[])?;
                squares += losses.f_square()?.f_sum(Kind::Double)?.f_double_value(&[])?;
                wrong +=
                    logits.f_argmax(1, false)?.f_ne_tensor(&labels)?.f_sum(Kind::Int64)?.f_int64_value(&[])?;
            }
            Ok::<_, ModelError>(())
        })?;
        let count = self.num_images() as f64;
        let loss = sum / count;
        let variance = if count > 1.0 { (squares - sum * loss).max(0.0) / (count - 1.0) } else { f64::NAN };
        Ok(MeanLoss { loss, standard_error: (variance / count).sqrt(), error: wrong as f64 / count })
    }

    fn parts(&self) -> Vec<Range<i64>> {
        parts(self.num_images() as i64, self.batch_size)
    }

    /// Slices of `parameters` in the type of the arithmetic.
    fn slices(&self, parameters: &FlatParameters) -> Result<Vec<Tensor>, ModelError> {
        self.network.slices(&parameters.flat().f_detach()?.f_to_kind(self.kind)?)
    }

    /// The same, as the beginnings of a graph.
    fn leaves(&self, parameters: &FlatParameters) -> Result<Vec<Tensor>, ModelError> {
        let slices = self.slices(parameters)?;
        slices.into_iter().map(|slice| Ok(slice.f_detach()?.f_set_requires_grad(true)?)).collect()
    }

    /// Cross entropy of each image of `part`, with logits and labels.
    fn losses(&self, leaves: &[Tensor], part: &Range<i64>) -> Result<(Tensor, Tensor, Tensor), ModelError> {
        let len = part.end - part.start;
        let images = self.images.f_narrow(0, part.start, len)?;
        let labels = self.labels.f_narrow(0, part.start, len)?;
        let logits = self.network.forward_with(leaves, &self.running, &images, BatchNormMode::Evaluate)?;
        let logits = logits.f_to_kind(Kind::Double)?;
        let losses = logits.f_cross_entropy_loss(&labels, None::<&Tensor>, Reduction::None, -100, 0.0)?;
        Ok((losses, logits, labels))
    }

    /// The loss of `part` as its share of the mean over all images.
    fn share_of_loss(&self, leaves: &[Tensor], part: &Range<i64>) -> Result<Tensor, ModelError> {
        let (losses, ..) = self.losses(leaves, part)?;
        Ok(losses.f_sum(Kind::Double)?.f_div_scalar(self.num_images() as f64)?)
    }

    /// Room for a sum over minibatches, in f64.
    fn accumulator(&self, like: &FlatParameters) -> Result<Tensor, ModelError> {
        Ok(Tensor::f_zeros(like.flat().size(), (Kind::Double, self.network.device()))?)
    }

    fn add(&self, sum: &Tensor, parts: &[Tensor]) -> Result<(), ModelError> {
        tch::no_grad(|| {
            for (mut slice, part) in self.network.slices(sum)?.into_iter().zip(parts) {
                if part.defined() {
                    let _ = slice.f_add_(part)?;
                }
            }
            Ok(())
        })
    }

    fn loss_and_gradient(
        &self,
        parameters: &FlatParameters,
        gradient: &mut FlatParameters,
    ) -> Result<f64, ModelError> {
        let (leaves, sum) = (self.leaves(parameters)?, self.accumulator(parameters)?);
        let mut loss = 0.0;
        for part in self.parts() {
            let share = self.share_of_loss(&leaves, &part)?;
            self.add(&sum, &Tensor::f_run_backward(&[&share], &leaves, false, false)?)?;
            loss += share.f_double_value(&[])?;
        }
        store(&sum, gradient)?;
        Ok(loss)
    }

    fn product(
        &self,
        parameters: &FlatParameters,
        vector: &FlatParameters,
        out: &mut FlatParameters,
    ) -> Result<(), ModelError> {
        let (leaves, sum) = (self.leaves(parameters)?, self.accumulator(parameters)?);
        let vector = self.slices(vector)?;
        for part in self.parts() {
            let gradient = DifferentiableGradient::of(&self.share_of_loss(&leaves, &part)?, &leaves)?;
            self.add(&sum, &gradient.product(&vector)?)?;
        }
        store(&sum, out)
    }
}

impl LossOracle<FlatParameters> for LossSurface<'_> {
    fn loss(&mut self, parameters: &FlatParameters) -> Result<f64, OptimError> {
        Ok(self.evaluate(parameters)?.loss)
    }
}

impl GradientOracle<FlatParameters> for LossSurface<'_> {
    fn gradient(
        &mut self,
        parameters: &FlatParameters,
        gradient: &mut FlatParameters,
    ) -> Result<f64, OptimError> {
        Ok(self.loss_and_gradient(parameters, gradient)?)
    }
}

impl HessianVector<FlatParameters> for LossSurface<'_> {
    fn hessian_vector_product(
        &mut self,
        parameters: &FlatParameters,
        vector: &FlatParameters,
        out: &mut FlatParameters,
    ) -> Result<(), OptimError> {
        Ok(self.product(parameters, vector, out)?)
    }
}

fn store(sum: &Tensor, into: &mut FlatParameters) -> Result<(), ModelError> {
    tch::no_grad(|| into.flat().shallow_clone().f_copy_(sum).map_err(ModelError::from))
}

/// `num_images` cut into the fewest parts of at most `batch_size`, whose sizes differ by one at most.
fn parts(num_images: i64, batch_size: i64) -> Vec<Range<i64>> {
    let num_parts = (num_images + batch_size - 1) / batch_size;
    (0..num_parts).map(|i| i * num_images / num_parts..(i + 1) * num_images / num_parts).collect()
}

/// Images on the network's device, in the type of the arithmetic, channels-last.
fn channels_last(images: &Tensor, kind: Kind, network: &Network) -> Result<Tensor, ModelError> {
    let (n, c, h, w) = images.size4()?;
    let mut placed = Tensor::f_empty([n, h, w, c], (kind, network.device()))?.f_permute([0, 3, 1, 2])?;
    placed.f_copy_(images)?;
    Ok(placed)
}
