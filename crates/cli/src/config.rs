//! The configuration of one run: everything that changes its numbers, and nothing else.
//!
//! Paths, worker counts and the cadence of checkpoints are options of a command, not part of a configuration,
//! so that the same experiment has the same id wherever and however it runs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use polder_optim::{AverageConfig, DecayOn, Momentum, SamConfig, Schedule, SgdConfig, WeightDecay};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One run, fully resolved: two equal values give equal records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RunConfig {
    /// Seeds initial weights, order and augmentation.
    pub(crate) seed: u64,
    pub(crate) data: DataConfig,
    pub(crate) model: ModelConfig,
    pub(crate) optimizer: OptimizerConfig,
    pub(crate) schedule: ScheduleConfig,
    pub(crate) training: TrainingConfig,
    /// Averages of the trajectory, by name; any number at once.
    pub(crate) averages: BTreeMap<String, AveragingConfig>,
}

/// Which images, and what is done to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DataConfig {
    pub(crate) dataset: DatasetName,
    /// Only the first so many training images; all of them when absent (generated data: 2,000).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) train_images: Option<usize>,
    /// Only the first so many test images; all of them when absent (generated data: 1,000).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test_images: Option<usize>,
    /// The training images of `dataset = "packed"`: a file made by `polder data pack`, relative to the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Likewise the test images; without it, `validation_images` of the training images take their place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test_path: Option<String>,
    /// So many of the training images, of each class its share, are held out and evaluated *instead of* the test split;
    /// the same ones for every seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) validation_images: Option<usize>,
    /// This fraction of the training labels is replaced by a wrong one, drawn from the seed; 0 when absent.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) label_noise: f64,
    /// Number of classes of generated data; 10 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) num_classes: Option<usize>,
    /// Height and width of generated data, in pixels; 32 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_size: Option<usize>,
    pub(crate) augmentation: AugmentationName,
}

/// The data sets a run can be trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DatasetName {
    Cifar10,
    Cifar100,
    /// CIFAR-100 under its 20 coarse labels.
    Cifar100Coarse,
    /// A folder of images that `polder data pack` has made a file of.
    Packed,
    /// Made by Polder, the same for every seed; needs no file.
    Generated,
}

/// The augmentations that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AugmentationName {
    /// Crop (zero padding 4), flip, cutout (16, p = 0.5): the recipe of Nitanda et al.'s code.
    CropFlipCutout,
    CropFlip,
    None,
}

/// The network and the arithmetic of its forward and backward passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ModelConfig {
    /// `resnet-18` to `resnet-152`, `wrn-<depth>-<widening>`, `wrn28-10-released`.
    pub(crate) name: String,
    pub(crate) precision: Precision,
}

/// The type activations are computed in; weights are held in f32 either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Precision {
    F32,
    Bf16,
}

/// SGD, or SAM around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OptimizerConfig {
    pub(crate) method: Method,
    /// Radius of SAM's perturbation; only with `method = "sam"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rho: Option<f64>,
    pub(crate) momentum: f64,
    pub(crate) dampening: f64,
    pub(crate) nesterov: bool,
    /// Coupled L2 on all parameters, BN and biases included.
    pub(crate) weight_decay: f64,
}

/// How a step is made from gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Method {
    Sgd,
    Sam,
}

/// The learning rate of each epoch; times are fractions of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub(crate) enum ScheduleConfig {
    Constant { learning_rate: f64 },
    MultiStep { learning_rate: f64, milestones: Vec<f64>, factor: f64 },
    Cosine { learning_rate: f64, floor: f64 },
}

/// How long, and in what portions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TrainingConfig {
    pub(crate) epochs: u64,
    pub(crate) batch_size: usize,
    /// Iterate and averages are evaluated after every so many epochs, and after the last.
    pub(crate) evaluate_every: u64,
}

/// One average of the trajectory; `start` is a fraction of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub(crate) enum AveragingConfig {
    /// Uniform mean of all iterates from `start` on.
    Tail { start: f64 },
    /// `decay * average + (1 - decay) * iterate` from `start` on.
    Ema { start: f64, decay: f64 },
}

