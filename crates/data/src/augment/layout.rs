//! The order of the axes of a minibatch.

use crate::ImageShape;

/// Which axis of a minibatch of images runs fastest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// (N, C, H, W): one plane per channel, the columns of a row side by side. PyTorch's default.
    #[default]
    Nchw,
    /// (N, H, W, C): the channels of a pixel side by side; "channels last", what tensor cores and TensorFlow want.
    Nhwc,
}

impl Layout {
    /// The shape of a minibatch of `num_images` images, in the order of its axes in memory.
    pub const fn dimensions(self, num_images: usize, shape: ImageShape) -> [usize; 4] {
        let ImageShape { channels, height, width } = shape;
        match self {
            Layout::Nchw => [num_images, channels, height, width],
            Layout::Nhwc => [num_images, height, width, channels],
        }
    }
}
