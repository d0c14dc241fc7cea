//! `profile-input.json`: all that a profile measured and concluded.

use std::path::Path;

use anyhow::Context;
use polder_data::{LoaderStage, StageStatistics, Statistics};
use serde::{Deserialize, Serialize};

use super::advice::Trial;
use super::measurement::{Round, Spread};
use super::setting::Setting;
use super::verdict::Verdict;
use crate::run::record::Environment;

/// The name of the file in a folder of results.
pub const PROFILE_FILE: &str = "profile-input.json";

/// Samples of the queue kept at most; of more, every second, third, ... is.
const MOST_SAMPLES: usize = 2000;

/// A whole profile. Times are in seconds, rates in images per second, shares in 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileRecord {
    /// Version of the program.
    pub version: String,
    /// The command that repeats it.
    pub command: String,
    pub environment: Environment,
    pub images: ImagesRecord,
    /// What took the minibatches, in words.
    pub consumer: String,
    pub setting: Setting,
    /// In the order in which they were measured.
    pub rounds: Vec<Round>,
    pub loader: Spread,
    pub consumer_alone: Spread,
    pub together: Spread,
    pub waited: Spread,
    pub copied: Spread,
    /// Stages of the loader alone.
    pub stages_alone: Vec<StageRecord>,
    /// Stages of the loader while the consumer takes its minibatches.
    pub stages_together: Vec<StageRecord>,
    pub queue: QueueRecord,
    pub verdict: Verdict,
    /// The verdict in words.
    pub verdict_text: String,
    /// The advice that followed, each with its measured effect.
    pub trials: Vec<Trial>,
    /// The setting with all advice that helped.
    pub recommended: Setting,
    /// The verdict on the recommended setting, if it differs from the one profiled.
    pub recommended_verdict: Option<Verdict>,
}

/// Which images were read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImagesRecord {
    pub dataset: String,
    pub num_images: usize,
    /// C, H, W.
    pub shape: [usize; 3],
}

/// One stage of a loader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// `plan`, `idle`, `fill` or `wait`.
    pub stage: String,
    pub count: u64,
    pub total_seconds: f64,
    pub p50_seconds: f64,
    pub p99_seconds: f64,
    pub max_seconds: f64,
}

/// The queue between loader and consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueRecord {
    /// Minibatches that can be ready at a time.
    pub capacity: usize,
    /// Minibatches asked for, over all rounds.
    pub minibatches: u64,
    /// Those among them that were not ready.
    pub stalls: u64,
    /// Entry `d`: minibatches asked for while `d` were ready.
    pub histogram: Vec<u64>,
    /// Of the last round: seconds since its start, and how many were ready when one was asked for.
    pub samples: Vec<(f64, usize)>,
}

impl ProfileRecord {
    /// Reads the profile in the folder `dir`; `None` if there is none.
    ///
    /// # Errors
    /// If the file is there and is not a profile.
    pub fn read(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = dir.join(PROFILE_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let read = || anyhow::Ok(serde_json::from_slice(&std::fs::read(&path)?)?);
        read().map(Some).with_context(|| {
            format!(
                "`{}` is not a profile that this version reads; run `polder profile-input --output` again",
                path.display()
            )
        })
    }
}

impl StageRecord {
    pub fn new(stage: LoaderStage, statistics: &StageStatistics) -> Self {
        Self {
            stage: stage.to_string(),
            count: statistics.count,
            total_seconds: statistics.total.as_secs_f64(),
            p50_seconds: statistics.p50.as_secs_f64(),
            p99_seconds: statistics.p99.as_secs_f64(),
            max_seconds: statistics.max.as_secs_f64(),
        }
    }
}

impl QueueRecord {
    /// The queue of a loader with `statistics`, sampled at each step as in `depths`.
    pub fn new(statistics: &Statistics, depths: &[(f64, usize)], capacity: usize) -> Self {
        let every = depths.len().div_ceil(MOST_SAMPLES).max(1);
        Self {
            capacity,
            minibatches: statistics.minibatches,
            stalls: statistics.stalls,
            histogram: statistics.queue_depths.clone(),
            samples: depths.iter().step_by(every).copied().collect(),
        }
    }

