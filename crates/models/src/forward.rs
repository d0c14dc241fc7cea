//! One forward pass: what a network is asked for, and what its layers see.

use tch::Tensor;

use crate::builder::ParameterId;
use crate::error::ModelError;

/// Which statistics BN normalises with, and whether they move its running ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchNormMode {
    /// The minibatch's; running statistics move with momentum 0.1.
    Train,
    /// The minibatch's; running statistics stay. For gradients at SAM's perturbed weights.
    Perturbed,
    /// The running ones.
    Evaluate,
    /// The minibatch's; running statistics become their mean over minibatches 0 to `minibatch`.
    Refresh {
        /// Index of the minibatch within the refresh, from 0.
        minibatch: u64,
    },
}

/// What all networks can do: images in, logits out.
pub trait Module: std::fmt::Debug + Send {
    /// Whether `forward` reads images with channels last in memory, as convolutions do.
    fn reads_channels_last(&self) -> bool {
        true
    }

    /// The logits N,K of `images` N,C,H,W, which come in the type of the arithmetic and must not be changed in place.
    ///
    /// # Errors
    /// If libtorch refuses an operation.
    fn forward(&self, pass: &Pass<'_>, images: &Tensor) -> Result<Tensor, ModelError>;
}

/// What the layers of a network see during one forward pass.
#[derive(Debug)]
pub struct Pass<'a> {
    leaves: &'a [Tensor],
    running: &'a [(Tensor, Tensor)],
    mode: BatchNormMode,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(leaves: &'a [Tensor], running: &'a [(Tensor, Tensor)], mode: BatchNormMode) -> Self {
        Self { leaves, running, mode }
    }

    /// A parameter, in the type in which it takes part in the arithmetic.
    pub fn parameter(&self, id: ParameterId) -> &Tensor {
        &self.leaves[id.0]
    }

    /// Running mean and running variance of the BN layer `index`.
    pub fn running_statistics(&self, index: usize) -> (&Tensor, &Tensor) {
        let (mean, var) = &self.running[index];
        (mean, var)
    }

    /// What BN does.
    pub fn mode(&self) -> BatchNormMode {
        self.mode
    }
}
