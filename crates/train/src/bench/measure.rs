//! The rounds of a benchmark: everything in turn, so that a busy machine slows all of it alike.

use std::path::Path;
use std::time::{Duration, Instant};

use polder_models::{Architecture, RecordedGradients};
use polder_optim::Averages;
use tch::{Device, Kind};

use super::ceiling::{Ceiling, Copies};
use super::memory::Peak;
use super::step::Parts;
use crate::feed::Feed;
use crate::interrupt;
use crate::progress::WorkProgress;
use crate::run_feeds::LoaderOptions;
use crate::timed_training::TimedTraining;
use crate::trainer;
use crate::training::Training;
use polder_experiment::bench::BenchRecord;
use polder_experiment::config::{Method, Precision, RunConfig};
use polder_experiment::images::Images;
use polder_experiment::profile::measurement::Spread;
use polder_experiment::run::record::Environment;

/// Rounds over which medians are taken.
const ROUNDS: usize = 5;

/// Classes of the generated images.
const NUM_CLASSES: usize = 10;

/// What is measured.
pub struct Plan<'a> {
    /// Its data are generated images, enough for the steps of a round.
    pub config: &'a RunConfig,
    pub device: Device,
    /// Gradients are replayed from CUDA graphs.
    pub cuda_graphs: bool,
    /// Steps per round, at least 1.
    pub steps: usize,
    pub loader: LoaderOptions,
    pub environment: Environment,
}

/// One round.
struct Round {
    step: Duration,
    parts: Vec<Parts>,
    with_loader: Duration,
    waited: Duration,
    ceiling: f64,
    /// Bytes per second.
    copies: f64,
}

