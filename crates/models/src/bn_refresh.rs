//! BN refresh: running statistics recomputed at given weights: averaged ones, which no minibatch has ever passed through, or
//! those of an iterate, behind which the running ones lag.

use polder_optim::Vector;
use tch::{Kind, Tensor};

use crate::error::ModelError;
use crate::flat_parameters::{FlatParameters, copy_of};
use crate::forward::BatchNormMode;
use crate::network::Network;

/// A network that holds other weights for a while; dropping it puts weights and running statistics back.
#[derive(Debug)]
pub struct SwappedWeights<'a> {
    network: &'a Network,
    weights: FlatParameters,
    statistics: Tensor,
}

impl<'a> SwappedWeights<'a> {
    /// Loads `weights` into `network`.
    ///
    /// # Errors
    /// If libtorch cannot allocate the copies of what is replaced.
    pub fn new(network: &'a Network, weights: &FlatParameters) -> Result<Self, ModelError> {
        let mut own = network.parameters();
        let mut kept = own.zeros_like();
        kept.copy_from(&own);
        own.copy_from(weights);
        Ok(Self { network, weights: kept, statistics: copy_of(&network.running_statistics())? })
    }

    /// Recomputes the running statistics from `minibatches` of images N,3,H,W, at the weights loaded: the mean over
    /// minibatches, each with the same weight.
    ///
    /// So do `torch.optim.swa_utils.update_bn` and the code of Nitanda et al.; the last, smaller minibatch of an epoch
    /// counts as much as the others. Returns the number of minibatches.
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

    /// Likewise, but a minibatch has the weight of its number of images: every image counts as much as the others.
    ///
    /// A running variance is then the mean, over images, of the variance within the minibatch of the image. Returns the
    /// number of minibatches.
    ///
    /// # Errors
    /// The first error of the iterator, or libtorch's.
    pub fn refresh_per_image<E: From<ModelError>>(
        &self,
        minibatches: impl IntoIterator<Item = Result<Tensor, E>>,
    ) -> Result<u64, E> {
        self.network.reset_running_statistics()?;
        let mut statistics = self.network.running_statistics();
        let mut sum =
            statistics.f_zeros_like().and_then(|zeros| zeros.f_to_kind(Kind::Double)).map_err(from)?;
        let (mut num_minibatches, mut num_images) = (0, 0);
        for images in minibatches {
            let images = images?;
            // The first minibatch of a refresh leaves its own statistics.
            let mode = BatchNormMode::Refresh { minibatch: 0 };
            tch::no_grad(|| -> Result<(), ModelError> {
                let _ = self.network.forward(&images, mode)?;
                let share = statistics.f_to_kind(Kind::Double)?.f_mul_scalar(images.size()[0] as f64)?;
                sum = sum.f_add(&share)?;
                Ok(())
            })?;
            num_minibatches += 1;
            num_images += images.size()[0];
        }
        if num_images > 0 {
            let mean = sum.f_div_scalar(num_images as f64).map_err(from)?;
            tch::no_grad(|| statistics.f_copy_(&mean)).map_err(from)?;
        }
        Ok(num_minibatches)
    }
}

fn from(error: tch::TchError) -> ModelError {
    error.into()
}

impl Drop for SwappedWeights<'_> {
    fn drop(&mut self) {
        self.network.parameters().copy_from(&self.weights);
        tch::no_grad(|| self.network.running_statistics().copy_(&self.statistics));
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::network::Precision;

    fn minibatch(num_images: i64, seed: f64) -> Tensor {
        let pixels = Tensor::arange(num_images * 3 * 8 * 8, (Kind::Float, Device::Cpu)) * (0.37 + seed);
        pixels.sin().view([num_images, 3, 8, 8])
    }

    /// The statistics after a refresh over minibatches of these sizes, with the same images in each image's place.
    fn refreshed(network: &Network, sizes: &[i64], per_image: bool) -> Vec<f32> {
        let swapped = SwappedWeights::new(network, &network.parameters()).unwrap();
        let minibatches = sizes.iter().zip(0..).map(|(size, i)| Ok(minibatch(*size, f64::from(i))));
        let count = if per_image {
            swapped.refresh_per_image::<ModelError>(minibatches)
        } else {
            swapped.refresh::<ModelError>(minibatches)
        };
        assert_eq!(count.unwrap(), sizes.len() as u64);
        Vec::try_from(&network.running_statistics()).unwrap()
    }

    #[test]
    fn equal_minibatches_have_equal_weight_either_way_and_unequal_ones_by_their_images() {
        let network = Network::new("wrn-10-1".parse().unwrap(), 4, 0, Precision::F32, Device::Cpu).unwrap();
        let before: Vec<f32> = Vec::try_from(&network.running_statistics()).unwrap();
        let close =
            |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5 * b.abs().max(1.0));
        assert!(close(&refreshed(&network, &[4, 4], true), &refreshed(&network, &[4, 4], false)));

        let first = refreshed(&network, &[6], false);
        let both = refreshed(&network, &[6, 2], false);
        let second: Vec<f32> = both.iter().zip(&first).map(|(both, first)| 2.0 * both - first).collect();
        let expected: Vec<f32> = first.iter().zip(&second).map(|(a, b)| 0.75 * a + 0.25 * b).collect();
        let per_image = refreshed(&network, &[6, 2], true);
        assert!(close(&per_image, &expected));
        assert!(!close(&per_image, &both));
        assert_eq!(before, Vec::<f32>::try_from(&network.running_statistics()).unwrap(), "all is put back");
    }
}