    /// The mean depth in each of `columns` equal parts of the time; where nothing was asked for, that of the part
    /// before. Empty if there are no samples.
    pub fn means(&self, columns: usize) -> Vec<f64> {
        if self.samples.is_empty() {
            return Vec::new();
        }
        let end = self.samples.last().map_or(0.0, |(seconds, _)| *seconds);
        let mut sums = vec![(0.0, 0_u32); columns];
        for (seconds, depth) in &self.samples {
            let column = if end > 0.0 { (seconds / end * columns as f64) as usize } else { 0 };
            let (sum, count) = &mut sums[column.min(columns - 1)];
            *sum += *depth as f64;
            *count += 1;
        }
        let mut last = 0.0;
        let mean = |(sum, count)| {
            if count > 0 {
                last = sum / f64::from(count);
            }
            last
        };
        sums.into_iter().map(mean).collect()
    }
}

/// A profile as a slow loader would give it.
#[cfg(any(test, feature = "test-support"))]
pub fn example() -> ProfileRecord {
    use super::advice::Change;
    use super::setting::Format;

    let setting = Setting { batch_size: 128, workers: 1, queue: 2, format: Format::F32 };
    let rounds =
        vec![Round { loader: 1000.0, consumer: 2300.0, together: 995.0, waited: 0.56, copied: 0.01 }; 5];
    let over = |quantity: fn(&Round) -> f64| Spread::of(rounds.iter().map(quantity));
    let verdict = Verdict::of(&rounds, "the model");
    let trials = vec![
        Trial::of(Change::Workers(2), setting, &[(995.0, 1900.0); 5]),
        Trial::of(Change::Queue(4), Change::Workers(2).applied(setting), &[(1900.0, 1890.0); 5]),
    ];
    let stage = |stage: &str, seconds: f64| StageRecord {
        stage: stage.to_owned(),
        count: 40,
        total_seconds: 40.0 * seconds,
        p50_seconds: seconds,
        p99_seconds: 2.0 * seconds,
        max_seconds: 3.0 * seconds,
    };
    let stages = vec![stage("plan", 1e-3), stage("idle", 2e-6), stage("fill", 0.128), stage("wait", 0.07)];
    ProfileRecord {
        version: "0.0.0".to_owned(),
        command: "polder profile-input --model wrn-10-1".to_owned(),
        environment: Environment {
            processor: "a processor".to_owned(),
            cores: 2,
            threads: 2,
            libtorch: "2.11.0".to_owned(),
            cuda: None,
        },
        images: ImagesRecord { dataset: "generated".to_owned(), num_images: 10_000, shape: [3, 32, 32] },
        consumer: "wrn-10-1, f32, on the processor".to_owned(),
        setting,
        loader: over(|round| round.loader),
        consumer_alone: over(|round| round.consumer),
        together: over(|round| round.together),
        waited: over(|round| round.waited),
        copied: over(|round| round.copied),
        stages_alone: stages.clone(),
        stages_together: stages,
        queue: QueueRecord {
            capacity: 3,
            minibatches: 40,
            stalls: 35,
            histogram: vec![35, 5, 0, 0],
            samples: (0..40).map(|step| (0.1 * f64::from(step), usize::from(step % 8 == 0))).collect(),
        },
        verdict_text: verdict.to_string(),
        verdict,
        recommended: trials[0].after,
        recommended_verdict: None,
        rounds,
        trials,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_survives_its_file_and_a_damaged_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(ProfileRecord::read(dir.path()).unwrap(), None);
        let profile = example();
        std::fs::write(dir.path().join(PROFILE_FILE), serde_json::to_vec_pretty(&profile).unwrap()).unwrap();
        assert_eq!(ProfileRecord::read(dir.path()).unwrap(), Some(profile));
        std::fs::write(dir.path().join(PROFILE_FILE), "{").unwrap();
        let error = format!("{:#}", ProfileRecord::read(dir.path()).unwrap_err());
        assert!(error.contains(PROFILE_FILE) && error.contains("--output"), "{error}");
    }

    #[test]
    fn the_queue_is_averaged_over_equal_parts_of_the_time() {
        let queue = QueueRecord { samples: vec![(0.0, 4), (1.0, 2), (9.0, 1), (10.0, 3)], ..example().queue };
        assert_eq!(queue.means(2), [3.0, 2.0]);
        assert_eq!(queue.means(4), [3.0, 3.0, 3.0, 2.0]);
    }
}
