//! A network and a minibatch as an optimizer's objective: mean cross entropy and its gradient.

use std::ops::Range;

use polder_optim::{Objective, OptimError, Point};
use tch::{Kind, Reduction, Tensor};

use crate::error::ModelError;
use crate::flat_parameters::{FlatParameters, norm};
use crate::forward::BatchNormMode;
use crate::network::Network;
use crate::recorded_gradient::RecordedGradients;
use polder_architecture::LabelSmoothing;

/// What a forward pass over a minibatch came to; stays on the device until it is read.
#[derive(Debug)]
pub struct MinibatchLoss {
    /// Mean cross entropy in nats against the targets, smoothed or not; 0-d f32.
    pub mean_loss: Tensor,
    /// Number of images classified wrongly, 0-d i64.
    pub num_wrong: Tensor,
}

impl MinibatchLoss {
    /// Cross entropy and errors of `logits` N,K against `labels` N.
    ///
    /// # Errors
    /// If the shapes do not fit each other.
    pub fn of(logits: &Tensor, labels: &Tensor) -> Result<Self, ModelError> {
        Self::smoothed(logits, labels, LabelSmoothing::None)
    }

    /// The same with cross entropy against smoothed targets; wrong is still what the labels say.
    ///
    /// # Errors
    /// [`ModelError::Architecture`] if the share is out of its range; if the shapes do not fit each other.
    pub fn smoothed(logits: &Tensor, labels: &Tensor, smoothing: LabelSmoothing) -> Result<Self, ModelError> {
        let (_, num_classes) = logits.size2()?;
        let share = smoothing.share_over_all(num_classes as usize)?;
        let mean_loss = logits.f_cross_entropy_loss(labels, None::<&Tensor>, Reduction::Mean, -100, share)?;
        let num_wrong = logits.f_argmax(1, false)?.f_ne_tensor(labels)?.f_sum(Kind::Int64)?;
        Ok(Self { mean_loss, num_wrong })
    }

    /// The same without the graph of the loss.
    pub(crate) fn detached(self) -> Self {
        Self { mean_loss: self.mean_loss.detach(), ..self }
    }
}

/// The mean cross entropy of a network over one minibatch.
///
/// Its micro-batches are runs of neighbouring images whose sizes differ by one at most; BN normalises each by its own
/// statistics.
#[derive(Debug)]
pub struct MinibatchObjective<'a> {
    pub(crate) network: &'a Network,
    images: Tensor,
    labels: Tensor,
    label_smoothing: LabelSmoothing,
    /// The weights as the arithmetic saw them at the iterate; kept only while an ascent is being measured.
    at_iterate: Option<Tensor>,
    measures_ascent: bool,
    recorded: Option<&'a mut RecordedGradients>,
    effective_ascent: Option<f64>,
    /// What the micro-batches before came to at the iterate, and how many images they have.
    seen_at_iterate: Option<(MinibatchLoss, i64)>,
}

impl<'a> MinibatchObjective<'a> {
    /// The objective of `images` N,3,H,W and `labels` N, both on the network's device.
    pub fn new(network: &'a Network, images: Tensor, labels: Tensor) -> Self {
        Self {
            network,
            images,
            labels,
            label_smoothing: LabelSmoothing::None,
            at_iterate: None,
            measures_ascent: false,
            recorded: None,
            effective_ascent: None,
            seen_at_iterate: None,
        }
    }

    /// Smooths the targets of the loss and of its gradient.
    #[must_use]
    pub fn with_label_smoothing(mut self, smoothing: LabelSmoothing) -> Self {
        self.label_smoothing = smoothing;
        self
    }

    /// Also measures how far the weights move, as the arithmetic sees them, between the two gradients of a SAM step.
    ///
    /// Rounding to bf16 hides part of a small ascent, so this differs from the radius rho.
    #[must_use]
    pub fn measuring_ascent(mut self) -> Self {
        self.measures_ascent = true;
        self
    }

    /// Replays recorded gradients where there are any, and records those that are not; Hessian-vector products stay as
    /// they are. Label smoothing must be the same for every minibatch.
    #[must_use]
    pub fn with_recorded(mut self, recorded: &'a mut RecordedGradients) -> Self {
        self.recorded = Some(recorded);
        self
    }

    /// The distance measured by the last SAM step; the mean over its micro-batches if it took several.
    pub fn effective_ascent(&self) -> Option<f64> {
        self.effective_ascent
    }

    /// All images.
    pub(crate) fn whole(&self) -> Range<i64> {
        0..self.labels.numel() as i64
    }

    /// The images of micro-batch `part` of `of`.
    fn micro_batch(&self, part: usize, of: usize) -> Range<i64> {
        let num_images = self.labels.numel();
        let start = |part: usize| (part * num_images / of) as i64;
        start(part)..start(part + 1)
    }

    /// The images `range`, and their labels.
    fn part(&self, range: &Range<i64>) -> Result<(Tensor, Tensor), ModelError> {
        let len = range.end - range.start;
        Ok((self.images.f_narrow(0, range.start, len)?, self.labels.f_narrow(0, range.start, len)?))
    }

