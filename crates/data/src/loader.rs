//! The loader: epochs of minibatches, prepared ahead of their consumer by worker threads.
//!
//! The consumer hands out steps and takes back minibatches. At most `workers * (queue + 1)` steps are in flight: one
//! in each worker's hands and `queue` finished ones waiting per worker; another step is handed out only when a
//! minibatch is taken. Both channels have room for all of them, so a worker never blocks on a send, and dropping an
//! epoch at any point, whatever its consumer still holds, ends every thread after at most one more image.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::augment::Augmentation;
use crate::minibatch::{BufferPool, Minibatch};
use crate::reorder::ReorderWindow;
use crate::sampler::{self, EpochPlan, Order};
use crate::worker::{EpochWork, Finished};
use crate::{DataError, Dataset};

/// How a [`Loader`] reads its data set. The first five settings decide what the minibatches contain; `workers` and
/// `queue` only decide how fast they come.
#[derive(Clone, Debug, PartialEq)]
pub struct LoaderConfig {
    /// Images per minibatch, at least 1.
    pub batch_size: usize,
    /// Seed of the order and of the augmentation.
    pub seed: u64,
    /// How an epoch visits the images.
    pub order: Order,
    /// What happens to each image.
    pub augmentation: Augmentation,
    /// Whether the last minibatch of an epoch is left out when it is not full.
    pub drop_last: bool,
    /// Threads, at least 1.
    pub workers: usize,
    /// Finished minibatches that may wait per worker, at least 1.
    pub queue: usize,
}

/// Gives out the epochs of a data set as minibatches of normalised images.
///
/// Every byte is a function of the data set, the configuration's first five fields and the epoch; the number of
/// workers, the queue and where an epoch was entered change nothing.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use polder_data::{Augmentation, Generated, GeneratedConfig, Loader, LoaderConfig, Normalization, Order};
///
/// let images = Generated::new(GeneratedConfig { num_images: 100, ..GeneratedConfig::default() })?;
/// let loader = Loader::new(Arc::new(images), LoaderConfig {
///     batch_size: 32,
///     seed: 0,
///     order: Order::Shuffled,
///     augmentation: Augmentation::papers(Normalization::GENERATED),
///     drop_last: false,
///     workers: 2,
///     queue: 2,
/// })?;
/// let mut seen = 0;
/// for minibatch in loader.epoch(0)? {
///     let minibatch = minibatch?;
///     assert_eq!(minibatch.images().shape()[1..], [3, 32, 32]);
///     seen += minibatch.len();
/// }
/// assert_eq!((seen, loader.steps_per_epoch()), (100, 4));
/// # Ok::<(), polder_data::DataError>(())
/// ```
pub struct Loader {
    dataset: Arc<dyn Dataset>,
    config: LoaderConfig,
    pool: Arc<BufferPool>,
}

impl Loader {
    /// Prepares to load `dataset`; threads start with an epoch.
    ///
    /// # Errors
    /// [`DataError::Config`] if a setting is outside its range, or an epoch would have no minibatch.
    pub fn new(dataset: Arc<dyn Dataset>, config: LoaderConfig) -> Result<Self, DataError> {
        let at_least_one =
            [("batch size", config.batch_size), ("workers", config.workers), ("queue", config.queue)];
        for (field, value) in at_least_one {
            if value == 0 {
                let (found, expected) = ("0".to_owned(), "at least 1".to_owned());
                return Err(DataError::Config { field, found, expected });
            }
        }
        let shape = dataset.shape();
        config.augmentation.validate(shape)?;
        if dataset.len() > u32::MAX as usize {
            return Err(DataError::Config {
                field: "number of images",
                found: dataset.len().to_string(),
                expected: format!("at most {}", u32::MAX),
            });
        }
        if sampler::num_steps(dataset.len(), config.batch_size, config.drop_last) == 0 {
            return Err(DataError::Config {
                field: "number of images",
                found: dataset.len().to_string(),
                expected: if config.drop_last {
                    format!("at least one full minibatch of {}", config.batch_size)
                } else {
                    "at least 1".to_owned()
                },
            });
        }
        // A minibatch never holds more images than there are.
        let batch_size = config.batch_size.min(dataset.len());
        Ok(Loader { pool: Arc::new(BufferPool::new(shape, batch_size)), dataset, config })
    }

    /// The data set.
    pub fn dataset(&self) -> &Arc<dyn Dataset> {
        &self.dataset
    }

    /// The configuration.
    pub fn config(&self) -> &LoaderConfig {
        &self.config
    }

