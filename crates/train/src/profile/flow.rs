//! Minibatches on their way from a loader to a consumer, timed.

use std::fmt;
use std::time::{Duration, Instant};

use polder_data::Loader;
use tracing::trace_span;

use super::consumer::{Consumer, OnDevice};
use super::source::AnyLoader;
use crate::interrupt;

/// The least number of minibatches in a stretch, however slow they are.
const LEAST_STEPS: u64 = 3;

/// How long a stretch is.
pub struct Length {
    /// At least so long.
    pub time: Duration,
    /// Minibatches before the clock starts: until the queue is as full, or as empty, as it will stay.
    pub settle: u64,
}

/// What was seen during a stretch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stretch {
    pub images: u64,
    pub steps: u64,
    pub time: Duration,
    /// The consumer had asked and had nothing; the start of an epoch included.
    pub waited: Duration,
    /// The consumer made tensors of a minibatch.
    pub copied: Duration,
    /// At each step: seconds since the start, and the minibatches that were ready when one was asked for.
    pub depths: Vec<(f64, usize)>,
}

impl Stretch {
    /// Images per second.
    pub fn rate(&self) -> f64 {
        self.images as f64 / self.time.as_secs_f64()
    }

    /// What part of the time `part` is.
    pub fn share(&self, part: Duration) -> f64 {
        part.as_secs_f64() / self.time.as_secs_f64()
    }
}

/// A signal came before the measurement was over.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted before the measurement was over")
    }
}

impl std::error::Error for Interrupted {}

impl AnyLoader {
    /// `consumer` takes minibatches of this loader, epoch after epoch from `epoch` on, until `length` is over.
    pub fn flow(&self, consumer: &mut Consumer, length: &Length, epoch: &mut u64) -> anyhow::Result<Stretch> {
        match self {
            Self::U8(loader) => flow(loader, consumer, length, epoch),
            Self::F32(loader) => flow(loader, consumer, length, epoch),
            Self::Bf16(loader) => flow(loader, consumer, length, epoch),
        }
    }
}

fn flow<T: OnDevice>(
    loader: &Loader<T>,
    consumer: &mut Consumer,
    length: &Length,
    epoch: &mut u64,
) -> anyhow::Result<Stretch> {
    let mut clock = Clock::new(length);
    let mut asked = Instant::now();
    loop {
        let mut minibatches = loader.epoch(*epoch)?;
        *epoch += 1;
        loop {
            let depth = minibatches.queue_depth();
            // After the last one, `asked` stays: the consumer has been waiting since then for the next epoch.
            let Some(minibatch) = minibatches.next() else { break };
            let minibatch = minibatch?;
            let got = Instant::now();
            let images = minibatch.len() as u64;
            let copied = {
                let _span = trace_span!("step", epoch = minibatch.epoch(), step = minibatch.step()).entered();
                consumer.take(&minibatch)?
            };
            drop(minibatch);
            let now = Instant::now();
            if let Some(stretch) =
                clock.tick(now, || Tick { images, waited: got - asked, copied, asked, depth })
            {
                return Ok(stretch);
            }
            if interrupt::requested() {
                return Err(Interrupted.into());
            }
            asked = now;
        }
    }
}

/// `consumer` repeats its step on the same images of its own, without any loader, until `length` is over.
pub fn alone(consumer: &mut Consumer, batch_size: usize, length: &Length) -> anyhow::Result<Stretch> {
    let mut clock = Clock::new(length);
    let (nothing, images, depth) = (Duration::ZERO, batch_size as u64, 0);
    loop {
        let asked = Instant::now();
        consumer.resident_step(batch_size)?;
        let tick = || Tick { images, waited: nothing, copied: nothing, asked, depth };
        if let Some(stretch) = clock.tick(Instant::now(), tick) {
            return Ok(stretch);
        }
        if interrupt::requested() {
            return Err(Interrupted.into());
        }
    }
}

/// One step of a consumer.
struct Tick {
    images: u64,
    waited: Duration,
    copied: Duration,
    asked: Instant,
    depth: usize,
}

/// Starts when things have settled, and knows the end.
struct Clock<'a> {
    length: &'a Length,
    begun: Instant,
    settled: u64,
    start: Option<Instant>,
    stretch: Stretch,
}

impl<'a> Clock<'a> {
    fn new(length: &'a Length) -> Self {
        Self { length, begun: Instant::now(), settled: 0, start: None, stretch: Stretch::default() }
    }

    /// A step ended at `now`. The stretch, if that was its last one.
    fn tick(&mut self, now: Instant, tick: impl FnOnce() -> Tick) -> Option<Stretch> {
        let Some(start) = self.start else {
            self.settled += 1;
            // Steps so slow that settling alone would last longer than the stretch have settled after one.
            if self.settled >= self.length.settle || now - self.begun >= self.length.time {
                self.start = Some(now);
            }
            return None;
        };
        let Tick { images, waited, copied, asked, depth } = tick();
        let stretch = &mut self.stretch;
        stretch.images += images;
        stretch.steps += 1;
        stretch.waited += waited;
        stretch.copied += copied;
        stretch.depths.push(((asked - start).as_secs_f64(), depth));
        stretch.time = now - start;
        let over = stretch.time >= self.length.time && stretch.steps >= LEAST_STEPS;
        over.then(|| std::mem::take(stretch))
    }
}
