//! The minibatches of one epoch, as the consumer sees them.

use std::iter::FusedIterator;
use std::sync::Arc;

use tracing::trace_span;

use crate::DataError;
use crate::augment::element::Element;
use crate::loader::minibatch::Minibatch;
use crate::loader::pipeline::{Next, Pipeline};
use crate::loader::runtime::Native;
use crate::loader::statistics::{LoaderStage, Recorder};
use crate::loader::worker::Filled;

/// The minibatches of one epoch, in plan order. After an error it ends.
///
/// It owns its threads and outlives its [`Loader`](crate::Loader) if need be; dropping it joins them, after at most
/// one more image each.
pub struct Epoch<T: Element = f32> {
    pub(crate) number: u64,
    pub(crate) pipeline: Pipeline<Native, Filled<T>>,
    pub(crate) recorder: Arc<Recorder>,
    /// What [`next_borrowed`](Self::next_borrowed) lent last.
    pub(crate) lent: Option<Minibatch<T>>,
    pub(crate) failed: bool,
}

impl<T: Element> Epoch<T> {
    /// The next minibatch, lent until the next call: for a consumer that is done with one before it asks for another,
    /// and wants nothing to keep.
    ///
    /// # Errors
    /// As the iterator: the first error ends the epoch.
    pub fn next_borrowed(&mut self) -> Option<Result<&Minibatch<T>, DataError>> {
        // Back to the pool before the next one is asked for.
        self.lent = None;
        match self.next()? {
            Ok(minibatch) => Some(Ok(self.lent.insert(minibatch))),
            Err(error) => Some(Err(error)),
        }
    }

    /// Minibatches that are ready now.
    pub fn queue_depth(&self) -> usize {
        self.pipeline.ready()
    }

    /// The step that comes next: what to pass to [`Loader::epoch_from`](crate::Loader::epoch_from) to go on from here.
    pub fn position(&self) -> u64 {
        self.pipeline.next_step()
    }

    fn fail(&mut self) {
        self.failed = true;
        self.pipeline.stop();
    }
}

impl<T: Element> Iterator for Epoch<T> {
    type Item = Result<Minibatch<T>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.pipeline.steps_left() == 0 {
            return None;
        }
        self.recorder.asked(self.pipeline.ready());
        let recorder = &self.recorder;
        let next = self.pipeline.next(recorder.last_fill(), |wait| {
            let _span = trace_span!("wait").entered();
            recorder.measure(LoaderStage::Wait, wait);
        });
        let result = match next {
            Next::End => return None,
            Next::Result(result) => result,
            Next::Lost(step) => Err(DataError::WorkersEnded { epoch: self.number, step }),
        };
        if result.is_err() {
            self.fail();
        }
        Some(result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = if self.failed { 0 } else { self.pipeline.steps_left() as usize };
        // An error may end the epoch early.
        (left.min(1), Some(left))
    }
}

impl<T: Element> FusedIterator for Epoch<T> {}
