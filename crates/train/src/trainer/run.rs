//! A run in progress: the epoch and step loops.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Instant, UNIX_EPOCH};

use anyhow::Context;
use polder_models::{CheckpointSeries, RecordedGradients};
use polder_optim::Averages;
use tch::Device;

use super::assemble::check_micro_batches;
use super::learning_rates::LearningRates;
use super::{TrainOptions, network, optimizer, refresh_epoch};
use crate::evaluate::{LossSums, evaluate, evaluate_refreshed};
use crate::feed::Feed;
use crate::interrupt;
use crate::progress::{StepState, TrainingProgress};
use crate::snapshot::{self, Parts, Position};
use crate::stored_run::take_newest_checkpoint;
use crate::training::Training;
use polder_experiment::config::{Method, RunConfig};
use polder_experiment::images::Images;
use polder_experiment::run::record::{
    EndRecord, EpochRecord, Evaluation, ITERATE, REFRESHED, Record, RunRecord, RunRecords, Timing,
};
use polder_experiment::run::run_dir::RunDir;
use polder_experiment::run::run_outcome::RunOutcome;

/// Looking for a loss that is not finite, and measuring SAM's ascent, waits for the device: done every so many steps,
/// counted within the epoch so that a resumed run does it at the same ones.
const INSPECT_EVERY: u64 = 50;

/// A run in progress.
pub(super) struct Run<'a> {
    config: &'a RunConfig,
    options: &'a TrainOptions,
    dir: &'a RunDir,
    train: Feed,
    test: Feed,
    training: Training,
    learning_rates: LearningRates,
    position: Position,
    last_checkpoint: Instant,
    progress: &'a mut dyn TrainingProgress,
}

impl<'a> Run<'a> {
    pub(super) fn begin_or_continue(
        config: &'a RunConfig,
        options: &'a TrainOptions,
        dir: &'a RunDir,
        images: &Images,
        device: Device,
        progress: &'a mut dyn TrainingProgress,
    ) -> anyhow::Result<Self> {
        let train = Feed::training(images, config, options.loader, device)?;
        let test = Feed::testing(images, options.loader, device)?;
        check_micro_batches(config, images.record.train_images)?;
        let smoothing = config.training.targets();
        smoothing.share_over_all(images.num_classes()).context("`training.label_smoothing`")?;
        let network = network(config, images.num_classes(), device)?;
        let batch_size = config.training.batch_size;
        let recorded =
            options.cuda_graphs.then(|| RecordedGradients::new(&network, batch_size)).transpose()?;
        let mut optimizer = optimizer(config, &network)?;
        let mut averages = Averages::new(config.averages(train.steps_per_epoch()))?;
        let mut position = Position::default();
        let mut data = images.record.clone();
        if let Some(found) = take_newest_checkpoint(dir)? {
            position = snapshot::restore(&found, config, &network, &mut *optimizer, &mut averages)?;
            // What it began with; an earlier version did not record that, and this one cannot know it.
            if let Ok(records) = RunRecords::read(dir.path()) {
                data.packed_checksums = records.run.data.packed_checksums;
            }
        }
        let record = RunRecord {
            id: config.id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            config: config.clone(),
            data,
            num_parameters: network.num_parameters(),
            device: if device.is_cuda() { "cuda" } else { "cpu" }.to_owned(),
        };
        dir.rewind(record, position.epoch)?;
        let training =
            Training { recorded, targets: smoothing, ..Training::new(network, optimizer, averages) };
        let done = position.epoch * train.steps_per_epoch() + position.step;
        progress.begin(config.training.epochs, train.steps_per_epoch(), done);
        if done > 0 {
            progress.line(&format!("continuing after {} epochs ({done} steps)", position.epoch));
        }
        Ok(Self {
            config,
            options,
            dir,
            learning_rates: LearningRates::new(config, train.steps_per_epoch()),
            train,
            test,
            training,
            position,
            last_checkpoint: Instant::now(),
            progress,
        })
    }

