//! The images that make the function that is measured: a fixed, stated subset, without augmentation.

use polder_data::Loader;
use polder_models::{Arithmetic, LossSurface, Network, input};
use tch::{Device, Tensor};

use super::question::{SplitName, Subset};
use crate::images::Images;

/// Images of both splits, chosen once: the same in every run and for every seed.
pub(crate) struct Chosen {
    images: Tensor,
    labels: Tensor,
    /// Training images from which BN is refreshed.
    pub(crate) refresh_images: Tensor,
}

impl Chosen {
    /// The subset of `available` images, cut to what there is; the subset as it then is comes with it.
    pub(crate) fn of(available: &Images, subset: Subset) -> anyhow::Result<(Self, Subset)> {
        let test = subset.split == SplitName::Test;
        let (images, labels) = take(&available.plain_loader(test)?, subset.images)?;
        let (refresh_images, _) = take(&available.plain_loader(false)?, subset.refresh_images)?;
        let subset =
            Subset { images: labels.numel(), refresh_images: refresh_images.size()[0] as usize, ..subset };
        Ok((Self { images, labels, refresh_images }, subset))
    }

    pub(crate) fn surface<'a>(
        &self,
        network: &'a Network,
        subset: Subset,
    ) -> anyhow::Result<LossSurface<'a>> {
        Ok(LossSurface::new(network, &self.images, &self.labels, subset.batch_size, Arithmetic::F32)?)
    }
}

/// The first `num_images` of a loader's first epoch, or all.
fn take(loader: &Loader, num_images: usize) -> anyhow::Result<(Tensor, Tensor)> {
    let (mut images, mut labels, mut num) = (Vec::new(), Vec::new(), 0);
    for minibatch in loader.epoch(0)? {
        let minibatch = minibatch?;
        let (n, c, h, w) = minibatch.images().dim();
        let (pixels, classes) =
            input::minibatch(minibatch.values(), [n, c, h, w], minibatch.labels(), Device::Cpu)?;
        images.push(pixels);
        labels.push(classes);
        num += n;
        if num >= num_images {
            break;
        }
    }
    let len = num.min(num_images) as i64;
    Ok((Tensor::f_cat(&images, 0)?.f_narrow(0, 0, len)?, Tensor::f_cat(&labels, 0)?.f_narrow(0, 0, len)?))
}
