//! What is asked of a network, down to every number that changes the answer: the key under which answers are kept.

use polder_optim::sharpness::{
    AscentConfig, AverageSharpnessConfig, HutchinsonConfig, LanczosConfig, SpectralDensityConfig,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Changes whenever the same question would be answered with other numbers.
const REVISION: u32 = 1;

/// One part of a measurement: what is done again as a whole or not at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasurementSpec {
    pub revision: u32,
    pub subset: Subset,
    /// Digests of the weights that it is about: one, the two ends of a line, the three corners of a plane.
    pub weights: Vec<String>,
    pub measure: Measure,
}

/// The images, from which the function that is measured is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subset {
    pub split: SplitName,
    pub images: usize,
    /// Training images from which BN's running statistics are recomputed.
    pub refresh_images: usize,
    /// Images in a minibatch, of the refresh as well.
    pub batch_size: usize,
}

/// Where the images come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum SplitName {
    /// As they are trained on, with wrong labels if the run has them, but without augmentation.
    Train,
    /// What the run is evaluated on.
    Test,
}

/// The units of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coordinates {
    /// The weights themselves.
    Raw,
    /// Every weight in units of the norm of its filter.
    ScaleInvariant,
}

/// What is measured, with all of its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "measure", rename_all = "kebab-case")]
pub enum Measure {
    /// Loss and error.
    Loss,
    /// The trace of the Hessian, raw and scale-invariant from the same probes.
    Trace {
        config: HutchinsonConfig,
    },
    Eigenvalues {
        coordinates: Coordinates,
        config: LanczosConfig,
    },
    Density {
        coordinates: Coordinates,
        config: SpectralDensityConfig,
    },
    /// The largest rise found within a ball.
    #[serde(rename = "worst-rise")]
    WorstCaseSharpness {
        coordinates: Coordinates,
        config: AscentConfig,
    },
    /// The mean rise over a sphere.
    #[serde(rename = "average-rise")]
    AverageSharpness {
        coordinates: Coordinates,
        config: AverageSharpnessConfig,
    },
    MSharpness {
        coordinates: Coordinates,
        rho: f64,
        micro_batch: usize,
    },
    /// Loss and error at these places, 0 and 1 being the ends.
    Line {
        places: Vec<f64>,
    },
    /// Loss and error on a square grid around three points that reaches beyond them by `margin` of what they span.
    Plane {
        points_per_side: usize,
        margin: f64,
    },
}

impl MeasurementSpec {
    pub fn new(subset: Subset, weights: Vec<String>, measure: Measure) -> Self {
        Self { revision: REVISION, subset, weights, measure }
    }

    /// 16 hexadecimal digits.
    pub fn key(&self) -> String {
        let text = serde_json::to_string(self).expect("a question is plain data");
        hexadecimal(&Sha256::digest(text.as_bytes())[..8])
    }
}

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_changes_the_key() {
        let subset = Subset { split: SplitName::Train, images: 100, refresh_images: 100, batch_size: 50 };
        let question = |subset, weights: &str, measure| {
            MeasurementSpec { revision: REVISION, subset, weights: vec![weights.to_owned()], measure }.key()
        };
        let trace = HutchinsonConfig::default();
        let eigenvalues =
            |coordinates| Measure::Eigenvalues { coordinates, config: LanczosConfig::default() };
        let keys = [
            question(subset, "a", Measure::Trace { config: trace }),
            question(subset, "b", Measure::Trace { config: trace }),
            question(subset, "a", Measure::Trace { config: HutchinsonConfig { seed: 1, ..trace } }),
            question(Subset { images: 99, ..subset }, "a", Measure::Trace { config: trace }),
            question(Subset { split: SplitName::Test, ..subset }, "a", Measure::Trace { config: trace }),
            question(subset, "a", eigenvalues(Coordinates::Raw)),
            question(subset, "a", eigenvalues(Coordinates::ScaleInvariant)),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        assert_eq!(keys[0], question(subset, "a", Measure::Trace { config: trace }));
        assert_eq!(keys[0].len(), 16);
    }
}
