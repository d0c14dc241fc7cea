//! Where the time of a loader goes: always on, one reading of the clock per minibatch and stage.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// A part of the way of a minibatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoaderStage {
    /// Drawing the order of an epoch and starting its threads; once per epoch, in the consumer's thread.
    Plan,
    /// A worker waits to be given a step: its minibatches are not taken as fast as they are made.
    Idle,
    /// A worker reads, augments and writes the images of a minibatch.
    Fill,
    /// The consumer waits for a minibatch: it is faster than the workers. Minibatches that were there already do not
    /// count.
    Wait,
}

impl LoaderStage {
    /// Every stage, in the order in which a minibatch passes them.
    pub const ALL: [LoaderStage; 4] =
        [LoaderStage::Plan, LoaderStage::Idle, LoaderStage::Fill, LoaderStage::Wait];
}

impl fmt::Display for LoaderStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            LoaderStage::Plan => "plan",
            LoaderStage::Idle => "idle",
            LoaderStage::Fill => "fill",
            LoaderStage::Wait => "wait",
        })
    }
}

/// How long a stage took, over all minibatches since the loader was made. Quantiles are within 1 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageStatistics {
    /// How often it was measured.
    pub count: u64,
    /// The sum of all.
    pub total: Duration,
    /// The median.
    pub p50: Duration,
    /// Exceeded by one in a hundred.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl StageStatistics {
    /// The mean; zero if nothing was measured.
    pub fn mean(&self) -> Duration {
        u32::try_from(self.count)
            .map_or(Duration::ZERO, |count| self.total.checked_div(count).unwrap_or_default())
    }
}

/// Where the time of a [`Loader`](crate::Loader) went, since it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    stages: [StageStatistics; 4],
    /// Minibatches given to the consumer.
    pub minibatches: u64,
    /// Minibatches that the consumer had to wait for.
    pub stalls: u64,
    /// Entry `d`: how many minibatches were asked for while `d` of them were ready, the one asked for included. A
    /// consumer that never waits sees the queue full.
    pub queue_depths: Vec<u64>,
}

impl Statistics {
    /// The statistics of one stage.
    pub fn stage(&self, stage: LoaderStage) -> StageStatistics {
        self.stages[stage as usize]
    }
}

/// What the threads of a loader write to.
pub(crate) struct Recorder {
    stages: [Mutex<Histogram<u64>>; 4],
    queue: Mutex<Queue>,
    /// Nanoseconds that the last minibatch took to fill; `u64::MAX` before there is one.
    last_fill: AtomicU64,
}

struct Queue {
    minibatches: u64,
    stalls: u64,
    depths: Vec<u64>,
}

/// Nanoseconds: from one to an hour, to two significant digits.
const LONGEST: u64 = 3_600_000_000_000;

impl Recorder {
    /// A recorder for queues up to `max_depth` deep. It never allocates again.
    pub(crate) fn new(max_depth: usize) -> Self {
        let histogram = || {
            Mutex::new(
                Histogram::new_with_bounds(1, LONGEST, 2).expect("the bounds and digits are valid constants"),
            )
        };
        Recorder {
            stages: std::array::from_fn(|_| histogram()),
            queue: Mutex::new(Queue { minibatches: 0, stalls: 0, depths: vec![0; max_depth + 1] }),
            last_fill: AtomicU64::new(u64::MAX),
        }
    }

    /// Measures `work` as one occurrence of `stage`.
    pub(crate) fn measure<R>(&self, stage: LoaderStage, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if stage == LoaderStage::Fill {
            self.last_fill.store(nanoseconds, Ordering::Relaxed);
        }
        let mut histogram = self.stages[stage as usize].lock().unwrap_or_else(PoisonError::into_inner);
        histogram.saturating_record(nanoseconds.clamp(1, LONGEST));
        result
    }

    /// How long the last minibatch took to fill; for ever before there is one.
    pub(crate) fn last_fill(&self) -> Duration {
        Duration::from_nanos(self.last_fill.load(Ordering::Relaxed))
    }

    /// One minibatch is asked for when `depth` are ready.
    pub(crate) fn asked(&self, depth: usize) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.minibatches += 1;
        queue.stalls += u64::from(depth == 0);
        let last = queue.depths.len() - 1;
        queue.depths[depth.min(last)] += 1;
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let stages = std::array::from_fn(|stage| {
            let histogram = self.stages[stage].lock().unwrap_or_else(PoisonError::into_inner);
            let total: f64 = histogram
                .iter_recorded()
                .map(|step| step.value_iterated_to() as f64 * step.count_at_value() as f64)
                .sum();
            StageStatistics {
                count: histogram.len(),
                total: Duration::from_nanos(total as u64),
                p50: Duration::from_nanos(histogram.value_at_quantile(0.5)),
                p99: Duration::from_nanos(histogram.value_at_quantile(0.99)),
                max: Duration::from_nanos(histogram.max()),
            }
        });
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        Statistics {
            stages,
            minibatches: queue.minibatches,
            stalls: queue.stalls,
            queue_depths: queue.depths.clone(),
        }
    }
}
