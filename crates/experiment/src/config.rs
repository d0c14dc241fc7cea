//! The configuration of one run: everything that changes its numbers, and nothing else.
//!
//! Paths, worker counts and the cadence of checkpoints are options of a command, not part of a configuration,
//! so that the same experiment has the same id wherever and however it runs. A key that is at its default is not written
//! if it is younger than the ids of runs that are to be found again.

mod averaging;
mod check;
pub mod custom;
mod data;
pub mod explain;
pub mod keys;
mod model;
pub mod model_name;
pub mod nearest;
mod optimizer;
pub mod parts;
mod schedule;
pub mod schema;
mod training;

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, bail};
use polder_optim::{AverageConfig, Schedule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::averaging::AveragingConfig;
use self::check::is_default;
pub use self::data::{AugmentationName, DataConfig, DatasetName};
use self::keys::Keys;
pub use self::model::{ModelConfig, Precision};
pub use self::nearest::with_nearest;
pub use self::optimizer::{Method, OptimizerConfig, ParameterSet};
pub use self::schedule::ScheduleConfig;
pub use self::training::{BnRefresh, EvaluationConfig, LearningRatePer, TrainingConfig};

/// One run, fully resolved: two equal values give equal records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(
    title = "A run of Polder",
    description = "What `polder train` reads: everything that changes the numbers of a run. Every key may be left out."
)]
pub struct RunConfig {
    /// Seeds initial weights, order and augmentation.
    #[schemars(example = 1)]
    pub seed: u64,
    pub data: DataConfig,
    pub model: ModelConfig,
    pub optimizer: OptimizerConfig,
    pub schedule: ScheduleConfig,
    pub training: TrainingConfig,
    /// Averages of the trajectory, by name; any number at once, under names of your own.
    pub averages: BTreeMap<String, AveragingConfig>,
    #[serde(skip_serializing_if = "is_default")]
    pub evaluation: EvaluationConfig,
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
            evaluation: EvaluationConfig::default(),
        }
    }
}

impl RunConfig {
    /// Reads `path` (defaults where it is silent, or everywhere without a path), applies `settings`
    /// (`key.path=value`, the value as in TOML or a bare word), and checks the result.
    pub fn load(path: Option<&Path>, settings: &[String]) -> anyhow::Result<Self> {
        let text = path.map(|path| {
            std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the configuration `{}`", path.display()))
        });
        let text = text.transpose()?.unwrap_or_default();
        let origin = path.map_or("the command line".to_owned(), |path| format!("`{}`", path.display()));
        Self::resolve(&text, settings)
            .with_context(|| format!("the configuration from {origin} is not usable"))
    }

    fn resolve(text: &str, settings: &[String]) -> anyhow::Result<Self> {
        // From the text itself, so that errors carry the line of the file.
        let config: Self = toml::from_str(text).map_err(with_nearest)?;
        if settings.is_empty() {
            config.validate()?;
            return Ok(config);
        }
        // Settings refine what the file and the defaults give, down to one key of a schedule or an average.
        let mut table = toml::Table::try_from(config)?;
        let keys = Keys::of_a_run();
        for setting in settings {
            let mut alone = toml::Table::new();
            set(&mut alone, setting)?;
            keys.check(&alone).with_context(|| format!("`--set {setting}`"))?;
            set(&mut table, setting)?;
        }
        keys.check(&table)?;
        Self::from_table(&table)
    }

    /// A run from a TOML table, checked.
    pub fn from_table(table: &toml::Table) -> anyhow::Result<Self> {
        let config: Self = table.clone().try_into().map_err(with_nearest)?;
        config.validate()?;
        Ok(config)
    }

    /// The first 12 hexadecimal digits of the SHA-256 of the canonical JSON of this configuration.
    pub fn id(&self) -> String {
        let canonical = serde_json::to_string(self).expect("a configuration is plain data");
        short_digest(&canonical)
    }

    /// The learning rate over epochs.
    pub fn schedule(&self) -> Schedule {
        self.schedule.over(self.training.epochs)
    }

    /// The averages with their starts turned into steps.
    pub fn averages(&self, steps_per_epoch: u64) -> Vec<(String, AverageConfig)> {
        let resolve = |average: &AveragingConfig| average.over(self.training.epochs, steps_per_epoch);
        self.averages.iter().map(|(name, average)| (name.clone(), resolve(average))).collect()
    }

    fn validate(&self) -> anyhow::Result<()> {
        self.training.validate()?;
        self.data.validate()?;
        self.model.validate()?;
        self.schedule.validate()?;
        self.optimizer.validate()?;
        self.averages.iter().try_for_each(|(name, average)| average.validate(name, self.training.epochs))
    }
}

