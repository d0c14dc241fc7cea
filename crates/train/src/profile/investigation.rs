//! The measurements of a profile in their order: what is, then each advice that follows, beside what was.

use std::time::Duration;

use polder_data::{LoaderStage, Statistics};
use tch::Device;

use super::consumer::Consumer;
use super::flow::{self, Length, Stretch};
use crate::feed::Feed;
use crate::progress::WorkProgress;
use crate::run_feeds::LoaderOptions;
use polder_experiment::config::{RunConfig, TrainingConfig};
use polder_experiment::images::Images;
use polder_experiment::profile::advice::{Change, Trial};
use polder_experiment::profile::measurement::Round;
use polder_experiment::profile::record::{QueueRecord, StageRecord};
use polder_experiment::profile::setting::Setting;
use polder_experiment::profile::verdict::Verdict;

/// Changes tried at most.
const MOST_TRIALS: usize = 6;

/// What is measured, and for how long.
pub struct Investigation<'a> {
    pub images: &'a Images,
    /// Of the run whose loader this is.
    pub config: &'a RunConfig,
    pub device: Device,
    pub consumer: Consumer,
    /// What the consumer is called in sentences.
    pub consumer_name: &'static str,
    /// Length of one stretch.
    pub stretch: Duration,
    pub rounds: usize,
    /// Cores that workers can have.
    pub cores: usize,
    pub progress: &'a dyn WorkProgress,
    /// The next epoch of any loader: each has an order and augmentation of its own.
    pub epoch: u64,
}

/// The measurements of one setting.
pub struct Measured {
    pub rounds: Vec<Round>,
    /// Stages of the loader alone.
    pub alone: Vec<StageRecord>,
    /// Stages of the loader while the consumer takes its minibatches.
    pub together: Vec<StageRecord>,
    pub queue: QueueRecord,
}

/// What became of the advice.
pub struct Advised {
    pub trials: Vec<Trial>,
    /// The setting with every change that helped.
    pub setting: Setting,
    /// The verdict on that setting, if it is another one.
    pub verdict: Option<Verdict>,
}

