//! The mean rise of the loss at distance rho, over random directions.

use polder_stats::{MeanEstimate, Moments};
use serde::{Deserialize, Serialize};

use super::oracle::LossOracle;
use super::probe::{ProbeLaw, Probes};
use super::stopping_rule::StoppingRule;
use crate::error::OptimError;
use crate::settings::check_positive;
use crate::vector::RandomVector;

/// The settings of [`AverageSharpness`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AverageSharpnessConfig {
    /// The distance, in units of the parameters; finite and above 0.
    pub rho: f64,
    /// The seed of the directions.
    pub seed: u64,
    /// When the mean is known well enough; a sample is a pair of opposite directions.
    pub stopping: StoppingRule,
}

impl Default for AverageSharpnessConfig {
    /// At rho = 0.05, with the default stopping rule.
    fn default() -> Self {
        Self { rho: 0.05, seed: 0, stopping: StoppingRule::default() }
    }
}

/// The mean rise of the loss over the sphere of radius rho around a point.
///
/// Directions are uniform on the sphere and come with their opposites: a sample is `(L(w + e) + L(w - e)) / 2 - L(w)`, two losses, in
/// which all odd orders cancel. On a quadratic it is `e . He / 2` wherever `w` is, and its mean is `rho^2 tr(H) / (2 P)`.
///
/// Non-finite losses are no error: they make the mean non-finite, which ends the sampling.
///
/// # Memory
/// Three vectors.
#[derive(Debug)]
pub struct AverageSharpness<V> {
    config: AverageSharpnessConfig,
    centre: V,
    direction: V,
    point: V,
    state: AverageSharpnessState,
}

/// What [`AverageSharpness`] has accumulated: all that is needed to continue bit for bit, with the same settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AverageSharpnessState {
    /// The loss at the centre, once known.
    pub loss: Option<f64>,
    /// The rises so far. The next direction's index is their count.
    pub rises: Moments,
}

impl<V: RandomVector> AverageSharpness<V> {
    /// A measurement around `centre` that has not begun.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if a setting is refused.
    pub fn new(centre: &V, config: AverageSharpnessConfig) -> Result<Self, OptimError> {
        check_positive("rho", config.rho)?;
        config.stopping.validate()?;
        let (direction, point) = (centre.zeros_like(), centre.zeros_like());
        let (centre, state) = (centre.copied(), AverageSharpnessState::default());
        Ok(Self { config, centre, direction, point, state })
    }

    /// Takes one more pair of directions.
    ///
    /// # Errors
    /// Those of the oracle. The pair is not accumulated then.
    pub fn step(&mut self, oracle: &mut impl LossOracle<V>) -> Result<(), OptimError> {
        let centre = match self.state.loss {
            Some(loss) => loss,
            None => *self.state.loss.insert(oracle.loss(&self.centre)?),
        };
        Probes { law: ProbeLaw::Normal, seed: self.config.seed }
            .fill(self.state.rises.count, &mut self.direction);
        let length = self.config.rho / self.direction.norm();
        let mut rise = 0.0;
        for length in [length, -length] {
            self.point.copy_from(&self.centre);
            self.point.axpy(length, &self.direction);
            rise += 0.5 * (oracle.loss(&self.point)? - centre);
        }
        self.state.rises.push(rise);
        Ok(())
    }

    /// Whether the stopping rule is content.
    pub fn is_finished(&self) -> bool {
        self.config.stopping.is_finished(&self.state.rises)
    }

    /// Takes pairs until the stopping rule is content, and returns the mean rise.
    ///
    /// # Errors
    /// Those of [`step`](Self::step). What was accumulated before is kept.
    pub fn run(&mut self, oracle: &mut impl LossOracle<V>) -> Result<MeanEstimate, OptimError> {
        while !self.is_finished() {
            self.step(oracle)?;
        }
        Ok(self.estimate())
    }

    /// The mean rise so far.
    pub fn estimate(&self) -> MeanEstimate {
        self.state.rises.estimate(self.config.stopping.confidence)
    }

    /// What must be stored to continue exactly.
    pub fn state(&self) -> AverageSharpnessState {
        self.state
    }

    /// Continues where `state` was taken.
    pub fn restore(&mut self, state: AverageSharpnessState) {
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_overflows_ends_the_sampling_with_its_value() {
        let mut oracle = |w: &f64| Ok(if *w > 1.0 { f64::INFINITY } else { 0.0 });
        let mut rise = AverageSharpness::new(&1.0, AverageSharpnessConfig::default()).unwrap();
        assert_eq!(rise.run(&mut oracle).unwrap().mean, f64::INFINITY);
        assert_eq!(rise.state().rises.count, 1);
    }

    #[test]
    fn in_one_dimension_every_pair_is_the_same() {
        let mut oracle = |w: &f64| Ok(3.0 * w * w + w);
        let config = AverageSharpnessConfig { rho: 0.5, ..AverageSharpnessConfig::default() };
        let estimate = AverageSharpness::new(&2.0, config).unwrap().run(&mut oracle).unwrap();
        assert_eq!((estimate.mean, estimate.num_samples), (0.75, 16));
    }
}
