//! A loader thread: takes a step, fills a buffer, sends the minibatch, until nobody wants another.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender};

use crate::augment::{Augmentation, Augmenter};
use crate::minibatch::{Buffer, BufferPool, Minibatch};
use crate::sampler::EpochPlan;
use crate::{DataError, Dataset};

/// Images between the one being written and the one whose bytes are asked for: far enough that main memory has
/// answered, near enough that the bytes are still close. At 6, writing shuffled images measures a fifth faster than without.
const PREFETCH_DISTANCE: usize = 6;

/// A finished step, or why it could not be finished.
pub(crate) type Finished = (u64, Result<Minibatch, DataError>);

/// What the threads of one epoch share.
pub(crate) struct EpochWork {
    pub(crate) dataset: Arc<dyn Dataset>,
    pub(crate) plan: EpochPlan,
    pub(crate) augmentation: Augmentation,
    pub(crate) seed: u64,
    pub(crate) pool: Arc<BufferPool>,
    /// Set when the consumer is gone; threads then leave the minibatch they are at.
    pub(crate) stop: AtomicBool,
}

impl EpochWork {
    /// Prepares the steps that arrive until the channel closes, the consumer is gone or `stop` is set.
    pub(crate) fn run(&self, steps: &Receiver<u64>, finished: &Sender<Finished>) {
        let mut augmenter =
            match Augmenter::new(self.augmentation, self.dataset.shape(), self.seed, self.plan.epoch) {
                Ok(augmenter) => augmenter,
                Err(error) => {
                    if let Ok(step) = steps.recv() {
                        let _ = finished.send((step, Err(error)));
                    }
                    return;
                }
            };
        for step in steps {
            let Some(result) = self.prepare(step, &mut augmenter) else { return };
            if finished.send((step, result)).is_err() {
                return;
            }
        }
    }

    /// `None` if the consumer left in the meantime.
    fn prepare(&self, step: u64, augmenter: &mut Augmenter) -> Option<Result<Minibatch, DataError>> {
        let mut buffer = self.pool.take();
        let current = Cell::new(0);
        // Unwind safety: after a panic the buffer is emptied before it is used again, and the augmenter keeps
        // nothing from one image to the next but a frame that every image overwrites.
        let filled =
            panic::catch_unwind(AssertUnwindSafe(|| self.fill(step, augmenter, &mut buffer, &current)));
        let error = match filled {
            Ok(Ok(true)) => {
                return Some(Ok(Minibatch::new(self.plan.epoch, step, buffer, Arc::clone(&self.pool))));
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
        self.pool.put(buffer);
        error.map(Err)
    }

    /// False if it stopped half-way because `stop` was set.
    fn fill(
        &self,
        step: u64,
        augmenter: &mut Augmenter,
        buffer: &mut Buffer,
        current: &Cell<usize>,
    ) -> Result<bool, DataError> {
        let num_values = self.dataset.shape().num_values();
        let num_classes = self.dataset.num_classes();
        let indices = self.plan.step(step);
        for (position, (&index, output)) in
            indices.iter().zip(buffer.images.chunks_exact_mut(num_values)).enumerate()
        {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            current.set(index);
            if let Some(&ahead) = indices.get(position + PREFETCH_DISTANCE) {
                self.dataset.prefetch(ahead);
            }
            augmenter.write(index, self.dataset.pixels(index), output)?;
            let label = self.dataset.label(index);
            if label >= num_classes {
                return Err(DataError::Sample {
                    index,
                    found: format!("label {label}"),
                    expected: format!("a label below {num_classes}"),
                });
            }
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