    /// Minibatches per epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        sampler::num_steps(self.dataset.len(), self.config.batch_size, self.config.drop_last)
    }

    /// How many minibatch buffers this loader ever allocated: the largest number that was in use at once, by workers,
    /// in the queue and with the consumer.
    pub fn buffers_allocated(&self) -> usize {
        self.pool.allocated()
    }

    /// Starts epoch `epoch` at its first step.
    ///
    /// # Errors
    /// [`DataError::Spawn`] if the system gives no thread.
    pub fn epoch(&self, epoch: u64) -> Result<Epoch, DataError> {
        self.epoch_from(epoch, 0)
    }

    /// Starts epoch `epoch` at `step`: exactly the minibatches that [`epoch`](Self::epoch) yields from there on.
    ///
    /// # Errors
    /// [`DataError::Config`] if `step` is beyond [`steps_per_epoch`](Self::steps_per_epoch) (equal to it is an epoch
    /// with nothing left); [`DataError::Spawn`] if the system gives no thread.
    pub fn epoch_from(&self, epoch: u64, step: u64) -> Result<Epoch, DataError> {
        let num_steps = self.steps_per_epoch();
        if step > num_steps {
            return Err(DataError::Config {
                field: "step",
                found: step.to_string(),
                expected: format!("at most {num_steps} (steps per epoch)"),
            });
        }
        let LoaderConfig { batch_size, seed, order, augmentation, workers, queue, .. } = self.config;
        let indices = sampler::epoch_order(order, seed, epoch, self.dataset.len());
        let work = Arc::new(EpochWork {
            dataset: Arc::clone(&self.dataset),
            plan: EpochPlan::new(epoch, indices, batch_size),
            augmentation,
            seed,
            pool: Arc::clone(&self.pool),
            stop: AtomicBool::new(false),
        });
        Epoch::start(work, step..num_steps, workers, workers.saturating_mul(queue.saturating_add(1)))
    }
}

/// The minibatches of one epoch, in plan order. After an error it ends.
///
/// It owns its threads and outlives its [`Loader`] if need be; dropping it joins them.
pub struct Epoch {
    work: Arc<EpochWork>,
    /// Steps not handed out yet.
    to_hand_out: std::ops::Range<u64>,
    /// Steps not given to the consumer yet, `end` excluded.
    end: u64,
    /// Closed when there is nothing more to hand out.
    steps: Option<Sender<u64>>,
    finished: Receiver<Finished>,
    window: ReorderWindow<Result<Minibatch, DataError>>,
    threads: Vec<JoinHandle<()>>,
    failed: bool,
}

impl Epoch {
    fn start(
        work: Arc<EpochWork>,
        range: std::ops::Range<u64>,
        workers: usize,
        in_flight: usize,
    ) -> Result<Self, DataError> {
        let num_steps = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let in_flight = in_flight.min(num_steps);
        let (steps, steps_of_workers) = bounded(in_flight);
        let (finished_of_workers, finished) = bounded(in_flight);
        let mut epoch = Epoch {
            window: ReorderWindow::new(range.start, in_flight),
            end: range.end,
            to_hand_out: range,
            work,
            steps: Some(steps),
            finished,
            threads: Vec::with_capacity(workers),
            failed: false,
        };
        for _ in 0..in_flight {
            epoch.hand_out_step();
        }
        for worker in 0..workers.min(num_steps) {
            let (work, steps, finished) =
                (Arc::clone(&epoch.work), steps_of_workers.clone(), finished_of_workers.clone());
            let thread = thread::Builder::new()
                .name(format!("polder-data-{worker}"))
                .spawn(move || work.run(&steps, &finished))
                .map_err(|source| DataError::Spawn { worker, source })?;
            epoch.threads.push(thread);
        }
        Ok(epoch)
    }

    fn hand_out_step(&mut self) {
        match (self.to_hand_out.next(), &self.steps) {
            // There is room: one step is handed out per minibatch taken. If the workers are gone, receiving says so.
            (Some(step), Some(steps)) => drop(steps.send(step)),
            _ => self.steps = None,
        }
    }

    fn stop(&mut self) {
        self.failed = true;
        self.steps = None;
        self.work.stop.store(true, Ordering::Relaxed);
    }
}

impl Iterator for Epoch {
    type Item = Result<Minibatch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.window.next() == self.end {
            return None;
        }
        loop {
            if let Some(result) = self.window.pop() {
                if result.is_ok() {
                    self.hand_out_step();
                } else {
                    self.stop();
                }
                return Some(result);
            }
            let Ok((step, result)) = self.finished.recv() else {
                self.stop();
                let (epoch, step) = (self.work.plan.epoch, self.window.next());
                return Some(Err(DataError::WorkersEnded { epoch, step }));
            };
            self.window.insert(step, result);
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = if self.failed { 0 } else { (self.end - self.window.next()) as usize };
        // An error may end the epoch early.
        (left.min(1), Some(left))
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            // A panic of a sample was caught and reported; the thread itself has nothing to say.
            let _ = thread.join();
        }
    }
}
