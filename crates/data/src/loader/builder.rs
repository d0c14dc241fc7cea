//! The settings of a loader, checked when it is built.

use std::sync::Arc;

use crate::augment::element::Element;
use crate::augment::{Augment, Steps};
use crate::loader::minibatch::{BatchBuffer, Buffer, BufferPool, Format};
use crate::loader::sampler::Sharding;
use crate::loader::statistics::Recorder;
use crate::loader::{Loader, Settings};
use crate::{Augmentation, DataError, Dataset, Layout, Normalization, Order};

/// Makes a [`Loader`]: [`Loader::builder`], the settings that differ from the defaults, [`build`](Self::build).
///
/// # Example
/// ```
/// use polder_data::{Augmentation, Generated, GeneratedConfig, Layout, Loader, Normalization, bf16};
///
/// let images = Generated::new(GeneratedConfig::default())?;
/// let loader = Loader::builder(images)
///     .batch_size(64)
///     .seed(7)
///     .augmentation(Augmentation::crop_flip_cutout(Normalization::GENERATED))
///     .layout(Layout::Nhwc)
///     .build::<bf16>()?;
/// let minibatch = loader.epoch(0)?.next().expect("there are images")?;
/// assert_eq!(minibatch.images().shape(), [64, 32, 32, 3]);
/// # Ok::<(), polder_data::DataError>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct LoaderBuilder {
    dataset: Arc<dyn Dataset>,
    settings: Settings,
    layout: Layout,
    steps: Steps,
}

impl LoaderBuilder {
    pub(crate) fn new(dataset: Arc<dyn Dataset>) -> Self {
        let settings = Settings {
            batch_size: 128,
            seed: 0,
            order: Order::Shuffled,
            augmentation: Augmentation::none(Normalization::UNIT),
            drop_last: false,
            sharding: Sharding::default(),
            workers: 1,
            prefetch_per_worker: 2,
        };
        LoaderBuilder { dataset, settings, layout: Layout::default(), steps: Steps::default() }
    }

    /// Images per minibatch, at least 1; 128 unless set.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.settings.batch_size = batch_size;
        self
    }

    /// Seed of the order and of the augmentation; 0 unless set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// How an epoch visits the images; shuffled unless set.
    pub fn order(mut self, order: Order) -> Self {
        self.settings.order = order;
        self
    }

    /// What happens to each image; unless set, bytes become numbers in 0..=1 and nothing else.
    pub fn augmentation(mut self, augmentation: Augmentation) -> Self {
        self.settings.augmentation = augmentation;
        self
    }

    /// Adds a step of the user's own before the augmentation; several are applied in the order in which they were
    /// added.
    pub fn step(mut self, step: impl Augment + 'static) -> Self {
        self.steps.push(Arc::new(step));
        self
    }

    /// The order of a minibatch's axes; NCHW unless set.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Whether the last minibatch of an epoch is left out when it is not full; it is kept, and shorter, unless set.
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.settings.drop_last = drop_last;
        self
    }

    /// For training with `world_size` processes: this one is `rank`, in `0..world_size`.
    ///
    /// All processes follow the same order of the epoch. Step `s` of it has `batch_size * world_size` images, of which this
    /// process gets the `rank`-th part: together they see exactly what one process with `batch_size * world_size` images
    /// per minibatch would. Every process has the same number of steps. The images of a short last step are divided
    /// as evenly as possible, and if there are fewer of them than processes, some minibatches are empty.
    pub fn shard(mut self, rank: usize, world_size: usize) -> Self {
        self.settings.sharding = Sharding { rank, world_size };
        self
    }

    /// Threads, at least 1; 1 unless set. Changes no byte.
    pub fn workers(mut self, workers: usize) -> Self {
        self.settings.workers = workers;
        self
    }

    /// Finished minibatches that may wait per worker, at least 1; 2 unless set. Changes no byte.
    pub fn prefetch_per_worker(mut self, prefetch_per_worker: usize) -> Self {
        self.settings.prefetch_per_worker = prefetch_per_worker;
        self
    }

    /// A loader of minibatches of `T` in the program's own memory. Threads start with an epoch.
    ///
    /// # Errors
    /// [`DataError::Config`] if a setting is outside its range, or an epoch would have no minibatch.
    pub fn build<T: Element>(self) -> Result<Loader<T>, DataError> {
        self.build_in(|num_values| Box::new(vec![T::default(); num_values]))
    }

    /// A loader whose minibatches lie in memory that `allocate` gives: at least as many values as it is asked for, of
    /// any content. It is called from the worker threads, a few times in all: memory is used again.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_in<T: Element>(
        self,
        allocate: impl Fn(usize) -> Box<dyn BatchBuffer<T>> + Send + Sync + 'static,
    ) -> Result<Loader<T>, DataError> {
        let LoaderBuilder { dataset, mut settings, layout, steps } = self;
        validate(&settings, dataset.as_ref())?;
        let shape = dataset.shape();
        // A minibatch never holds more images than there are.
        let images = settings.batch_size.min(dataset.len());
        settings.workers = settings.workers.min(dataset.len());
        let pool = BufferPool::new(move || Buffer::new(allocate(images * shape.num_values()), images));
        let max_depth = settings.in_flight().min(settings.num_steps(dataset.len()) as usize);
        Ok(Loader {
            dataset,
            settings,
            steps,
            format: Format { shape, layout },
            pool: Arc::new(pool),
            recorder: Arc::new(Recorder::new(max_depth)),
        })
    }
}

fn validate(settings: &Settings, dataset: &dyn Dataset) -> Result<(), DataError> {
    let error = |field, found: String, expected: String| Err(DataError::Config { field, found, expected });
    let at_least_one = [
        ("batch size", settings.batch_size),
        ("workers", settings.workers),
        ("prefetch per worker", settings.prefetch_per_worker),
    ];
    for (field, value) in at_least_one {
        if value == 0 {
            return error(field, "0".to_owned(), "at least 1".to_owned());
        }
    }
    let Sharding { rank, world_size } = settings.sharding;
    if rank >= world_size {
        return error("rank", rank.to_string(), format!("less than the number of processes, {world_size}"));
    }
    settings.augmentation.validate(dataset.shape())?;
    let num_images = dataset.len();
    if num_images > u32::MAX as usize {
        return error("number of images", num_images.to_string(), format!("at most {}", u32::MAX));
    }
    if settings.num_steps(num_images) == 0 {
        let expected = if settings.drop_last {
            format!("at least one full minibatch of {}", settings.sharding.global_batch(settings.batch_size))
        } else {
            "at least 1".to_owned()
        };
        return error("number of images", num_images.to_string(), expected);
    }
    Ok(())
}
