//! Training: the epoch and step loops, with a checkpoint wherever they may be left.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;
use polder_data::Loader;
use polder_models::{Architecture, Arena, MinibatchObjective, Network};
use polder_optim::{Averages, Optimizer, Sam, Sgd};
use tch::Device;

use crate::config::{self, RunConfig};
use crate::environment;
use crate::evaluate::{LossSums, evaluate, evaluate_average, to_device};
use crate::images::Images;
use crate::interrupt;
use crate::progress::Progress;
use crate::record::{EndRecord, EpochRecord, ITERATE, Record, RunRecord, RunRecords, Timing};
use crate::run_dir::RunDir;
use crate::snapshot::{self, Position};

/// Looking for a loss that is not finite, and measuring SAM's ascent, waits for the device: done every so many steps,
/// counted within the epoch so that a resumed run does it at the same ones.
const INSPECT_EVERY: u64 = 50;

/// Epochs of BN refreshes are numbered from here, so that they never repeat the order of a training epoch.
const REFRESH_EPOCHS: u64 = 1 << 32;

/// How a run is carried out: nothing here changes its numbers.
#[derive(Clone, Debug)]
pub(crate) struct TrainOptions {
    /// Run directories are made here.
    pub(crate) runs_dir: PathBuf,
    /// Holds the folders of the data sets.
    pub(crate) data_dir: PathBuf,
    pub(crate) allow_unverified: bool,
    /// Augmentation threads.
    pub(crate) workers: usize,
    /// libtorch's threads for a run that begins; `None` for one per core.
    pub(crate) threads: Option<usize>,
    pub(crate) device: DeviceChoice,
    /// Longest time between two checkpoints within an epoch.
    pub(crate) checkpoint_every: Duration,
    /// Shows nothing of the progress.
    pub(crate) quiet: bool,
}

/// Where the network computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceChoice {
    Cpu,
    Cuda,
}

impl DeviceChoice {
    pub(crate) fn open(self) -> anyhow::Result<Device> {
        Ok(match self {
            Self::Cpu => Device::Cpu,
            Self::Cuda => polder_models::cuda()?,
        })
    }
}

/// How training ended; the run directory holds the records.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TrainOutcome {
    Finished(PathBuf),
    Diverged(PathBuf),
    /// A checkpoint was written; the same command continues.
    Interrupted(PathBuf),
}

/// Trains `config` to its end, from its last checkpoint if there is one; returns at once if it has ended.
pub(crate) fn train(config: &RunConfig, options: &TrainOptions) -> anyhow::Result<TrainOutcome> {
    let dir = RunDir::open(&options.runs_dir, config)?;
    if dir.is_ended()? {
        let records = RunRecords::read(dir.path())?;
        return Ok(match records.end {
            Some(EndRecord::Diverged { .. }) => TrainOutcome::Diverged(dir.path().to_owned()),
            _ => TrainOutcome::Finished(dir.path().to_owned()),
        });
    }
    let device = options.device.open()?;
    let images = Images::open(config, &options.data_dir, options.allow_unverified)?;
    environment::fix_threads(&dir.environment(), options.threads)?;
    let mut run = Run::begin_or_continue(config, options, &dir, &images, device)?;
    let end = run.finish()?;
    let path = dir.path().to_owned();
    Ok(match end {
        None => TrainOutcome::Interrupted(path),
        Some(EndRecord::Finished) => TrainOutcome::Finished(path),
        Some(EndRecord::Diverged { .. }) => TrainOutcome::Diverged(path),
    })
}

/// The network of `config` for `num_classes` classes, at its initial weights.
pub(crate) fn network(config: &RunConfig, num_classes: usize, device: Device) -> anyhow::Result<Network> {
    let architecture: Architecture = config.model.name.parse().context("`model.name`")?;
    let precision = match config.model.precision {
        config::Precision::F32 => polder_models::Precision::F32,
        config::Precision::Bf16 => polder_models::Precision::Bf16,
    };
    Ok(Network::new(architecture, num_classes, config.seed, precision, device)?)
}

/// The optimizer of `config`, before its first step.
pub(crate) fn optimizer(config: &RunConfig) -> anyhow::Result<Optimizer<Arena>> {
    Ok(match config.sam() {
        Some(sam) => Optimizer::Sam(Sam::new(sam)?),
        None => Optimizer::Sgd(Sgd::new(config.sgd())?),
    })
}

