//! `[model]`: the network and its arithmetic.

use serde::{Deserialize, Serialize};

/// The network and the arithmetic of its forward and backward passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ModelConfig {
    /// `resnet-18`, `wrn-<depth>-<widening>` and so on: what `polder_models::Architecture` knows.
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

impl Default for ModelConfig {
    fn default() -> Self {
        Self { name: "wrn-10-1".to_owned(), precision: Precision::F32 }
    }
}