impl Default for RunConfig {
    /// The recipe of Nitanda et al.'s code with its 400 epochs cut to 12 and a network that fits a laptop.
    fn default() -> Self {
        Self {
            seed: 0,
            data: DataConfig::default(),
            model: ModelConfig::default(),
            optimizer: OptimizerConfig::default(),
            schedule: ScheduleConfig::MultiStep {
                learning_rate: 0.1,
                milestones: vec![0.2, 0.4, 0.6],
                factor: 0.2,
            },
            training: TrainingConfig::default(),
            averages: BTreeMap::from([("tail".to_owned(), AveragingConfig::Tail { start: 0.75 })]),
        }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            dataset: DatasetName::Cifar10,
            train_images: None,
            test_images: None,
            path: None,
            test_path: None,
            validation_images: None,
            label_noise: 0.0,
            num_classes: None,
            image_size: None,
            augmentation: AugmentationName::CropFlipCutout,
        }
    }
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self { name: "wrn-10-1".to_owned(), precision: Precision::F32 }
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            method: Method::Sgd,
            rho: None,
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            weight_decay: 5e-3,
        }
    }
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self { epochs: 12, batch_size: 128, evaluate_every: 1 }
    }
}

impl RunConfig {
    /// Reads `path` (defaults where it is silent, or everywhere without a path), applies `settings`
    /// (`key.path=value`, the value as in TOML or a bare word), and checks the result.
    pub(crate) fn load(path: Option<&Path>, settings: &[String]) -> anyhow::Result<Self> {
        let mut table = match path {
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the configuration `{}`", path.display()))?
                .parse::<toml::Table>()
                .with_context(|| format!("`{}` is not valid TOML", path.display()))?,
            None => toml::Table::new(),
        };
        let origin = path.map_or("the command line".to_owned(), |path| format!("`{}`", path.display()));
        let mut resolve = || {
            if !settings.is_empty() {
                // Settings refine what the file and the defaults give, down to one key of a schedule or an average.
                let so_far: Self = toml::from_str(&toml::to_string(&table)?)?;
                table = toml::Table::try_from(so_far)?;
                for setting in settings {
                    set(&mut table, setting)?;
                }
            }
            Self::from_table(&table)
        };
        resolve().with_context(|| format!("the configuration from {origin} is not usable"))
    }

    /// A run from a TOML table, checked.
    pub(crate) fn from_table(table: &toml::Table) -> anyhow::Result<Self> {
        // Re-parsed from text: errors then carry the line and the list of keys that exist.
        let config: Self = toml::from_str(&toml::to_string(table)?)?;
        config.validate()?;
        Ok(config)
    }

    /// The first 12 hexadecimal digits of the SHA-256 of the canonical JSON of this configuration.
    pub(crate) fn id(&self) -> String {
        let canonical = serde_json::to_string(self).expect("a configuration is plain data");
        short_digest(&canonical)
    }

    /// The optimizer's steps in an epoch's units: schedule over epochs, as the papers' code.
    pub(crate) fn schedule(&self) -> Schedule {
        let epochs = self.training.epochs;
        match &self.schedule {
            ScheduleConfig::Constant { learning_rate } => {
                Schedule::Constant { learning_rate: *learning_rate }
            }
            ScheduleConfig::MultiStep { learning_rate, milestones, factor } => Schedule::MultiStep {
                learning_rate: *learning_rate,
                milestones: milestones.iter().map(|at| fraction_of(*at, epochs)).collect(),
                factor: *factor,
            },
            ScheduleConfig::Cosine { learning_rate, floor } => {
                Schedule::Cosine { learning_rate: *learning_rate, floor: *floor, period: epochs }
            }
        }
    }

    /// The base optimizer's settings.
    pub(crate) fn sgd(&self) -> SgdConfig {
        let OptimizerConfig { momentum: coefficient, dampening, nesterov, weight_decay, .. } = self.optimizer;
        let momentum = match (coefficient, nesterov) {
            (0.0, _) => Momentum::None,
            (_, true) => Momentum::Nesterov { coefficient },
            (_, false) => Momentum::HeavyBall { coefficient, dampening },
        };
        let weight_decay = WeightDecay { coefficient: weight_decay, on: DecayOn::All };
        SgdConfig { momentum, weight_decay, clip_norm: None }
    }

    /// SAM's settings, when the method is SAM.
    pub(crate) fn sam(&self) -> Option<SamConfig> {
        self.optimizer.rho.map(|rho| SamConfig::new(rho, self.sgd()))
    }

    /// The averages with their starts turned into steps.
    pub(crate) fn averages(&self, steps_per_epoch: u64) -> Vec<(String, AverageConfig)> {
        let start_step = |start: f64| first_averaged_epoch(start, self.training.epochs) * steps_per_epoch;
        let resolve = |average: &AveragingConfig| match *average {
            AveragingConfig::Tail { start } => AverageConfig::Tail { start: start_step(start) },
            AveragingConfig::Ema { start, decay } => AverageConfig::Ema { start: start_step(start), decay },
        };
        self.averages.iter().map(|(name, average)| (name.clone(), resolve(average))).collect()
    }