/// The epoch whose order and augmentation a BN refresh after `epoch` training epochs uses.
pub(crate) fn refresh_epoch(epoch: u64) -> u64 {
    REFRESH_EPOCHS + epoch
}

/// A run in progress.
struct Run<'a> {
    config: &'a RunConfig,
    options: &'a TrainOptions,
    dir: &'a RunDir,
    train: Loader,
    test: Loader,
    network: Network,
    weights: Arena,
    gradient: Arena,
    optimizer: Optimizer<Arena>,
    averages: Averages<Arena>,
    position: Position,
    progress: Progress,
}

/// How the steps of an epoch ended.
enum Steps {
    Completed(Timing),
    Diverged,
    Interrupted,
}

impl<'a> Run<'a> {
    fn begin_or_continue(
        config: &'a RunConfig,
        options: &'a TrainOptions,
        dir: &'a RunDir,
        images: &Images,
        device: Device,
    ) -> anyhow::Result<Self> {
        let train = images.train_loader(config, options.workers)?;
        let test = images.test_loader(options.workers)?;
        let network = network(config, images.num_classes(), device)?;
        let mut optimizer = optimizer(config)?;
        let mut averages = Averages::new(config.averages(train.steps_per_epoch()))?;
        let mut position = Position::default();
        if dir.checkpoint().exists() {
            position = snapshot::restore(&dir.checkpoint(), config, &network, &mut optimizer, &mut averages)?;
        }
        let record = RunRecord {
            id: config.id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            config: config.clone(),
            data: images.record.clone(),
            num_parameters: network.num_parameters(),
            device: if device.is_cuda() { "cuda" } else { "cpu" }.to_owned(),
        };
        dir.rewind(record, position.epoch)?;
        let (weights, gradient) = (network.parameters(), network.gradient());
        let done = position.epoch * train.steps_per_epoch() + position.step;
        let progress = Progress::new(config.training.epochs, train.steps_per_epoch(), done, options.quiet);
        if done > 0 {
            progress.line(&format!("continuing after {} epochs and {} steps", position.epoch, position.step));
        }
        Ok(Self {
            config,
            options,
            dir,
            train,
            test,
            network,
            weights,
            gradient,
            optimizer,
            averages,
            position,
            progress,
        })
    }

    /// `None` if an interrupt came first.
    fn finish(&mut self) -> anyhow::Result<Option<EndRecord>> {
        let schedule = self.config.schedule();
        while self.position.epoch < self.config.training.epochs {
            let learning_rate = schedule.at(self.position.epoch);
            let mut timing = match self.steps(learning_rate)? {
                Steps::Completed(timing) => timing,
                Steps::Interrupted => return Ok(None),
                Steps::Diverged => {
                    let steps = self.steps_done();
                    let end = EndRecord::Diverged { epoch: self.position.epoch + 1, steps };
                    self.progress
                        .line(&format!("the loss is no longer finite after {steps} steps: diverged"));
                    self.dir.append(&Record::End(end.clone()))?;
                    return Ok(Some(end));
                }
            };
            let Some(record) = self.epoch_record(learning_rate, &mut timing)? else {
                self.checkpoint()?;
                return Ok(None);
            };
            self.progress.epoch(&record, &timing);
            self.dir.append_epoch(record, &timing)?;
            self.position = Position { epoch: self.position.epoch + 1, ..Position::default() };
            self.checkpoint()?;
        }
        self.dir.append(&Record::End(EndRecord::Finished))?;
        Ok(Some(EndRecord::Finished))
    }

