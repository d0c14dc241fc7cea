//! The largest rise of the loss at distance rho, by projected ascent along normalised gradients.

use serde::{Deserialize, Serialize};

use super::oracle::GradientOracle;
use super::probe::{ProbeLaw, Probes};
use crate::error::OptimError;
use crate::settings::{check_at_least_one, check_positive};
use crate::vector::RandomVector;

/// The settings of [`worst_case_rise`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AscentConfig {
    /// The radius of the ball, in units of the parameters; finite and above 0.
    pub rho: f64,
    /// The number of ascent steps, at least 1. The first is SAM's.
    pub num_steps: u64,
    /// The length of the steps after the first, as a share of rho, halved where it leads down; finite and above 0.
    pub step_size: f64,
    /// The seed of the direction that takes the place of a gradient of exactly zero.
    pub seed: u64,
}

impl Default for AscentConfig {
    /// Twenty steps of length rho within rho = 0.05.
    fn default() -> Self {
        Self { rho: 0.05, num_steps: 20, step_size: 1.0, seed: 0 }
    }
}

impl AscentConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`], naming the first setting that is out of range or not a number.
    pub fn validate(&self) -> Result<(), OptimError> {
        check_positive("rho", self.rho)?;
        check_at_least_one("num_steps", self.num_steps)?;
        check_positive("step_size", self.step_size)
    }
}

/// What [`worst_case_rise`] has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorstCaseSharpness {
    /// The loss at the centre.
    pub loss: f64,
    /// The rise at each point visited, in order, those of steps taken back included. The first is that of SAM's perturbed weights, which
    /// may be negative.
    pub rises: Vec<f64>,
}

impl WorstCaseSharpness {
    /// The largest rise seen, the centre's 0 included: a lower bound of the largest in the ball. NaN if any is.
    pub fn worst(&self) -> f64 {
        if self.rises.iter().any(|rise| rise.is_nan()) {
            return f64::NAN;
        }
        self.rises.iter().copied().fold(0.0, f64::max)
    }

    /// The rise at SAM's perturbed weights, `w + rho * g / |g|`.
    pub fn sam(&self) -> f64 {
        self.rises[0]
    }
}

/// Looks for the largest rise of the loss within distance rho of `centre`.
///
/// The first step goes from the centre to distance rho along the gradient, as SAM does. Each further step adds `step_size * rho` along
/// the normalised gradient at the best point reached, and returns to the ball along the radius. A step that does not rise is taken
/// back, and its length halved; one that does doubles it again, up to `step_size`. On a convex quadratic around its minimum, with
/// `step_size` 1, this is the power iteration on `1 + H / |Hu|`: it approaches the eigenvector of the largest eigenvalue, and the rise
/// approaches `rho^2 * lambda_max / 2`. On other losses it finds a lower bound.
///
/// A gradient of exactly zero at the centre has no direction: a random one, a function of the seed, takes its place. At a minimum
/// that is known only up to rounding the gradient is noise, which serves as well.
///
/// Non-finite losses are no error: the first one ends the ascent, with a non-finite rise. One gradient per step, and one loss.
///
/// # Memory
/// Five vectors.
///
/// # Errors
/// [`OptimError::InvalidSetting`] if [`AscentConfig::validate`] refuses the settings, and those of the oracle.
///
/// # Source
/// The objective of Foret et al. (2021), arXiv:2010.01412, Eq. (1), with p = 2; its first step is their Eq. (2).
pub fn worst_case_rise<V: RandomVector>(
    oracle: &mut impl GradientOracle<V>,
    centre: &V,
    config: AscentConfig,
) -> Result<WorstCaseSharpness, OptimError> {
    config.validate()?;
    let (mut offset, mut gradient) = (centre.zeros_like(), centre.zeros_like());
    let (mut trial, mut trial_gradient) = (centre.zeros_like(), centre.zeros_like());
    let mut point = centre.zeros_like();
    let loss = oracle.gradient(centre, &mut gradient)?;
    if gradient.norm() == 0.0 {
        Probes { law: ProbeLaw::Normal, seed: config.seed }.fill(0, &mut gradient);
    }
    // SAM's step has length rho and is taken whatever it brings.
    let (mut length, mut best) = (config.rho, f64::NEG_INFINITY);
    let longest = config.step_size * config.rho;
    let mut rises = Vec::new();
    for step in 1..=config.num_steps {
        trial.copy_from(&offset);
        let norm = gradient.norm();
        if norm > 0.0 {
            trial.axpy(length / norm, &gradient);
        }
        let distance = trial.norm();
        if distance > config.rho {
            trial.scale(config.rho / distance);
        }
        point.copy_from(centre);
        point.axpy(1.0, &trial);
        let reached = if step == config.num_steps {
            oracle.loss(&point)?
        } else {
            oracle.gradient(&point, &mut trial_gradient)?
        };
        let rise = reached - loss;
        rises.push(rise);
        if !rise.is_finite() {
            break;
        }
        if rise >= best {
            best = rise;
            std::mem::swap(&mut offset, &mut trial);
            std::mem::swap(&mut gradient, &mut trial_gradient);
            length = if step == 1 { longest } else { longest.min(2.0 * length) };
        } else {
            length *= 0.5;
        }
    }
    Ok(WorstCaseSharpness { loss, rises })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_rise_is_at_least_the_centres_and_not_a_number_if_any_is() {
        let worst = |rises: &[f64]| WorstCaseSharpness { loss: 1.0, rises: rises.to_vec() }.worst();
        assert_eq!(worst(&[-1.0, -2.0]), 0.0);
        assert_eq!(worst(&[1.0, 3.0, 2.0]), 3.0);
        assert_eq!(worst(&[1.0, f64::INFINITY]), f64::INFINITY);
        assert!(worst(&[f64::NAN, 3.0]).is_nan());
        assert!(worst(&[3.0, f64::NAN, 4.0]).is_nan());
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        let config = AscentConfig::default();
        for (bad, name) in [
            (AscentConfig { rho: 0.0, ..config }, "rho"),
            (AscentConfig { num_steps: 0, ..config }, "num_steps"),
            (AscentConfig { step_size: f64::NAN, ..config }, "step_size"),
        ] {
            let error = bad.validate().unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
