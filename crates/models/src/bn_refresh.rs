//! BN refresh: running statistics recomputed at averaged weights, which no minibatch has ever passed through.
//!
//! Equal weight per minibatch, as `torch.optim.swa_utils.update_bn` and the code of Nitanda et al. do; the last,
//! smaller minibatch of an epoch counts as much as the others.

use polder_optim::Vector;
use tch::Tensor;

use crate::arena::{Arena, copy_of};
use crate::error::ModelError;
use crate::network::{BatchNormMode, Network};

/// A network that holds other weights for a while; dropping it puts weights and running statistics back.
#[derive(Debug)]
pub struct Swapped<'a> {
    network: &'a Network,
    weights: Arena,
    statistics: Tensor,
}

impl<'a> Swapped<'a> {
    /// Loads `weights` into `network`.
    ///
    /// # Errors
    /// If libtorch cannot allocate the copies of what is replaced.
    pub fn new(network: &'a Network, weights: &Arena) -> Result<Self, ModelError> {
        let mut own = network.parameters();
        let mut kept = own.zeros_like();
        kept.copy_from(&own);
        own.copy_from(weights);
        Ok(Self { network, weights: kept, statistics: copy_of(&network.running_statistics())? })
    }

    /// Recomputes the running statistics from `minibatches` of images N,3,H,W, at the weights loaded.
    ///
    /// Returns the number of minibatches.
    ///
    /// # Errors
    /// The first error of the iterator, or libtorch's.
    pub fn refresh<E: From<ModelError>>(
        &self,
        minibatches: impl IntoIterator<Item = Result<Tensor, E>>,
    ) -> Result<u64, E> {
        self.network.reset_running_statistics()?;
        let mut minibatch = 0;
        for images in minibatches {
            let mode = BatchNormMode::Refresh { minibatch };
            let images = images?;
            tch::no_grad(|| self.network.forward(&images, mode)).map(drop)?;
            minibatch += 1;
        }
        Ok(minibatch)
    }
}

impl Drop for Swapped<'_> {
    fn drop(&mut self) {
        self.network.parameters().copy_from(&self.weights);
        tch::no_grad(|| self.network.running_statistics().copy_(&self.statistics));
    }
}
