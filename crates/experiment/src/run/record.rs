//! What training leaves behind: JSON lines from which every table, plot and verdict is computed.
//!
//! `record.jsonl` of a run holds one [`Record::Run`], one [`Record::Epoch`] per epoch and one [`Record::End`];
//! it contains nothing that differs between two equal runs. Durations are apart, in `timings.jsonl`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::run_outcome::RunOutcome;
use crate::config::RunConfig;

pub use crate::weights_name::{ITERATE, REFRESHED, is_average};

/// One line of `record.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    Run(Box<RunRecord>),
    Epoch(EpochRecord),
    End(EndRecord),
}

/// What was run, and on which data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub id: String,
    pub version: String,
    pub config: RunConfig,
    pub data: DataRecord,
    /// Number of trainable parameters.
    pub num_parameters: u64,
    /// `cpu` or `cuda`.
    pub device: String,
}

/// The images of a run and how far their origin is established.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    pub train_images: u64,
    pub test_images: u64,
    pub num_classes: u64,
    pub verification: DataState,
    /// Of packed files, training images first; earlier versions did not write them. Other sets are known by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packed_checksums: Vec<String>,
}

/// How far the bytes of a data set are established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataState {
    /// Made by Polder from a seed.
    Generated,
    /// Every file has its published checksum.
    Verified,
    /// Every file has a published checksum or one of Polder's own table, or is a packed one that agrees with its own.
    Known,
    /// At least one file has neither; used because of `--allow-unverified`.
    Unverified,
}

/// One pass over the training images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Epochs completed, from 1.
    pub epoch: u64,
    /// Steps completed since the start of the run.
    pub steps: u64,
    /// That of the first step of the epoch.
    pub learning_rate: f64,
    /// Mean cross entropy (nats) over the images of the epoch, each at the weights that met it, against smoothed targets
    /// if the configuration has them; `null` if not finite.
    pub train_loss: Option<f64>,
    /// Fraction of those images classified wrongly.
    pub train_error: f64,
    /// Mean norm of SAM's ascent as it arrived in the arithmetic of the network; only with SAM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ascent_norm: Option<f64>,
    /// On the test split: `iterate`, after the last epoch of a network with BN also `iterate-refreshed`, and each average that
    /// has begun; empty when the epoch was not evaluated.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evaluations: BTreeMap<String, Evaluation>,
}

impl EpochRecord {
    /// The weights with the highest test accuracy, and that accuracy, as a fraction.
    pub fn best(&self) -> Option<(&str, f64)> {
        let (weights, evaluation) =
            self.evaluations.iter().min_by(|left, right| left.1.error.total_cmp(&right.1.error))?;
        Some((weights, 1.0 - evaluation.error))
    }
}

/// Loss and error of one set of weights on a split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Mean cross entropy (nats) per image; `null` if not finite.
    pub loss: Option<f64>,
    /// Fraction of images classified wrongly.
    pub error: f64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum EndRecord {
    Finished,
    /// The loss became NaN or infinite: an outcome that is recorded, not a failure.
    Diverged {
        /// The epoch, from 1, in which it happened.
        epoch: u64,
        /// Steps completed when it was noticed; looked for every 50 steps.
        steps: u64,
    },
}

impl EndRecord {
    /// Without the details.
    pub fn outcome(&self) -> RunOutcome {
        match self {
            Self::Finished => RunOutcome::Finished,
            Self::Diverged { .. } => RunOutcome::Diverged,
        }
    }
}

/// One line of `timings.jsonl`: what differs between equal runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    pub epoch: u64,
    /// Wall time of the training steps.
    pub train_seconds: f64,
    /// Wall time of BN refreshes and evaluations after them.
    pub evaluate_seconds: f64,
    pub images_per_second: f64,
    /// Fraction of `train_seconds` spent waiting for a minibatch.
    pub data_wait_share: f64,
    /// When the epoch ended, in seconds since 1970-01-01 UTC; earlier versions did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<f64>,
}

/// `environment.json`: where a run was computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    pub processor: String,
    pub cores: usize,
    /// libtorch's threads, fixed at the start of the run and used again when it resumes.
    pub threads: usize,
    pub libtorch: String,
    /// Only of a run on CUDA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cuda: Option<CudaEnvironment>,
}

/// Which algorithms CUDA computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithms {
    /// Those that cuDNN's benchmark mode finds.
    Fastest,
    /// Those that repeat themselves to the bit.
    Deterministic,
}

/// What was chosen on CUDA when a run began there; used again when it resumes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CudaEnvironment {
    /// As the driver calls it.
    pub gpu: String,
    /// Products of f32 in TF32.
    pub tf32: bool,
    pub algorithms: Algorithms,
    /// Whether libpolder_cuda.so was there; without it convolutions of f32 are in TF32 whatever `tf32` says.
    pub extras: bool,
}

/// All records of one run, read back.
#[derive(Clone, Debug)]
pub struct RunRecords {
    pub run: RunRecord,
    pub epochs: Vec<EpochRecord>,
    /// Absent while the run is unfinished.
    pub end: Option<EndRecord>,
    pub timings: Vec<Timing>,
    pub environment: Option<Environment>,
}

/// File names inside a run directory.
pub const RECORD_FILE: &str = "record.jsonl";
pub const TIMINGS_FILE: &str = "timings.jsonl";
pub const ENVIRONMENT_FILE: &str = "environment.json";

impl RunRecords {
    /// Reads the records in the run directory `dir`; a last line cut short by a crash is left out.
    ///
    /// # Errors
    /// If the record file is missing, or a line other than the last is not a record; the line is named.
    pub fn read(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(RECORD_FILE);
        let mut records = read_lines::<Record>(&path)?.into_iter();
        let Some(Record::Run(run)) = records.next() else {
            anyhow::bail!("`{}` does not begin with a run record", path.display());
        };
        let (mut epochs, mut end) = (Vec::new(), None);
        for record in records {
            match record {
                Record::Epoch(epoch) => epochs.push(epoch),
                Record::End(found) => end = Some(found),
                Record::Run(_) => anyhow::bail!("`{}` holds two run records", path.display()),
            }
        }
        let timings = dir.join(TIMINGS_FILE);
        let timings = if timings.exists() { read_lines(&timings)? } else { Vec::new() };
        let environment = std::fs::read(dir.join(ENVIRONMENT_FILE))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Self { run: *run, epochs, end, timings, environment })
    }
}

/// The values of a JSON-lines file; a last line that does not parse is left out, another one is an error.
pub fn read_lines<T: for<'a> Deserialize<'a>>(path: &Path) -> anyhow::Result<Vec<T>> {
    let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let lines: Vec<String> = BufReader::new(file)
        .lines()
        .collect::<Result<_, _>>()
        .with_context(|| format!("`{}`", path.display()))?;
    let mut values = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(value) => values.push(value),
            Err(_) if index + 1 == lines.len() => break,
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("`{}` line {} is damaged", path.display(), index + 1));
            }
        }
    }
    Ok(values)
}