impl Investigation<'_> {
    /// Measures `setting`: loader alone, consumer alone, both together, in turns.
    pub fn measure(&mut self, setting: &Setting) -> anyhow::Result<Measured> {
        self.begin("loader, consumer and both", 3 * self.rounds, self.seconds(3));
        let (alone, together) = (self.feed(setting)?, self.feed(setting)?);
        // Files that were never read, memory that was never touched: not what lasts.
        self.flow(&alone, Who::Nobody, setting)?;
        let mut rounds = Vec::with_capacity(self.rounds);
        let mut depths = Vec::new();
        for _ in 0..self.rounds {
            let loader = self.flow(&alone, Who::Nobody, setting)?.rate();
            self.progress.advance(1.0);
            let consumer = self.consumer_alone(setting)?.rate();
            self.progress.advance(1.0);
            let both = self.flow(&together, Who::Consumer, setting)?;
            self.progress.advance(1.0);
            let (waited, copied) = (both.share(both.waited), both.share(both.copied));
            rounds.push(Round { loader, consumer, together: both.rate(), waited, copied });
            depths = both.depths;
        }
        let statistics = together.statistics();
        Ok(Measured {
            rounds,
            alone: stages(&alone.statistics()),
            together: stages(&statistics),
            queue: QueueRecord::new(&statistics, &depths, setting.in_flight()),
        })
    }

    /// Follows the advice, change by change: each is measured in turns with the setting before it, and kept if it
    /// helps.
    pub fn follow_advice(
        &mut self,
        setting: &Setting,
        measured: &[Round],
        verdict: &Verdict,
    ) -> anyhow::Result<Advised> {
        let mut advised = Advised { trials: Vec::new(), setting: *setting, verdict: None };
        let mut tried = Vec::new();
        let consumer_alone: Vec<f64> = measured.iter().map(|round| round.consumer).collect();
        while tried.len() < MOST_TRIALS {
            let verdict = advised.verdict.as_ref().unwrap_or(verdict);
            let Some(change) = Change::advised(&advised.setting, verdict, self.cores, &tried) else { break };
            tried.push(change);
            let (trial, rounds) = self.try_change(change, advised.setting, &consumer_alone)?;
            if trial.helps {
                advised.setting = trial.after;
                advised.verdict = Some(Verdict::of(&rounds, self.consumer_name));
            }
            advised.trials.push(trial);
        }
        Ok(advised)
    }

    /// The rounds of the changed setting take the consumer's own speed from `consumer_alone`: no change touches it.
    fn try_change(
        &mut self,
        change: Change,
        before: Setting,
        consumer_alone: &[f64],
    ) -> anyhow::Result<(Trial, Vec<Round>)> {
        let after = change.applied(before);
        self.begin(&format!("the advice {}", after.flags()), 3 * self.rounds, self.seconds(3));
        let (old, new, alone) = (self.feed(&before)?, self.feed(&after)?, self.feed(&after)?);
        let (mut pairs, mut rounds) = (Vec::new(), Vec::new());
        for &consumer in consumer_alone {
            let together_before = self.flow(&old, Who::Consumer, &before)?.rate();
            self.progress.advance(1.0);
            let both = self.flow(&new, Who::Consumer, &after)?;
            self.progress.advance(1.0);
            let loader = self.flow(&alone, Who::Nobody, &after)?.rate();
            self.progress.advance(1.0);
            pairs.push((together_before, both.rate()));
            let (waited, copied) = (both.share(both.waited), both.share(both.copied));
            rounds.push(Round { loader, consumer, together: both.rate(), waited, copied });
        }
        Ok((Trial::of(change, before, &pairs), rounds))
    }

    /// Both together once more, for whoever watches.
    pub fn show(&mut self, setting: &Setting) -> anyhow::Result<()> {
        self.begin("both once more for the trace", 1, self.stretch.as_secs_f64());
        let loader = self.feed(setting)?;
        self.flow(&loader, Who::Consumer, setting)?;
        self.progress.advance(1.0);
        Ok(())
    }

    /// A part of `stretches` stretches begins.
    fn begin(&self, what: &str, stretches: usize, seconds: f64) {
        self.progress.plan(stretches as f64);
        self.progress.begin(what, stretches as f64, Some(seconds));
    }

    /// As a run trains, but for what `setting` says.
    fn feed(&self, setting: &Setting) -> anyhow::Result<Feed> {
        let training = TrainingConfig { batch_size: setting.batch_size, ..self.config.training.clone() };
        let config = RunConfig { training, ..self.config.clone() };
        let options = LoaderOptions { workers: setting.workers, prefetch: setting.queue };
        Feed::training(self.images, &config, options, self.device)
    }

    fn flow(&mut self, feed: &Feed, who: Who, setting: &Setting) -> anyhow::Result<Stretch> {
        let length = Length { time: self.stretch, settle: setting.in_flight() as u64 + 1 };
        let consumer = match who {
            Who::Nobody => &mut Consumer::Nothing,
            Who::Consumer => &mut self.consumer,
        };
        flow::flow(feed, consumer, &length, &mut self.epoch)
    }

    fn consumer_alone(&mut self, setting: &Setting) -> anyhow::Result<Stretch> {
        let length = Length { time: self.stretch, settle: 1 };
        let batch_size = setting.batch_size.min(self.images.train.len());
        flow::alone(&mut self.consumer, batch_size, &length)
    }

    fn seconds(&self, stretches: usize) -> f64 {
        (stretches * self.rounds) as f64 * self.stretch.as_secs_f64()
    }
}

/// Who takes minibatches.
#[derive(Clone, Copy)]
enum Who {
    Nobody,
    Consumer,
}

fn stages(statistics: &Statistics) -> Vec<StageRecord> {
    LoaderStage::ALL.into_iter().map(|stage| StageRecord::new(stage, &statistics.stage(stage))).collect()
}