    /// The loss of `images`, with its graph.
    pub(crate) fn loss(&self, images: &Range<i64>, at: Point) -> Result<MinibatchLoss, ModelError> {
        let (images, labels) = self.part(images)?;
        loss_of(self.network, &images, &labels, at, self.label_smoothing)
    }

    fn loss_and_gradient(&mut self, images: &Range<i64>, at: Point) -> Result<MinibatchLoss, ModelError> {
        if self.measures_ascent {
            self.measure_ascent(images, at)?;
        }
        let (images, labels) = self.part(images)?;
        let (network, smoothing) = (self.network, self.label_smoothing);
        let mut compute = |images: &Tensor, labels: &Tensor| {
            let loss = loss_of(network, images, labels, at, smoothing)?;
            network.backward(&loss.mean_loss)?;
            Ok(loss.detached())
        };
        match self.recorded.as_mut().filter(|recorded| recorded.takes(self.labels.numel())) {
            Some(recorded) => recorded.gradient(network, at, (&images, &labels), &mut compute),
            None => compute(&images, &labels),
        }
    }

    fn measure_ascent(&mut self, images: &Range<i64>, at: Point) -> Result<(), ModelError> {
        let weights = self.network.effective_weights()?;
        match (at, self.at_iterate.take()) {
            (Point::Iterate, _) => self.at_iterate = Some(weights),
            (Point::Perturbed, Some(from)) => {
                let share = (images.end - images.start) as f64 / self.labels.numel() as f64;
                let ascent = share * norm(&tch::no_grad(|| weights.f_sub(&from))?);
                let before = self.effective_ascent.filter(|_| images.start > 0).unwrap_or(0.0);
                self.effective_ascent = Some(before + ascent);
            }
            (Point::Perturbed, None) => self.effective_ascent = None,
        }
        Ok(())
    }

    /// The loss of all micro-batches up to this one, whose own loss is `loss`.
    fn with_those_before(
        &mut self,
        loss: MinibatchLoss,
        images: &Range<i64>,
    ) -> Result<MinibatchLoss, ModelError> {
        let before = self.seen_at_iterate.take().filter(|(_, seen)| *seen == images.start && *seen > 0);
        let together = match before {
            None => loss,
            Some((before, seen)) => {
                let weight = (images.end - seen) as f64 / images.end as f64;
                MinibatchLoss {
                    mean_loss: tch::no_grad(|| before.mean_loss.f_lerp(&loss.mean_loss, weight))?,
                    num_wrong: before.num_wrong.f_add(&loss.num_wrong)?,
                }
            }
        };
        let kept = MinibatchLoss {
            mean_loss: together.mean_loss.shallow_clone(),
            num_wrong: together.num_wrong.shallow_clone(),
        };
        self.seen_at_iterate = Some((kept, images.end));
        Ok(together)
    }

    /// Refuses weights and gradients that are not the network's own.
    pub(crate) fn expect_own(
        &self,
        parameters: &FlatParameters,
        gradient: Option<&FlatParameters>,
    ) -> Result<(), ModelError> {
        let own = parameters.is_same_memory(&self.network.parameters())
            && gradient.is_none_or(|gradient| gradient.is_same_memory(&self.network.gradient()));
        if own { Ok(()) } else { Err(ModelError::ForeignVector) }
    }
}

/// The loss of a minibatch, with its graph.
fn loss_of(
    network: &Network,
    images: &Tensor,
    labels: &Tensor,
    at: Point,
    smoothing: LabelSmoothing,
) -> Result<MinibatchLoss, ModelError> {
    let mode = match at {
        Point::Iterate => BatchNormMode::Train,
        Point::Perturbed => BatchNormMode::Perturbed,
    };
    MinibatchLoss::smoothed(&network.forward(images, mode)?, labels, smoothing)
}

impl Objective<FlatParameters> for MinibatchObjective<'_> {
    type Loss = MinibatchLoss;

    fn gradient(
        &mut self,
        parameters: &FlatParameters,
        at: Point,
        gradient: &mut FlatParameters,
    ) -> Result<MinibatchLoss, OptimError> {
        self.expect_own(parameters, Some(gradient))?;
        Ok(self.loss_and_gradient(&self.whole(), at)?)
    }

    fn micro_gradient(
        &mut self,
        part: usize,
        of: usize,
        parameters: &FlatParameters,
        at: Point,
        gradient: &mut FlatParameters,
    ) -> Result<MinibatchLoss, OptimError> {
        self.expect_own(parameters, Some(gradient))?;
        if part >= of || of > self.labels.numel() {
            return Err(OptimError::NoMicroBatches { of });
        }
        let images = self.micro_batch(part, of);
        let loss = self.loss_and_gradient(&images, at)?;
        Ok(match at {
            Point::Iterate => self.with_those_before(loss, &images)?,
            Point::Perturbed => loss,
        })
    }

    fn micro_share(&self, part: usize, of: usize) -> f64 {
        let images = self.micro_batch(part, of);
        (images.end - images.start) as f64 / self.labels.numel() as f64
    }
}
