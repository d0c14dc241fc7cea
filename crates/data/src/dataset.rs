//! Indexed images with labels: what every source of samples looks like to the loader.

pub(crate) mod cifar;
pub(crate) mod class_names;
pub(crate) mod generated;
pub(crate) mod idx;
pub(crate) mod kind;
pub(crate) mod label_noise;
pub(crate) mod mapped;
pub(crate) mod normalize;
pub(crate) mod packed;
pub(crate) mod record_map;
pub(crate) mod subset;
pub(crate) mod validation;

use std::sync::Arc;

use crate::DataError;

/// Channels, height and width of every image of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageShape {
    /// C; 1 (gray) to 3 (red, green, blue).
    pub channels: usize,
    /// H, in pixels.
    pub height: usize,
    /// W, in pixels.
    pub width: usize,
}

impl ImageShape {
    /// The shape of a CIFAR image: 3 channels, 32 x 32.
    pub const CIFAR: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
    /// The shape of an MNIST or Fashion-MNIST image: 1 channel, 28 x 28.
    pub const MNIST: ImageShape = ImageShape { channels: 1, height: 28, width: 28 };

    /// Values per image: C * H * W.
    pub const fn num_values(&self) -> usize {
        self.channels * self.height * self.width
    }
}

/// The part of a data set that is trained on, or the part that is held out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// The training split.
    Train,
    /// The test split.
    Test,
}

/// A fixed, indexed collection of labelled 8-bit images of one shape.
///
/// Samples are read by several threads at once. Calling [`pixels`](Self::pixels) or [`label`](Self::label) with
/// `index >= len()` may panic; the loader never does.
pub trait Dataset: Send + Sync {
    /// Number of images, N.
    fn len(&self) -> usize;

    /// True if there is no image.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shape of every image.
    fn shape(&self) -> ImageShape;

    /// Number of classes, K; labels are below it.
    fn num_classes(&self) -> usize;

    /// The image at `index`: C * H * W bytes in 0..=255, planar (all of channel 0, row by row, then channel 1, ...).
    fn pixels(&self, index: usize) -> &[u8];

    /// The class of the image at `index`, in `0..num_classes()`.
    fn label(&self, index: usize) -> usize;

    /// Called a little before [`pixels`](Self::pixels) with the same index, by the same thread: a chance to start
    /// bringing the bytes closer. Must not wait. Does nothing unless overridden.
    fn prefetch(&self, index: usize) {
        let _ = index;
    }

    /// Looks again at what the images rest on, cheaply: whether a mapped file still has the length it was opened
    /// with, say. Meant for the start of an epoch, before anything is read. Finds nothing wrong unless overridden.
    ///
    /// # Errors
    /// [`DataError`] if reading images is no longer safe; for mapped files [`DataError::Changed`].
    fn check(&self) -> Result<(), DataError> {
        Ok(())
    }
}

impl<D: Dataset + ?Sized> Dataset for Arc<D> {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn shape(&self) -> ImageShape {
        (**self).shape()
    }

    fn num_classes(&self) -> usize {
        (**self).num_classes()
    }

    fn pixels(&self, index: usize) -> &[u8] {
        (**self).pixels(index)
    }

    fn label(&self, index: usize) -> usize {
        (**self).label(index)
    }

    fn prefetch(&self, index: usize) {
        (**self).prefetch(index);
    }

    fn check(&self) -> Result<(), DataError> {
        (**self).check()
    }
}
