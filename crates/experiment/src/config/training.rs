//! `[training]` and `[evaluation]`: how long, in what portions, and how weights are judged.

use anyhow::ensure;
use polder_architecture::LabelSmoothing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{fraction, is_default};

/// How long, and in what portions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Passes over the training images.
    #[schemars(range(min = 1), example = 12)]
    pub epochs: u64,
    /// Images of a minibatch; at least 2, because BN needs a variance.
    #[schemars(range(min = 2), example = 128)]
    pub batch_size: usize,
    /// Iterate and averages are evaluated after every so many epochs, and after the last.
    #[schemars(range(min = 1), example = 2)]
    pub evaluate_every: u64,
    /// How often the learning rate follows the schedule.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if)]
    pub learning_rate_per: LearningRatePer,
    /// The share of a target's probability that is spread over the classes that `label_smoothing_over` names.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if, range(min = 0), extend("exclusiveMaximum" = 1), example = 0.1)]
    pub label_smoothing: f64,
    /// Over which classes it is spread.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if, extend("x-needs" = ["training.label_smoothing"]))]
    pub label_smoothing_over: SmoothedOver,
}

/// The two conventions that go by the name of label smoothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SmoothedOver {
    /// The labelled class has its part of the share as well: as in PyTorch.
    #[default]
    All,
    /// The labelled class has none of it: as in the code of Nitanda et al.
    Others,
}

/// The unit of time of a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LearningRatePer {
    /// Once, at the beginning of an epoch: as in the papers' code.
    #[default]
    Epoch,
    /// Smoothly, step by step.
    Step,
}

/// How weights are judged: none of it reaches the training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationConfig {
    /// The mean of the logits of an image and of its mirror image, in place of the image's.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if, example = true)]
    pub flips: bool,
    /// What has equal weight in the BN statistics of averaged weights, and of the last iterate where they are refreshed.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if)]
    pub bn_refresh: BnRefresh,
}

/// What has equal weight in a BN refresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BnRefresh {
    /// Every minibatch, the last and smaller one as well: as in the papers' code.
    #[default]
    PerBatch,
    /// Every image.
    PerImage,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 12,
            batch_size: 128,
            evaluate_every: 1,
            learning_rate_per: LearningRatePer::Epoch,
            label_smoothing: 0.0,
            label_smoothing_over: SmoothedOver::All,
        }
    }
}

impl TrainingConfig {
    /// The targets of the training loss.
    pub fn targets(&self) -> LabelSmoothing {
        match (self.label_smoothing, self.label_smoothing_over) {
            (0.0, _) => LabelSmoothing::None,
            (share, SmoothedOver::All) => LabelSmoothing::OverAllClasses(share),
            (share, SmoothedOver::Others) => LabelSmoothing::OverOtherClasses(share),
        }
    }

    pub(super) fn validate(&self) -> anyhow::Result<()> {
        ensure!(self.epochs > 0, "`training.epochs` is 0; expected at least 1");
        ensure!(self.batch_size > 1, "`training.batch_size` must be at least 2: BN needs a variance");
        ensure!(self.evaluate_every > 0, "`training.evaluate_every` is 0; expected at least 1");
        fraction("training.label_smoothing", self.label_smoothing)?;
        ensure!(self.label_smoothing < 1.0, "`training.label_smoothing` is 1: nothing is left of the label");
        ensure!(
            self.label_smoothing > 0.0 || self.label_smoothing_over == SmoothedOver::All,
            "`training.label_smoothing_over` needs `training.label_smoothing`, 0.1 say"
        );
        Ok(())
    }
}