    /// Trains to the end; an interrupt leaves a checkpoint.
    pub(super) fn finish(&mut self) -> anyhow::Result<RunOutcome> {
        while self.position.epoch < self.config.training.epochs {
            let mut timing = match self.steps()? {
                ControlFlow::Continue(timing) => timing,
                ControlFlow::Break(outcome) => return Ok(outcome),
            };
            let record = match self.epoch_record(&mut timing) {
                Err(error) if interrupt::caused(&error) => {
                    self.checkpoint()?;
                    return Ok(RunOutcome::Interrupted);
                }
                record => record?,
            };
            timing.ended_at = UNIX_EPOCH.elapsed().ok().map(|elapsed| elapsed.as_secs_f64());
            self.progress.epoch(&record, &timing);
            self.dir.append_epoch(record, &timing)?;
            self.position = Position { epoch: self.position.epoch + 1, ..Position::default() };
            self.checkpoint()?;
        }
        self.dir.append(&Record::End(EndRecord::Finished))?;
        Ok(RunOutcome::Finished)
    }

    /// The steps of the current epoch that are left; how the run ended, if it did.
    fn steps(&mut self) -> anyhow::Result<ControlFlow<RunOutcome, Timing>> {
        let steps_per_epoch = self.train.steps_per_epoch();
        let Position { loss_sum, num_wrong, num_images, .. } = self.position;
        let mut sums = LossSums::restored(&self.training.network, loss_sum, num_wrong, num_images);
        let (begun, mut images_here) = (Instant::now(), 0);
        let mut minibatches = self.train.epoch_from(self.position.epoch, self.position.step)?;
        while self.position.step < steps_per_epoch {
            let (steps_done, measures_ascent) = (self.steps_done(), self.measures_ascent());
            let minibatch = minibatches.next().context("the loader ended before the epoch")??;
            let num_images = minibatch.num_images();
            let learning_rate = self.learning_rates.at(self.position.epoch, self.position.step);
            let step = self.training.step(minibatch, steps_done, learning_rate, measures_ascent)?;
            sums.add(&step.loss, num_images as u64);
            images_here += num_images;
            if let Some(ascent) = step.effective_ascent {
                self.position.ascent_sum += ascent;
                self.position.num_ascents += 1;
            }
            // All of this step is queued; what follows may wait for the device.
            minibatches.send_next();
            let inspect = self.steps_to_inspection() == 0;
            self.position.step += 1;

            if inspect && !sums.loss_sum().is_finite() {
                return self.diverged().map(ControlFlow::Break);
            }
            let interrupted = interrupt::requested();
            let asked = interrupt::take_checkpoint_request();
            let since_last = self.last_checkpoint.elapsed();
            let due = self.options.checkpoint_every.is_due(since_last, self.steps_done());
            if interrupted || asked || due {
                self.hold(&sums);
                self.checkpoint()?;
            }
            if interrupted {
                return Ok(ControlFlow::Break(RunOutcome::Interrupted));
            }
            if self.progress.is_due() {
                // Reading the loss waits for the device: only then have these images been trained on.
                let loss = sums.loss_sum() / sums.images as f64;
                let seconds = begun.elapsed().as_secs_f64();
                let wait = minibatches.waited().as_secs_f64() / seconds;
                let rate = images_here as f64 / seconds;
                self.progress.step(StepState {
                    epoch: self.position.epoch + 1,
                    steps_done: self.steps_done(),
                    loss,
                    images_per_second: rate,
                    data_wait_share: wait,
                });
            }
        }
        self.hold(&sums);
        let train_seconds = begun.elapsed().as_secs_f64();
        Ok(ControlFlow::Continue(Timing {
            epoch: self.position.epoch + 1,
            train_seconds,
            evaluate_seconds: 0.0,
            images_per_second: images_here as f64 / train_seconds,
            data_wait_share: minibatches.waited().as_secs_f64() / train_seconds,
            ended_at: None,
        }))
    }

    fn diverged(&mut self) -> anyhow::Result<RunOutcome> {
        let steps = self.steps_done();
        self.progress.line(&format!("the loss is no longer finite after {steps} steps: diverged"));
        self.dir.append(&Record::End(EndRecord::Diverged { epoch: self.position.epoch + 1, steps }))?;
        Ok(RunOutcome::Diverged)
    }

