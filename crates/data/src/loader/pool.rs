//! Where buffers live between two uses.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::loader::runtime::Runtime;

/// Buffers at rest. One is made only when none rests here, so their number is the largest number ever in use at once:
/// those the workers fill, those that wait, and those the consumer holds.
pub(crate) struct Pool<R: Runtime, B: Send + 'static> {
    resting: R::Lock<Vec<B>>,
    made: AtomicUsize,
    make: Box<dyn Fn() -> B + Send + Sync>,
}

impl<R: Runtime, B: Send + 'static> Pool<R, B> {
    pub(crate) fn new(make: impl Fn() -> B + Send + Sync + 'static) -> Self {
        Pool { resting: R::lock(Vec::new()), made: AtomicUsize::new(0), make: Box::new(make) }
    }

    /// The buffer used last, if there is a choice: it may still be in the cache.
    pub(crate) fn take(&self) -> B {
        if let Some(buffer) = R::with(&self.resting, Vec::pop) {
            return buffer;
        }
        let buffer = (self.make)();
        let made = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        // Room for all of them now, so that giving them back never allocates.
        R::with(&self.resting, |resting| resting.reserve(made));
        buffer
    }

    pub(crate) fn put(&self, buffer: B) {
        R::with(&self.resting, |resting| resting.push(buffer));
    }

    /// How many buffers were ever made.
    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }
}

impl<R: Runtime, B: Send + 'static> fmt::Debug for Pool<R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("made", &self.made()).finish_non_exhaustive()
    }
}
