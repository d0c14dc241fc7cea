//! Minibatches on their way from a loader to a consumer, timed.

use std::time::{Duration, Instant};

use super::consumer::Consumer;
use crate::feed::Feed;
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
    /// Tensors were made of a minibatch.
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

/// `consumer` takes the minibatches of `feed`, epoch after epoch from `epoch` on, until `length` is over.
///
/// # Errors
/// [`Interrupted`](interrupt::Interrupted); if the loader or a step fails.
pub fn flow(
    feed: &Feed,
    consumer: &mut Consumer,
    length: &Length,
    epoch: &mut u64,
) -> anyhow::Result<Stretch> {
    let mut clock = Clock::new(length);
    loop {
        let asked = Instant::now();
        let mut minibatches = feed.epoch(*epoch)?;
        *epoch += 1;
        let begun = asked.elapsed();
        let (mut waited_before, mut copied_before) = (Duration::ZERO, Duration::ZERO);
        loop {
            let (asked, depth) = (Instant::now(), minibatches.queue_depth());
            let Some(images) = consumer.take(&mut minibatches) else { break };
            let (waited, copied) = (begun + minibatches.waited(), minibatches.copy_time());
            let step = Step {
                images: images? as u64,
                waited: waited.saturating_sub(waited_before),
                copied: copied.saturating_sub(copied_before),
                asked,
                depth,
            };
            (waited_before, copied_before) = (waited, copied);
            if clock.count(step, consumer)? {
                return Ok(clock.stretch);
            }
        }
    }
}

/// `consumer` repeats its step on the same images of its own, without any loader, until `length` is over.
///
/// # Errors
/// As [`flow`].
pub fn alone(consumer: &mut Consumer, batch_size: usize, length: &Length) -> anyhow::Result<Stretch> {
    let mut clock = Clock::new(length);
    let (images, nothing) = (batch_size as u64, Duration::ZERO);
    loop {
        let asked = Instant::now();
        consumer.resident_step(batch_size)?;
        let step = Step { images, waited: nothing, copied: nothing, asked, depth: 0 };
        if clock.count(step, consumer)? {
            return Ok(clock.stretch);
        }
    }
}

/// One step of a consumer.
#[derive(Clone, Copy)]
struct Step {
    images: u64,
    waited: Duration,
    copied: Duration,
    asked: Instant,
    depth: usize,
}

/// Starts when things have settled, and knows the end. It waits for the device at both, and only there, as training does.
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

    /// Counts a step; whether it was the last of the stretch.
    fn count(&mut self, step: Step, consumer: &Consumer) -> anyhow::Result<bool> {
        interrupt::heed()?;
        let Some(start) = self.start else {
            self.settled += 1;
            // Steps so slow that settling alone would last longer than the stretch have settled after one.
            if self.settled >= self.length.settle || self.begun.elapsed() >= self.length.time {
                consumer.wait()?;
                self.start = Some(Instant::now());
            }
            return Ok(false);
        };
        let stretch = &mut self.stretch;
        stretch.images += step.images;
        stretch.steps += 1;
        stretch.waited += step.waited;
        stretch.copied += step.copied;
        stretch.depths.push(((step.asked - start).as_secs_f64(), step.depth));
        let is_over = start.elapsed() >= self.length.time && stretch.steps >= LEAST_STEPS;
        if is_over {
            consumer.wait()?;
            stretch.time = start.elapsed();
        }
        Ok(is_over)
    }
}