    /// Steps from the current one to the next that is inspected; 0 if it is this one.
    fn steps_to_inspection(&self) -> u64 {
        let step = self.position.step;
        let in_period = INSPECT_EVERY - 1 - step % INSPECT_EVERY;
        in_period.min(self.train.steps_per_epoch() - 1 - step)
    }

    /// Whether the ascent of this step is measured: of those up to an inspection one ascends.
    fn measures_ascent(&self) -> bool {
        self.config.optimizer.method == Method::Sam
            && self.steps_to_inspection() < self.config.optimizer.ascend_every
    }

    /// The record of the epoch whose steps are done.
    fn epoch_record(&mut self, timing: &mut Timing) -> anyhow::Result<EpochRecord> {
        let Position { loss_sum, num_wrong, num_images, ascent_sum, num_ascents, .. } = self.position;
        let epoch = self.position.epoch + 1;
        let mut record = EpochRecord {
            epoch,
            steps: self.steps_done(),
            learning_rate: self.learning_rates.at(self.position.epoch, 0),
            train_loss: Some(loss_sum / num_images as f64).filter(|loss| loss.is_finite()),
            train_error: num_wrong as f64 / num_images as f64,
            ascent_norm: (num_ascents > 0).then(|| ascent_sum / num_ascents as f64),
            evaluations: BTreeMap::new(),
        };
        let training = &self.config.training;
        if epoch.is_multiple_of(training.evaluate_every) || epoch == training.epochs {
            let begun = Instant::now();
            record.evaluations = self.evaluations(epoch)?;
            timing.evaluate_seconds = begun.elapsed().as_secs_f64();
        }
        Ok(record)
    }

    /// The last iterate, at the end of the run also after a refresh of BN, and every average that has begun, evaluated.
    fn evaluations(&mut self, epoch: u64) -> anyhow::Result<BTreeMap<String, Evaluation>> {
        let begun = self.training.averages.iter().map(|(name, _)| name.to_owned());
        let has_bn = self.training.network.running_statistics().numel() > 0;
        let refreshed = (has_bn && epoch == self.config.training.epochs).then(|| REFRESHED.to_owned());
        let names: Vec<String> = std::iter::once(ITERATE.to_owned()).chain(refreshed).chain(begun).collect();
        let mut evaluations = BTreeMap::new();
        for name in names {
            let evaluation = loop {
                match self.evaluate(&name, epoch) {
                    // A checkpoint alone was asked for: written now that the iterate is back in its place.
                    Err(error) if interrupt::caused(&error) && !interrupt::requested() => {
                        interrupt::take_checkpoint_request();
                        self.checkpoint()?;
                    }
                    evaluation => break evaluation?,
                }
            };
            evaluations.insert(name, evaluation);
        }
        Ok(evaluations)
    }

    /// One set of weights, evaluated.
    fn evaluate(&mut self, name: &str, epoch: u64) -> anyhow::Result<Evaluation> {
        let config = &self.config.evaluation;
        if name == ITERATE {
            self.progress.doing("evaluating the last iterate");
            return evaluate(&self.training.network, &self.test, config);
        }
        self.progress.doing(&format!("refreshing BN and evaluating `{name}`"));
        let own = self.training.network.parameters();
        let weights = self.training.averages.get(name).unwrap_or(&own);
        evaluate_refreshed(
            &self.training.network,
            weights,
            &self.train,
            refresh_epoch(epoch),
            &self.test,
            config,
        )
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

    fn checkpoint(&mut self) -> anyhow::Result<()> {
        let Training { network, optimizer, averages, .. } = &self.training;
        let parts = Parts { network, optimizer: &**optimizer, averages, position: &self.position };
        let keep = self.options.keep_checkpoints.0;
        snapshot::save(&CheckpointSeries::new(self.dir.path()), self.steps_done(), keep, self.config, parts)?;
        self.last_checkpoint = Instant::now();
        Ok(())
    }
}
