//! A network and a minibatch as an optimizer's objective: mean cross entropy and its gradient.

use polder_optim::{Objective, OptimError, Point};
use tch::{Kind, Reduction, Tensor};

use crate::arena::{Arena, norm};
use crate::error::ModelError;
use crate::label_smoothing::LabelSmoothing;
use crate::network::{BatchNormMode, Network};

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
    /// [`ModelError::LabelSmoothing`] if the share is out of its range; if the shapes do not fit each other.
    pub fn smoothed(logits: &Tensor, labels: &Tensor, smoothing: LabelSmoothing) -> Result<Self, ModelError> {
        let (_, num_classes) = logits.size2()?;
        let share = smoothing.share_over_all(num_classes as usize)?;
        let mean_loss = logits.f_cross_entropy_loss(labels, None::<&Tensor>, Reduction::Mean, -100, share)?;
        let num_wrong = logits.f_argmax(1, false)?.f_ne_tensor(labels)?.f_sum(Kind::Int64)?;
        Ok(Self { mean_loss, num_wrong })
    }
}

/// The mean cross entropy of a network over one minibatch.
#[derive(Debug)]
pub struct MinibatchObjective<'a> {
    network: &'a Network,
    images: Tensor,
    labels: Tensor,
    label_smoothing: LabelSmoothing,
    /// The weights as the arithmetic saw them at the iterate; kept only while an ascent is being measured.
    at_iterate: Option<Tensor>,
    measures_ascent: bool,
    effective_ascent: Option<f64>,
}

impl<'a> MinibatchObjective<'a> {
    /// The objective of `images` N,3,H,W and `labels` N, both on the network's device.
    pub fn new(network: &'a Network, images: Tensor, labels: Tensor) -> Self {
        let (at_iterate, measures_ascent, effective_ascent) = (None, false, None);
        Self {
            network,
            images,
            labels,
            label_smoothing: LabelSmoothing::None,
            at_iterate,
            measures_ascent,
            effective_ascent,
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

    /// The distance measured by the last SAM step.
    pub fn effective_ascent(&self) -> Option<f64> {
        self.effective_ascent
    }

    fn loss_and_gradient(&mut self, at: Point) -> Result<MinibatchLoss, ModelError> {
        if self.measures_ascent {
            let weights = self.network.effective_weights()?;
            match at {
                Point::Iterate => self.at_iterate = Some(weights),
                Point::Perturbed => {
                    let ascent = self.at_iterate.take().map(|from| tch::no_grad(|| weights - from));
                    self.effective_ascent = ascent.as_ref().map(norm);
                }
            }
        }
        let mode = match at {
            Point::Iterate => BatchNormMode::Train,
            Point::Perturbed => BatchNormMode::Perturbed,
        };
        let logits = self.network.forward(&self.images, mode)?;
        let loss = MinibatchLoss::smoothed(&logits, &self.labels, self.label_smoothing)?;
        self.network.backward(&loss.mean_loss)?;
        Ok(MinibatchLoss { mean_loss: loss.mean_loss.detach(), ..loss })
    }
}

impl Objective<Arena> for MinibatchObjective<'_> {
    type Loss = MinibatchLoss;

    fn gradient(
        &mut self,
        parameters: &Arena,
        at: Point,
        gradient: &mut Arena,
    ) -> Result<MinibatchLoss, OptimError> {
        let own = parameters.is_same_memory(&self.network.parameters())
            && gradient.is_same_memory(&self.network.gradient());
        if !own {
            return Err(ModelError::ForeignVector.into());
        }
        Ok(self.loss_and_gradient(at)?)
    }
}