    /// The steps of the current epoch that are left.
    fn steps(&mut self, learning_rate: f64) -> anyhow::Result<Steps> {
        let steps_per_epoch = self.train.steps_per_epoch();
        let Position { loss_sum, num_wrong, num_images, .. } = self.position;
        let mut sums = LossSums::restored(&self.network, loss_sum, num_wrong, num_images);
        let (begun, mut waited, mut images_here) = (Instant::now(), Duration::ZERO, 0);
        let mut last_checkpoint = Instant::now();
        let mut minibatches = self.train.epoch_from(self.position.epoch, self.position.step)?;
        while self.position.step < steps_per_epoch {
            let asked = Instant::now();
            let minibatch = minibatches.next().context("the loader ended before the epoch")??;
            waited += asked.elapsed();

            let inspect = self.position.step % INSPECT_EVERY == INSPECT_EVERY - 1
                || self.position.step + 1 == steps_per_epoch;
            let (images, labels) = to_device(&minibatch, &self.network)?;
            let mut objective = MinibatchObjective::new(&self.network, images, labels);
            if inspect && matches!(self.optimizer, Optimizer::Sam(_)) {
                objective = objective.measuring_ascent();
            }
            let loss =
                self.optimizer.step(&mut objective, &mut self.weights, &mut self.gradient, learning_rate)?;
            self.averages.update(self.steps_done(), &self.weights);
            sums.add(&loss, minibatch.len() as u64);
            images_here += minibatch.len();
            if let Some(ascent) = objective.effective_ascent() {
                self.position.ascent_sum += ascent;
                self.position.num_ascents += 1;
            }
            self.position.step += 1;

            if inspect && !sums.loss_sum().is_finite() {
                return Ok(Steps::Diverged);
            }
            let interrupted = interrupt::requested();
            if interrupted || last_checkpoint.elapsed() >= self.options.checkpoint_every {
                self.hold(&sums);
                self.checkpoint()?;
                last_checkpoint = Instant::now();
            }
            if interrupted {
                return Ok(Steps::Interrupted);
            }
            if self.progress.is_due() {
                let seconds = begun.elapsed().as_secs_f64();
                let loss = sums.loss_sum() / sums.images as f64;
                let wait = waited.as_secs_f64() / seconds;
                let rate = images_here as f64 / seconds;
                self.progress.show(self.position.epoch + 1, self.steps_done(), loss, rate, wait);
            }
        }
        self.hold(&sums);
        let train_seconds = begun.elapsed().as_secs_f64();
        Ok(Steps::Completed(Timing {
            epoch: self.position.epoch + 1,
            train_seconds,
            evaluate_seconds: 0.0,
            images_per_second: images_here as f64 / train_seconds,
            data_wait_share: waited.as_secs_f64() / train_seconds,
        }))
    }

    /// The record of the epoch whose steps are done. `None` if an interrupt came first.
    fn epoch_record(&self, learning_rate: f64, timing: &mut Timing) -> anyhow::Result<Option<EpochRecord>> {
        let Position { loss_sum, num_wrong, num_images, ascent_sum, num_ascents, .. } = self.position;
        let epoch = self.position.epoch + 1;
        let mut record = EpochRecord {
            epoch,
            steps: self.steps_done(),
            learning_rate,
            train_loss: Some(loss_sum / num_images as f64).filter(|loss| loss.is_finite()),
            train_error: num_wrong as f64 / num_images as f64,
            ascent_norm: (num_ascents > 0).then(|| ascent_sum / num_ascents as f64),
            evaluations: std::collections::BTreeMap::new(),
        };
        let training = &self.config.training;
        if epoch.is_multiple_of(training.evaluate_every) || epoch == training.epochs {
            let begun = Instant::now();
            self.progress.note("evaluating the last iterate");
            let Some(iterate) = evaluate(&self.network, &self.test)? else { return Ok(None) };
            record.evaluations.insert(ITERATE.to_owned(), iterate);
            for (name, average) in self.averages.iter() {
                self.progress.note(&format!("refreshing BN and evaluating the average `{name}`"));
                let order = refresh_epoch(epoch);
                let evaluation = evaluate_average(&self.network, average, &self.train, order, &self.test)?;
                let Some(evaluation) = evaluation else { return Ok(None) };
                record.evaluations.insert(name.to_owned(), evaluation);
            }
            timing.evaluate_seconds = begun.elapsed().as_secs_f64();
        }
        Ok(Some(record))
    }

    /// Brings the sums of the epoch into the position, which is what a checkpoint stores.
    fn hold(&mut self, sums: &LossSums) {
        self.position.loss_sum = sums.loss_sum();
        self.position.num_wrong = sums.num_wrong();
        self.position.num_images = sums.images;
    }

    fn steps_done(&self) -> u64 {
        self.position.epoch * self.train.steps_per_epoch() + self.position.step
    }

    fn checkpoint(&self) -> anyhow::Result<()> {
        let path = self.dir.checkpoint();
        snapshot::save(&path, self.config, &self.network, &self.optimizer, &self.averages, &self.position)
    }
}
