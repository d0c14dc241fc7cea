//! Minibatches and the memory they are written to.

use std::fmt;
use std::sync::Arc;

use ndarray::ArrayView4;

use crate::augment::element::Element;
use crate::loader::pool::Pool;
use crate::loader::runtime::Native;
use crate::{ImageShape, Layout};

/// Memory for the values of one minibatch: a `Vec`, or what a consumer brings, page-locked memory for example.
pub trait BatchBuffer<T>: Send {
    /// The values.
    fn values(&self) -> &[T];

    /// The values, to be written.
    fn values_mut(&mut self) -> &mut [T];
}

impl<T: Send> BatchBuffer<T> for Vec<T> {
    fn values(&self) -> &[T] {
        self
    }

    fn values_mut(&mut self) -> &mut [T] {
        self
    }
}

/// Images and labels of one step. Dropping it gives its memory back to the loader for a later step.
///
/// It owns its memory and may be kept, or sent to another thread, for as long as one likes; the loader then takes
/// other memory. Whoever still reads the values, a copy to a device that has not ended for example, must not drop it.
#[derive(Debug)]
pub struct Minibatch<T: Element = f32> {
    epoch: u64,
    step: u64,
    format: Format,
    /// `None` only while it is dropped.
    buffer: Option<Buffer<T>>,
    pool: Arc<BufferPool<T>>,
}

/// Buffers of a loader.
pub(crate) type BufferPool<T> = Pool<Native, Buffer<T>>;

/// What every minibatch of a loader has in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) shape: ImageShape,
    pub(crate) layout: Layout,
}

/// The memory of one minibatch. `images` always has room for a full one; `labels` and `indices` say how many it holds.
pub(crate) struct Buffer<T> {
    pub(crate) images: Box<dyn BatchBuffer<T>>,
    pub(crate) labels: Vec<i64>,
    pub(crate) indices: Vec<usize>,
}

impl<T> Buffer<T> {
    /// A buffer for `batch_size` images in `images`.
    pub(crate) fn new(images: Box<dyn BatchBuffer<T>>, batch_size: usize) -> Self {
        Buffer { images, labels: Vec::with_capacity(batch_size), indices: Vec::with_capacity(batch_size) }
    }

    pub(crate) fn clear(&mut self) {
        self.labels.clear();
        self.indices.clear();
    }
}

impl<T> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("indices", &self.indices).finish_non_exhaustive()
    }
}

impl<T: Element> Minibatch<T> {
    pub(crate) fn new(
        epoch: u64,
        step: u64,
        format: Format,
        buffer: Buffer<T>,
        pool: Arc<BufferPool<T>>,
    ) -> Self {
        Minibatch { epoch, step, format, buffer: Some(buffer), pool }
    }

    fn buffer(&self) -> &Buffer<T> {
        self.buffer.as_ref().expect("only dropping takes the buffer")
    }

    /// Number of images, N.
    pub fn len(&self) -> usize {
        self.buffer().indices.len()
    }

    /// True if there is no image, which happens only to a process whose share of a short last step is empty
    /// ([`LoaderBuilder::shard`](crate::LoaderBuilder::shard)).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The images: (N, C, H, W), or (N, H, W, C) if the loader's layout is [`Layout::Nhwc`]; contiguous in that order.
    pub fn images(&self) -> ArrayView4<'_, T> {
        let dimensions = self.format.layout.dimensions(self.len(), self.format.shape);
        ArrayView4::from_shape(dimensions, self.values()).expect("a buffer holds whole images")
    }

    /// The values of [`images`](Self::images) as one slice of N * C * H * W.
    pub fn values(&self) -> &[T] {
        &self.buffer().images.values()[..self.len() * self.format.shape.num_values()]
    }

    /// The class of each image, N entries in `0..K`.
    pub fn labels(&self) -> &[i64] {
        &self.buffer().labels
    }

    /// The index of each image in the data set, N entries.
    pub fn indices(&self) -> &[usize] {
        &self.buffer().indices
    }

    /// The shape of each image.
    pub fn shape(&self) -> ImageShape {
        self.format.shape
    }

    /// The order of the axes.
    pub fn layout(&self) -> Layout {
        self.format.layout
    }

    /// The epoch this minibatch belongs to.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The step within the epoch, from 0.
    pub fn step(&self) -> u64 {
        self.step
    }
}

impl<T: Element> Drop for Minibatch<T> {
    fn drop(&mut self) {
        if let Some(mut buffer) = self.buffer.take() {
            buffer.clear();
            self.pool.put(buffer);
        }
    }
}