    fn validate(&self) -> anyhow::Result<()> {
        let unit = |name: &str, value: f64| {
            ensure!((0.0..=1.0).contains(&value), "`{name}` is {value}; expected a fraction between 0 and 1");
            Ok(())
        };
        let positive = |name: &str, value: f64| {
            ensure!(value > 0.0 && value.is_finite(), "`{name}` is {value}; expected a positive number");
            Ok(())
        };
        ensure!(self.training.epochs > 0, "`training.epochs` is 0; expected at least 1");
        ensure!(
            self.training.batch_size > 1,
            "`training.batch_size` must be at least 2: BN needs a variance"
        );
        ensure!(self.training.evaluate_every > 0, "`training.evaluate_every` is 0; expected at least 1");
        for (name, count) in
            [("data.train_images", self.data.train_images), ("data.test_images", self.data.test_images)]
        {
            ensure!(count != Some(0), "`{name}` is 0; expected at least 1, or leave it out for all images");
        }
        unit("data.label_noise", self.data.label_noise)?;
        self.data.validate()?;
        match &self.schedule {
            ScheduleConfig::Constant { learning_rate } => positive("schedule.learning_rate", *learning_rate)?,
            ScheduleConfig::MultiStep { learning_rate, milestones, factor } => {
                positive("schedule.learning_rate", *learning_rate)?;
                unit("schedule.factor", *factor)?;
                for milestone in milestones {
                    unit("schedule.milestones", *milestone)?;
                }
                ensure!(milestones.is_sorted(), "`schedule.milestones` must ascend, found {milestones:?}");
            }
            ScheduleConfig::Cosine { learning_rate, floor } => {
                positive("schedule.learning_rate", *learning_rate)?;
                ensure!(
                    (0.0..=*learning_rate).contains(floor),
                    "`schedule.floor` is {floor}; expected between 0 and the learning rate {learning_rate}"
                );
            }
        }
        match (self.optimizer.method, self.optimizer.rho) {
            (Method::Sgd, Some(_)) => {
                bail!("`optimizer.rho` belongs to `optimizer.method = \"sam\"`; remove it")
            }
            (Method::Sam, None) => bail!("`optimizer.method = \"sam\"` needs `optimizer.rho`, 0.05 say"),
            _ => {}
        }
        if self.optimizer.nesterov {
            positive("optimizer.momentum", self.optimizer.momentum)
                .context("`optimizer.nesterov = true` needs a momentum")?;
            ensure!(self.optimizer.dampening == 0.0, "Nesterov momentum has no dampening; set it to 0");
        }
        for (name, average) in &self.averages {
            ensure!(
                name != "iterate",
                "an average cannot be named `iterate`: that is the last iterate's name"
            );
            let (AveragingConfig::Tail { start } | AveragingConfig::Ema { start, .. }) = *average;
            unit(&format!("averages.{name}.start"), start)?;
            let first = first_averaged_epoch(start, self.training.epochs);
            ensure!(
                first < self.training.epochs,
                "`averages.{name}.start` is {start}: no epoch is left to average"
            );
            if let AveragingConfig::Ema { decay, .. } = *average {
                unit(&format!("averages.{name}.decay"), decay)?;
            }
        }
        Ok(())
    }
}

impl DataConfig {
    /// Keys that need each other are there together, and none is there without effect.
    fn validate(&self) -> anyhow::Result<()> {
        let packed = self.dataset == DatasetName::Packed;
        let generated = self.dataset == DatasetName::Generated;
        let (held_out, own_test) = (self.validation_images.is_some(), self.test_path.is_some());
        ensure!(packed == self.path.is_some(), "`data.path` and `data.dataset = \"packed\"` need each other");
        ensure!(packed || !own_test, "`data.test_path` belongs to `data.dataset = \"packed\"`; remove it");
        ensure!(
            !packed || held_out || own_test,
            "`data.dataset = \"packed\"` needs images to evaluate: give `data.test_path`, or `data.validation_images` to \
             hold some out"
        );
        ensure!(
            !held_out || (self.test_images.is_none() && !own_test),
            "with `data.validation_images` no test image is looked at; remove `data.test_images` and `data.test_path`"
        );
        ensure!(
            generated || (self.num_classes.is_none() && self.image_size.is_none()),
            "`data.num_classes` and `data.image_size` belong to `data.dataset = \"generated\"`; remove them"
        );
        Ok(())
    }
}

