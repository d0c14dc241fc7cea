//! `[model]`: the network and its arithmetic.

use anyhow::Context;
use polder_architecture::Architecture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{custom, model_name};

/// The network and the arithmetic of its forward and backward passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// `resnet-<18, 34, 50, 101 or 152>`, `wrn-<depth>-<widening>`, `wrn-<depth>-<widening>-skipinit`, `wrn28-10-released`,
    /// `pyramidnet-<depth>-<alpha>` or `mlp-<inputs>-<width>x<hidden layers>`.
    #[schemars(example = "resnet-18")]
    pub name: String,
    pub precision: Precision,
}

/// The type that activations are computed in; weights are held in f32 either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision.
    F32,
    /// Half the bits; faster where the processor has units for it.
    Bf16,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self { name: "wrn-10-1".to_owned(), precision: Precision::F32 }
    }
}

impl ModelConfig {
    /// Whether the network has batch normalisation.
    pub fn has_bn(&self) -> bool {
        custom::network(&self.name).map_or_else(
            || self.name.parse::<Architecture>().is_ok_and(Architecture::has_bn),
            |network| network.has_bn,
        )
    }

    pub(super) fn validate(&self) -> anyhow::Result<()> {
        model_name::check(&self.name).context("`model.name`")
    }
}