/// The first 12 hexadecimal digits of the SHA-256 of `text`.
pub fn short_digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    let (first, _) = digest.split_first_chunk().expect("a SHA-256 has 32 bytes");
    format!("{:012x}", u64::from_be_bytes(*first) >> 16)
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

    /// Ids under which runs were stored before the younger keys existed.
    #[test]
    fn a_configuration_that_does_not_change_keeps_its_id() {
        let small = ["data.train_images=2000", "data.test_images=1000", "model.precision=bf16"];
        let large_steps = ["schedule.factor=0.8", "training.epochs=3"];
        let sam = ["optimizer.method=sam", "optimizer.rho=0.05", "training.epochs=3"];
        for (settings, id) in [
            (vec![], "10c663efec8f"),
            ([small, ["schedule.factor=0.8", "training.epochs=3", "seed=0"]].concat(), "3c6926a78d32"),
            ([small.as_slice(), &large_steps, &["training.evaluate_every=2"]].concat(), "61b45477ca45"),
            ([small.as_slice(), &sam].concat(), "6a952dac28e5"),
        ] {
            assert_eq!(load(&settings).unwrap().id(), id, "{settings:?}");
        }
    }

    #[test]
    fn keys_that_are_at_rest_leave_the_id_alone() {
        let text = serde_json::to_string(&RunConfig::default().data).unwrap();
        assert_eq!(text, r#"{"dataset":"cifar10","augmentation":"crop-flip-cutout"}"#);
        let sam = ["optimizer.method=sam", "optimizer.rho=0.1"];
        for at_rest in [
            "data.label_noise=0.0",
            "optimizer.decay_on=all",
            "optimizer.ascent=normalized",
            "optimizer.eta=0.01",
            "optimizer.micro_batches=1",
            "optimizer.ascend_every=1",
            "training.learning_rate_per=epoch",
            "evaluation={flips=false, bn_refresh='per-batch'}",
        ] {
            let with = load(&[sam[0], sam[1], at_rest]).unwrap();
            assert_eq!(with.id(), load(&sam).unwrap().id(), "{at_rest}");
        }
        for changed in ["data.label_noise=0.2", "optimizer.clip_norm=5.0", "evaluation.flips=true"] {
            assert_ne!(load(&[changed]).unwrap().id(), RunConfig::default().id(), "{changed}");
        }
    }

    #[test]
    fn an_id_survives_the_way_through_toml() {
        let everything = [
            "seed=7",
            "optimizer={method='sam', rho=0.5, ascent='adaptive', eta=0.1, adaptive_on='all', decay_on='no-bias-no-bn', \
             clip_norm=5.0, ascent_decay='inside', micro_batches=4, ascend_every=2, momentum=0.9, nesterov=true}",
            "schedule={kind='warm-up', factor=0.1, duration=0.1, then={kind='swa', start=0.5, duration=0.4, \
             learning_rate=0.05, before={kind='cosine', learning_rate=0.1, floor=0.0}}}",
            "training.learning_rate_per=step",
            "averages={ema={kind='ema', start=0.0, decay=0.99}, corrected={kind='corrected-ema', start=0.0, decay=0.9}, \
             swa={kind='swa', start=0.5}, window={kind='window', start=0.0, length=3}}",
            "evaluation={flips=true, bn_refresh='per-image'}",
        ];
        let config = load(&everything).unwrap();
        let again = RunConfig::from_table(&toml::to_string(&config).unwrap().parse().unwrap()).unwrap();
        assert_eq!((again.id(), &again), (config.id(), &config));
    }

    #[test]
    fn unusable_settings_are_named() {
        for (setting, part) in [
            ("training.epoch=3", "did you mean `training.epochs`"),
            ("trainng.epochs=3", "did you mean `training`"),
            ("optimizer.method=sma", "did you mean `sam`"),
            ("optimizer.rho=0.05", "optimizer.rho"),
            ("optimizer.method=sam", "needs `optimizer.rho`"),
            ("optimizer.method=gradient-penalty", "needs `optimizer.lambda`"),
            ("optimizer={method='euler-steps', euler_steps=0}", "needs `optimizer.euler_steps`"),
            ("optimizer.euler_steps=4", "belongs to `optimizer.method = \"euler-steps\"`"),
            ("optimizer={method='sam', rho=0.1, eta=0.5}", "belong to `optimizer.ascent"),
            ("optimizer={method='sam', rho=-0.1}", "rho is -0.1"),
            ("optimizer={method='sam', rho=0.1, micro_batches=0}", "optimizer.micro_batches"),
            ("optimizer.clip_norm=0.0", "clip_norm is 0"),
            ("optimizer.momentum=1.5", "momentum.coefficient is 1.5"),
            ("averages.tail.start=1.0", "no epoch is left"),
            ("averages.iterate={kind='tail', start=0.5}", "last iterate"),
            ("averages.iterate-refreshed={kind='tail', start=0.5}", "last iterate"),
            ("averages={'a b'={kind='tail', start=0.5}}", "letters, digits"),
            ("training.label_smoothing=1.0", "nothing is left of the label"),
            ("averages.w={kind='window', start=0.0, length=0}", "averages.w.length"),
            ("schedule={kind='constant', learning_rate=-1.0}", "schedule.learning_rate"),
            ("schedule.floor=0.1", "belongs to `schedule.kind = \"cosine\"`"),
            ("optimizer.dampening=1.5", "optimizer.dampening"),
            ("data.validation_images=0", "data.validation_images"),
            ("data={dataset='generated', num_classes=1}", "data.num_classes"),
            ("data={dataset='generated', image_size=3}", "data.image_size"),
            ("model.name=wnr-10-1", "nearest to it: wrn-10-1"),
            ("training.epochs='three'", "in `training.epochs`"),
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