impl Plan<'_> {
    /// Warms up, then measures; `progress` follows the rounds.
    pub fn measure(self, progress: &dyn WorkProgress) -> anyhow::Result<BenchRecord> {
        let batch_size = self.config.training.batch_size;
        let peak = Peak::begin(self.device);
        let feed = self.feed()?;
        let mut bench = self.bench(&feed)?;
        let kind = match self.config.model.precision {
            Precision::F32 => Kind::Float,
            Precision::Bf16 => Kind::BFloat16,
        };
        // The first steps choose algorithms and allocate.
        let warm = Instant::now();
        self.warm_up(&mut bench)?;
        bench.parts()?;
        let seconds = warm.elapsed().as_secs_f64() * self.steps as f64 * ROUNDS as f64;
        let peak_memory_bytes = peak.bytes();
        let ceiling = Ceiling::new(kind, self.device)?;
        ceiling.measure()?;
        let optimizer = &self.config.optimizer;
        // An update reads the gradient, reads and writes the weights and the velocity if there is one; an average is read
        // and written beside the weights.
        let (velocities, averages) = (usize::from(optimizer.momentum != 0.0), self.config.averages.len());
        let copies = Copies::new(2 + velocities + averages, bench.training.weights.flat())?;
        copies.measure()?;
        let moved = 4 * bench.training.weights.flat().numel() * (3 + 2 * velocities + 3 * averages);
        progress.plan(ROUNDS as f64);
        progress.begin(&self.config.model.name, ROUNDS as f64, Some(seconds));
        let mut rounds = Vec::with_capacity(ROUNDS);
        for epoch in 0..ROUNDS as u64 {
            rounds.push(self.round(&mut bench, &feed, (&ceiling, &copies), epoch)?);
            progress.advance(1.0);
        }
        let architecture: Architecture = self.config.model.name.parse()?;
        let macs = architecture.macs(NUM_CLASSES, [3, 32, 32])?;
        // A gradient is a forward pass and two products of the same size; SAM takes two gradients.
        let gradients = if self.config.optimizer.method == Method::Sam { 2.0 } else { 1.0 };
        let operations = 6.0 * gradients * macs as f64;
        let images = (self.steps * batch_size) as f64;
        let over = |quantity: &dyn Fn(&Round) -> f64| Spread::of(rounds.iter().map(quantity));
        let rate = |round: &Round| images / round.step.as_secs_f64();
        let mean = |round: &Round, of: fn(&Parts) -> Duration| {
            round.parts.iter().map(|parts| of(parts).as_secs_f64()).sum::<f64>() / round.parts.len() as f64
        };
        let part = |of: fn(&Parts) -> Duration| over(&|round: &Round| mean(round, of));
        let update = |parts: &Parts| parts.optimizer + parts.averages;
        Ok(BenchRecord {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            device: if self.device.is_cuda() { "cuda" } else { "cpu" }.to_owned(),
            cuda_graphs: self.cuda_graphs,
            model: self.config.model.name.clone(),
            precision: if kind == Kind::Float { "f32" } else { "bf16" }.to_owned(),
            optimizer: if gradients > 1.0 { "SAM" } else { "SGD" }.to_owned(),
            averages: self.config.averages.len(),
            batch_size,
            num_parameters: bench.training.network.num_parameters(),
            macs,
            steps: self.steps * ROUNDS,
            images_per_second: over(&rate),
            images_per_second_with_loader: over(&|round| images / round.with_loader.as_secs_f64()),
            data_wait: over(&|round| round.waited.as_secs_f64() / round.with_loader.as_secs_f64()),
            forward_seconds: part(|parts| parts.forward),
            backward_seconds: part(|parts| parts.backward),
            optimizer_seconds: part(|parts| parts.optimizer),
            averages_seconds: part(|parts| parts.averages),
            averages_share: over(&|round| {
                mean(round, |parts| parts.averages) * self.steps as f64 / round.step.as_secs_f64()
            }),
            update_of_copies: over(&|round| mean(round, update) * round.copies / moved as f64),
            peak_memory_bytes,
            flops: over(&|round| operations * rate(round)),
            ceiling_flops: over(&|round| round.ceiling),
            share_of_ceiling: over(&|round| operations * rate(round) / round.ceiling),
            environment: self.environment,
        })
    }

    /// The minibatches of a round.
    pub(super) fn feed(&self) -> anyhow::Result<Feed> {
        let images = Images::open(self.config, Path::new(""), false)?;
        Feed::training(&images, self.config, self.loader, self.device)
    }

    pub(super) fn bench(&self, feed: &Feed) -> anyhow::Result<TimedTraining> {
        let network = trainer::network(self.config, NUM_CLASSES, self.device)?;
        let optimizer = trainer::built_in_optimizer(self.config, &network)?;
        let averages = Averages::new(self.config.averages(1))?;
        let batch_size = self.config.training.batch_size;
        let recorded = self.cuda_graphs.then(|| RecordedGradients::new(&network, batch_size)).transpose()?;
        let training = Training { recorded, ..Training::new(network, optimizer, averages) };
        TimedTraining::new(training, feed)
    }

    /// Steps that choose algorithms and allocate; with CUDA graphs, those that are not recorded, the recording, and one more.
    pub(super) fn warm_up(&self, bench: &mut TimedTraining) -> anyhow::Result<()> {
        let steps = if self.cuda_graphs { 5 } else { 2 };
        bench.time(steps).map(drop)
    }

    fn round(
        &self,
        bench: &mut TimedTraining,
        feed: &Feed,
        (ceiling, copies): (&Ceiling, &Copies),
        epoch: u64,
    ) -> anyhow::Result<Round> {
        let product = ceiling.measure()?;
        let copied = copies.measure()?;
        let step = bench.time(self.steps as u64)?;
        let mut parts = Vec::with_capacity(self.steps);
        for _ in 0..self.steps {
            interrupt::heed()?;
            parts.push(bench.parts()?);
        }
        let begun = Instant::now();
        let mut minibatches = feed.epoch(epoch)?;
        while let Some(minibatch) = minibatches.next() {
            interrupt::heed()?;
            bench.queue(minibatch?)?;
            minibatches.send_next();
        }
        bench.training.wait()?;
        let with_loader = begun.elapsed();
        let waited = minibatches.waited();
        Ok(Round { step, parts, with_loader, waited, ceiling: product, copies: copied })
    }
}