/// Whether a key is left out, so that what was written before the key existed keeps its id.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cifar10 => "CIFAR-10",
            Self::Cifar100 => "CIFAR-100",
            Self::Cifar100Coarse => "CIFAR-100 (coarse labels)",
            Self::Packed => "packed images",
            Self::Generated => "generated data",
        })
    }
}

/// The first 12 hexadecimal digits of the SHA-256 of `text`.
pub(crate) fn short_digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    let (first, _) = digest.split_first_chunk().expect("a SHA-256 has 32 bytes");
    format!("{:012x}", u64::from_be_bytes(*first) >> 16)
}

/// The epoch at which the fraction `at` of `epochs` is reached, to the nearest epoch.
fn fraction_of(at: f64, epochs: u64) -> u64 {
    (at * epochs as f64).round() as u64
}

/// The first epoch of an average that starts at the fraction `start`; rounded down, so that short runs have one too.
fn first_averaged_epoch(start: f64, epochs: u64) -> u64 {
    (start * epochs as f64).floor() as u64
}

/// Applies one `key.path=value`; a value that is not TOML is taken as a string.
fn set(table: &mut toml::Table, setting: &str) -> anyhow::Result<()> {
    let Some((path, text)) = setting.split_once('=') else {
        bail!("`--set {setting}` has no `=`; write `--set training.epochs=3`");
    };
    let value =
        toml::Value::from_str(text.trim()).unwrap_or_else(|_| toml::Value::String(text.trim().to_owned()));
    let mut keys: Vec<&str> = path.trim().split('.').collect();
    let last = keys.pop().filter(|key| !key.is_empty()).context("`--set` needs a key before the `=`")?;
    let mut table = table;
    for key in keys {
        let entry = table.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        table =
            entry.as_table_mut().with_context(|| format!("`{key}` in `--set {setting}` is not a table"))?;
    }
    table.insert(last.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(settings: &[&str]) -> anyhow::Result<RunConfig> {
        RunConfig::load(None, &settings.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_setting_reaches_its_key_and_changes_the_id() {
        let changed = load(&["training.epochs=3", "model.name=resnet-18"]).unwrap();
        assert_eq!((changed.training.epochs, changed.model.name.as_str()), (3, "resnet-18"));
        assert_ne!(changed.id(), RunConfig::default().id());
    }

    #[test]
    fn keys_that_are_at_rest_leave_the_id_alone() {
        let text = serde_json::to_string(&RunConfig::default().data).unwrap();
        assert_eq!(text, r#"{"dataset":"cifar10","augmentation":"crop-flip-cutout"}"#);
        assert_eq!(load(&["data.label_noise=0.0"]).unwrap().id(), RunConfig::default().id());
        assert_ne!(load(&["data.label_noise=0.2"]).unwrap().id(), RunConfig::default().id());
    }

    #[test]
    fn an_id_survives_the_way_through_toml() {
        let config = load(&["averages.ema={kind='ema', start=0.0, decay=0.99}", "seed=7"]).unwrap();
        let again = RunConfig::from_table(&toml::to_string(&config).unwrap().parse().unwrap()).unwrap();
        assert_eq!((again.id(), &again), (config.id(), &config));
    }

    #[test]
    fn unusable_settings_are_named() {
        for (setting, part) in [
            ("training.epoch=3", "unknown field `epoch`"),
            ("optimizer.rho=0.05", "optimizer.rho"),
            ("optimizer.method=sam", "needs `optimizer.rho`"),
            ("averages.tail.start=1.0", "no epoch is left"),
            ("averages.iterate={kind='tail', start=0.5}", "last iterate"),
            ("schedule={kind='constant', learning_rate=-1.0}", "schedule.learning_rate"),
            ("training", "has no `=`"),
            ("data.label_noise=1.5", "data.label_noise"),
            ("data.path=x", "need each other"),
            ("data.dataset=packed", "need each other"),
            ("data={dataset='packed', path='x'}", "needs images to evaluate"),
            ("data={validation_images=10, test_images=10}", "no test image is looked at"),
            ("data.num_classes=3", "belong to `data.dataset"),
        ] {
            let error = format!("{:#}", load(&[setting]).unwrap_err());
            assert!(error.contains(part), "{setting}: {error}");
        }
    }

    #[test]
    fn milestones_and_starts_are_rounded_to_epochs() {
        let config = load(&["training.epochs=12"]).unwrap();
        let Schedule::MultiStep { milestones, .. } = config.schedule() else { panic!("the default") };
        assert_eq!(milestones, [2, 5, 7]);
        assert_eq!(config.averages(391), [("tail".to_owned(), AverageConfig::Tail { start: 9 * 391 })]);
    }
}
