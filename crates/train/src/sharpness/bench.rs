//! What measurements work with: a surface to compute on, and a keeper of what they find now and then.

use std::time::{Duration, Instant};

use polder_models::{FlatParameters, LossSurface, filter_scales};
use polder_optim::Vector as _;
use tch::Tensor;

use super::interruptible_oracle::InterruptibleOracle;
use crate::interrupt;
use crate::progress::WorkProgress;
use polder_experiment::sharpness::measurement::{Found, Measurement};
use polder_experiment::sharpness::store::Store;

/// Longest time whose work an interruption by force can cost, beyond the step at hand.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// What computes: a surface, the images that BN is refreshed from, and a display.
pub(super) struct MeasuringContext<'a> {
    pub surface: LossSurface<'a>,
    pub refresh_images: &'a Tensor,
    pub progress: &'a dyn WorkProgress,
}

impl<'a> MeasuringContext<'a> {
    /// The surface after a refresh at `weights`.
    pub(super) fn at<'s>(
        &'s mut self,
        weights: &'s FlatParameters,
    ) -> anyhow::Result<InterruptibleOracle<'s, 'a>> {
        self.surface.refresh(weights, self.refresh_images)?;
        Ok(InterruptibleOracle {
            surface: &mut self.surface,
            at: weights,
            progress: self.progress,
            share: 1.0,
        })
    }
}

/// What was found by a measurement that ended with `result`: all there is, unless an interrupt came first.
pub(super) fn ended(result: anyhow::Result<()>, found: Found) -> anyhow::Result<(Found, bool)> {
    match result {
        Ok(()) => Ok((found, true)),
        Err(error) if interrupt::caused(&error) => Ok((found, false)),
        Err(error) => Err(error),
    }
}

/// The scales of scale-invariant coordinates, and their origin.
pub(super) fn scales_and_origin(at: &FlatParameters) -> anyhow::Result<(FlatParameters, FlatParameters)> {
    Ok((filter_scales(at)?, at.zeros_like()))
}

/// Writes what is known so far into the run directory.
pub(super) struct Keeper<'a> {
    store: &'a Store,
    answer: Measurement,
    begun: Instant,
    seconds_before: f64,
    kept: Instant,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(store: &'a Store, answer: Measurement) -> Self {
        let (now, seconds_before) = (Instant::now(), answer.seconds);
        Self { store, answer, begun: now, seconds_before, kept: now }
    }

    /// Keeps `found` if the last time is long ago.
    pub(super) fn note(&mut self, found: impl FnOnce() -> Found) -> anyhow::Result<()> {
        if self.kept.elapsed() < KEEP_EVERY { Ok(()) } else { self.keep(found(), false) }
    }

    /// Keeps `found`, the last of this sitting.
    pub(super) fn end(mut self, found: Found, is_finished: bool) -> anyhow::Result<Measurement> {
        self.keep(found, is_finished)?;
        Ok(self.answer)
    }

    fn keep(&mut self, found: Found, is_finished: bool) -> anyhow::Result<()> {
        self.answer.found = found;
        self.answer.is_finished = is_finished;
        self.answer.seconds = self.seconds_before + self.begun.elapsed().as_secs_f64();
        self.kept = Instant::now();
        self.store.keep(&self.answer)
    }
}
