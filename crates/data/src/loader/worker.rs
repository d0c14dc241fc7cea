//! What a loader thread does with a step: fill a buffer with its images.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use tracing::trace_span;

use crate::augment::Augmenter;
use crate::augment::element::Element;
use crate::loader::minibatch::{Buffer, BufferPool, Format, Minibatch};
use crate::loader::pipeline::Work;
use crate::loader::runtime::{Native, Runtime};
use crate::loader::sampler::EpochPlan;
use crate::loader::statistics::{LoaderStage, Recorder};
use crate::{DataError, Dataset};

/// Images between the one being written and the one whose bytes are asked for: far enough that main memory has
/// answered, near enough that the bytes are still close.
const PREFETCH_DISTANCE: usize = 6;

/// What the threads of one epoch share.
pub(crate) struct EpochWork<T: Element> {
    pub(crate) dataset: Arc<dyn Dataset>,
    pub(crate) plan: EpochPlan,
    pub(crate) format: Format,
    pub(crate) pool: Arc<BufferPool<T>>,
    pub(crate) recorder: Arc<Recorder>,
    /// Set when the consumer is gone; threads then leave the minibatch they are at.
    pub(crate) stop: Arc<<Native as Runtime>::Flag>,
}

/// One thread's part in an epoch.
pub(crate) struct Worker<T: Element> {
    pub(crate) work: Arc<EpochWork<T>>,
    pub(crate) augmenter: Augmenter,
}

/// A minibatch, or why it could not be made.
pub(crate) type Filled<T> = Result<Minibatch<T>, DataError>;

impl<T: Element> Work<Filled<T>> for Worker<T> {
    fn run(&mut self, step: u64) -> Option<Filled<T>> {
        let Worker { work, augmenter } = self;
        let _span = trace_span!("fill", epoch = work.plan.epoch, step).entered();
        work.recorder.measure(LoaderStage::Fill, || work.prepare(step, augmenter))
    }

    fn idle<R>(&mut self, wait: impl FnOnce() -> R) -> R {
        let _span = trace_span!("idle").entered();
        self.work.recorder.measure(LoaderStage::Idle, wait)
    }
}

impl<T: Element> EpochWork<T> {
    /// `None` if the consumer left in the meantime.
    fn prepare(&self, step: u64, augmenter: &mut Augmenter) -> Option<Filled<T>> {
        let mut taken = None;
        let current = Cell::new(self.plan.step(step).first().copied().unwrap_or_default());
        // Unwind safety: after a panic the buffer is emptied before it is used again, and the augmenter keeps nothing
        // from one image to the next but memory that every image overwrites.
        let filled = panic::catch_unwind(AssertUnwindSafe(|| {
            // The consumer's own memory may panic as it is made.
            let buffer = taken.insert(self.pool.take());
            self.fill(step, augmenter, buffer, &current)
        }));
        let error = match filled {
            Ok(Ok(true)) => {
                let pool = Arc::clone(&self.pool);
                return taken
                    .map(|buffer| Ok(Minibatch::new(self.plan.epoch, step, self.format, buffer, pool)));
            }
            Ok(Ok(false)) => None,
            Ok(Err(error)) => Some(error),
            Err(payload) => Some(DataError::WorkerPanic {
                index: current.get(),
                epoch: self.plan.epoch,
                step,
                message: panic_message(payload.as_ref()),
            }),
        };
        if let Some(mut buffer) = taken {
            buffer.clear();
            self.pool.put(buffer);
        }
        error.map(Err)
    }

    /// False if it stopped half-way because `stop` was set.
    fn fill(
        &self,
        step: u64,
        augmenter: &mut Augmenter,
        buffer: &mut Buffer<T>,
        current: &Cell<usize>,
    ) -> Result<bool, DataError> {
        let num_values = self.format.shape.num_values();
        let num_classes = self.dataset.num_classes();
        let indices = self.plan.step(step);
        let images = buffer.images.values_mut();
        let expected = indices.len() * num_values;
        if images.len() < expected {
            return Err(DataError::Config {
                field: "memory of a minibatch",
                found: format!("room for {} values", images.len()),
                expected: format!("at least {expected}"),
            });
        }
        for (position, (&index, output)) in
            indices.iter().zip(images.chunks_exact_mut(num_values)).enumerate()
        {
            if Native::is_set(&self.stop) {
                return Ok(false);
            }
            current.set(index);
            if let Some(&ahead) = indices.get(position + PREFETCH_DISTANCE) {
                self.dataset.prefetch(ahead);
            }
            let label = self.dataset.label(index);
            if label >= num_classes {
                return Err(DataError::Sample {
                    index,
                    found: format!("label {label}"),
                    expected: format!("a label below {num_classes}"),
                });
            }
            augmenter.write(index, label, self.dataset.pixels(index), output)?;
            buffer.labels.push(label as i64);
            buffer.indices.push(index);
        }
        Ok(true)
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)").to_owned()
}
