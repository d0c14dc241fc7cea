//! The loader: epochs of minibatches, prepared ahead of their consumer by worker threads.

pub(crate) mod builder;
pub(crate) mod epoch;
pub(crate) mod minibatch;
pub(crate) mod pipeline;
pub(crate) mod pool;
pub(crate) mod reorder;
pub(crate) mod runtime;
pub(crate) mod sampler;
pub(crate) mod statistics;
pub(crate) mod worker;

use std::fmt;
use std::sync::Arc;

use tracing::trace_span;

use crate::augment::element::Element;
use crate::augment::{Augmenter, Steps};
use crate::loader::builder::LoaderBuilder;
use crate::loader::epoch::Epoch;
use crate::loader::minibatch::{BufferPool, Format};
use crate::loader::pipeline::Pipeline;
use crate::loader::runtime::{Native, Runtime};
use crate::loader::sampler::{EpochPlan, Sharding};
use crate::loader::statistics::{LoaderStage, Recorder, Statistics};
use crate::loader::worker::{EpochWork, Worker};
use crate::{Augmentation, DataError, Dataset, Order};

/// Gives out the epochs of a data set as minibatches of images: `u8`, `f32` or `bf16`.
///
/// Every byte is a function of the data set, the settings and the epoch; the number of workers, the queue and where an
/// epoch was entered change nothing. At most `workers * (queue + 1)` minibatches are made or wait at a time.
///
/// # Example
/// ```
/// use polder_data::{Augmentation, Generated, GeneratedConfig, Loader, Normalization};
///
/// let images = Generated::new(GeneratedConfig { num_images: 100, ..GeneratedConfig::default() })?;
/// let loader = Loader::builder(images)
///     .batch_size(32)
///     .augmentation(Augmentation::crop_flip_cutout(Normalization::GENERATED))
///     .workers(2)
///     .build::<f32>()?;
/// let mut seen = 0;
/// for minibatch in loader.epoch(0)? {
///     let minibatch = minibatch?;
///     assert_eq!(minibatch.images().shape()[1..], [3, 32, 32]);
///     seen += minibatch.len();
/// }
/// assert_eq!((seen, loader.steps_per_epoch()), (100, 4));
/// # Ok::<(), polder_data::DataError>(())
/// ```
pub struct Loader<T: Element = f32> {
    pub(crate) dataset: Arc<dyn Dataset>,
    pub(crate) settings: Settings,
    pub(crate) steps: Steps,
    pub(crate) format: Format,
    pub(crate) pool: Arc<BufferPool<T>>,
    pub(crate) recorder: Arc<Recorder>,
}

/// How a [`Loader`] reads its data set: what the methods of [`LoaderBuilder`] say. All but `workers` and `queue` decide
/// what the minibatches contain; these two only decide how fast they come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) batch_size: usize,
    pub(crate) seed: u64,
    pub(crate) order: Order,
    pub(crate) augmentation: Augmentation,
    pub(crate) drop_last: bool,
    pub(crate) sharding: Sharding,
    pub(crate) workers: usize,
    pub(crate) prefetch_per_worker: usize,
}

impl Settings {
    /// Minibatches that are made or wait at a time.
    pub(crate) fn in_flight(&self) -> usize {
        self.workers.saturating_mul(self.prefetch_per_worker.saturating_add(1))
    }

    pub(crate) fn num_steps(&self, num_images: usize) -> u64 {
        sampler::num_steps(num_images, self.sharding.global_batch(self.batch_size), self.drop_last)
    }
}

impl Loader {
    /// A loader of `dataset` with the default settings, to be changed and built.
    pub fn builder(dataset: impl Dataset + 'static) -> LoaderBuilder {
        LoaderBuilder::new(Arc::new(dataset))
    }
}

impl<T: Element> Loader<T> {
    /// The data set.
    pub fn dataset(&self) -> &Arc<dyn Dataset> {
        &self.dataset
    }

    /// Images per minibatch; the last one of an epoch may have fewer.
    pub fn batch_size(&self) -> usize {
        self.settings.batch_size
    }

    /// What happens to each image.
    pub fn augmentation(&self) -> Augmentation {
        self.settings.augmentation
    }

    /// Threads.
    pub fn workers(&self) -> usize {
        self.settings.workers
    }

    /// Minibatches per epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.settings.num_steps(self.dataset.len())
    }

    /// How many minibatch buffers this loader ever allocated: the largest number that was in use at once, by workers,
    /// in the queue and with the consumer.
    pub fn buffers_allocated(&self) -> usize {
        self.pool.made()
    }

    /// Where the time went so far.
    pub fn statistics(&self) -> Statistics {
        self.recorder.statistics()
    }

    /// Starts epoch `epoch` at its first step.
    ///
    /// # Errors
    /// What [`Dataset::check`] says, [`DataError::Changed`] for example; [`DataError::Spawn`] if the system gives no
    /// thread.
    pub fn epoch(&self, epoch: u64) -> Result<Epoch<T>, DataError> {
        self.epoch_from(epoch, 0)
    }

    /// Starts epoch `epoch` at `step`: exactly the minibatches that [`epoch`](Self::epoch) yields from there on.
    ///
    /// # Errors
    /// [`DataError::Config`] if `step` is beyond [`steps_per_epoch`](Self::steps_per_epoch) (equal to it is an epoch
    /// with nothing left); what [`Dataset::check`] says; [`DataError::Spawn`] if the system gives no thread.
    pub fn epoch_from(&self, epoch: u64, step: u64) -> Result<Epoch<T>, DataError> {
        let num_steps = self.steps_per_epoch();
        if step > num_steps {
            return Err(DataError::Config {
                field: "step",
                found: step.to_string(),
                expected: format!("at most {num_steps} (steps per epoch)"),
            });
        }
        self.dataset.check()?;
        let _span = trace_span!("plan", epoch, step).entered();
        let pipeline = self.recorder.measure(LoaderStage::Plan, || {
            let Settings { batch_size, seed, order, augmentation, sharding, workers, .. } = self.settings;
            let indices = sampler::epoch_order(order, seed, epoch, self.dataset.len());
            let stop = Arc::new(Native::flag());
            let work = Arc::new(EpochWork {
                dataset: Arc::clone(&self.dataset),
                plan: EpochPlan::new(epoch, indices, batch_size, sharding),
                format: self.format,
                pool: Arc::clone(&self.pool),
                recorder: Arc::clone(&self.recorder),
                stop: Arc::clone(&stop),
            });
            // Made here, where an error can be returned; validated when the loader was built.
            let augmenter = Augmenter::new(augmentation, self.format.shape, seed, epoch)?
                .with_layout(self.format.layout)
                .with_steps(self.steps.clone());
            let make_work = || Worker { work: Arc::clone(&work), augmenter: augmenter.clone() };
            Pipeline::start(step..num_steps, workers, self.settings.in_flight(), stop, make_work)
                .map_err(|error| DataError::Spawn { worker: error.worker, source: error.source })
        })?;
        Ok(Epoch { number: epoch, pipeline, recorder: Arc::clone(&self.recorder), lent: None, failed: false })
    }
}

impl<T: Element> fmt::Debug for Loader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader")
            .field("num_images", &self.dataset.len())
            .field("element", &T::NAME)
            .field("format", &self.format)
            .field("settings", &self.settings)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}
