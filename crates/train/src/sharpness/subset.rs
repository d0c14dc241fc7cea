//! The images that make the function that is measured: a fixed, stated subset, without augmentation.

use polder_models::{Arithmetic, LossSurface, Network};
use tch::{Device, Tensor};

use crate::feed::Feed;
use polder_experiment::images::Images;
use polder_experiment::sharpness::measurement_spec::{SplitName, Subset};

/// Images of both splits, chosen once: the same in every run and for every seed.
pub(super) struct Chosen {
    images: Tensor,
    labels: Tensor,
    /// Training images from which BN is refreshed.
    pub refresh_images: Tensor,
}

impl Chosen {
    /// The subset of `available` images, cut to what there is; the subset as it then is comes with it.
    pub(super) fn of(available: &Images, subset: Subset) -> anyhow::Result<(Self, Subset)> {
        let test = subset.split == SplitName::Test;
        let (images, labels) = take(&Feed::sample(available, test, Device::Cpu)?, subset.images)?;
        let (refresh_images, _) = take(&Feed::sample(available, false, Device::Cpu)?, subset.refresh_images)?;
        let subset =
            Subset { images: labels.numel(), refresh_images: refresh_images.size()[0] as usize, ..subset };
        Ok((Self { images, labels, refresh_images }, subset))
    }

    pub(super) fn surface<'a>(
        &self,
        network: &'a Network,
        subset: Subset,
    ) -> anyhow::Result<LossSurface<'a>> {
        Ok(LossSurface::new(network, &self.images, &self.labels, subset.batch_size, Arithmetic::F32)?)
    }
}

/// The first `num_images` of the first epoch, or all.
fn take(feed: &Feed, num_images: usize) -> anyhow::Result<(Tensor, Tensor)> {
    let (mut images, mut labels, mut num) = (Vec::new(), Vec::new(), 0);
    for minibatch in feed.epoch(0)? {
        let minibatch = minibatch?;
        num += minibatch.num_images();
        images.push(minibatch.images);
        labels.push(minibatch.labels);
        if num >= num_images {
            break;
        }
    }
    let len = num.min(num_images) as i64;
    Ok((Tensor::f_cat(&images, 0)?.f_narrow(0, 0, len)?, Tensor::f_cat(&labels, 0)?.f_narrow(0, 0, len)?))
}
