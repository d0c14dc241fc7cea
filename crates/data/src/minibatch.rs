//! Minibatches and the pool in which their buffers live between two uses.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::ArrayView4;

use crate::ImageShape;

/// Images and labels of one step. Dropping it gives its memory back to the loader for a later step.
#[derive(Debug)]
pub struct Minibatch {
    epoch: u64,
    step: u64,
    buffer: Buffer,
    pool: Arc<BufferPool>,
}

impl Minibatch {
    pub(crate) fn new(epoch: u64, step: u64, buffer: Buffer, pool: Arc<BufferPool>) -> Self {
        Minibatch { epoch, step, buffer, pool }
    }

    /// Number of images, N.
    pub fn len(&self) -> usize {
        self.buffer.indices.len()
    }

    /// True if there is no image; never the case for a minibatch from a [`Loader`](crate::Loader).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The normalised images, shape (N, C, H, W), contiguous in that order.
    pub fn images(&self) -> ArrayView4<'_, f32> {
        let ImageShape { channels, height, width } = self.pool.shape;
        ArrayView4::from_shape((self.len(), channels, height, width), self.pixels_slice())
            .expect("a buffer holds whole images")
    }

    /// The values of [`images`](Self::images) as one slice of N * C * H * W.
    pub fn pixels_slice(&self) -> &[f32] {
        &self.buffer.images[..self.len() * self.pool.shape.num_values()]
    }

    /// The class of each image, N entries in `0..K`.
    pub fn labels(&self) -> &[i64] {
        &self.buffer.labels
    }

    /// The index of each image in the data set, N entries.
    pub fn indices(&self) -> &[usize] {
        &self.buffer.indices
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

impl Drop for Minibatch {
    fn drop(&mut self) {
        self.pool.put(mem::take(&mut self.buffer));
    }
}

/// The memory of one minibatch. `images` always has room for a full one; `labels` and `indices` say how many it holds.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pub(crate) images: Vec<f32>,
    pub(crate) labels: Vec<i64>,
    pub(crate) indices: Vec<usize>,
}

/// Buffers at rest. One is allocated only when none rests here, so their number is the largest number ever in use at
/// once: those the workers fill, those that wait, and those the consumer holds.
#[derive(Debug)]
pub(crate) struct BufferPool {
    shape: ImageShape,
    batch_size: usize,
    resting: Mutex<Vec<Buffer>>,
    allocated: AtomicUsize,
}

impl BufferPool {
    pub(crate) fn new(shape: ImageShape, batch_size: usize) -> Self {
        BufferPool { shape, batch_size, resting: Mutex::default(), allocated: AtomicUsize::new(0) }
    }

    /// An empty buffer, the one used last if there is a choice: it may still be in the cache.
    pub(crate) fn take(&self) -> Buffer {
        // A thread that panics while it holds the lock leaves a whole vector behind.
        if let Some(buffer) = self.resting.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return buffer;
        }
        self.allocated.fetch_add(1, Ordering::Relaxed);
        Buffer {
            images: vec![0.0; self.batch_size * self.shape.num_values()],
            labels: Vec::with_capacity(self.batch_size),
            indices: Vec::with_capacity(self.batch_size),
        }
    }

    pub(crate) fn put(&self, mut buffer: Buffer) {
        buffer.labels.clear();
        buffer.indices.clear();
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }

    /// How many buffers were ever allocated.
    pub(crate) fn allocated(&self) -> usize {
        self.allocated.load(Ordering::Relaxed)
    }
}
