//! Toy-1b: a valley whose curvature jumps at its minimum.

use serde::{Deserialize, Serialize};

use super::{Landscape, Valley};
use crate::error::TheoryError;
use crate::setting::positive;

/// Toy-1b: `f(w) = left w^2 / 2` for negative `w`, `f(w) = right w^2 / 2` for the others.
///
/// The Hessian of its smoothed objective changes over a distance of the smoothing itself, so that the constant of the paper's
/// approximation of the Hessian grows as one over the step size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KinkedValley {
    /// The curvature on the left, greater than 0.
    pub left: f64,
    /// The curvature on the right, greater than 0.
    pub right: f64,
}

impl Default for KinkedValley {
    fn default() -> Self {
        Self { left: 10.0, right: 0.5 }
    }
}

impl KinkedValley {
    /// The minimiser of the objective smoothed by uniform noise of half-width `delta`:
    /// `delta (sqrt left - sqrt right) / (sqrt left + sqrt right)`.
    ///
    /// At it both ends of the chord over `[v - delta, v + delta]` are equally high: `sqrt(left) (delta - v) = sqrt(right) (delta + v)`.
    pub fn smoothed_minimizer(&self, delta: f64) -> f64 {
        let (left, right) = (self.left.sqrt(), self.right.sqrt());
        delta * (left - right) / (left + right)
    }

    /// The objective smoothed by uniform noise of half-width `delta`, at `v`: the integral of f over `[v - delta, v + delta]`, which is
    /// a cubic on either side of 0, over `2 delta`.
    pub fn smoothed_value(&self, v: f64, delta: f64) -> f64 {
        let integral = |w: f64| w * w * self.slope(w) / 6.0;
        (integral(v + delta) - integral(v - delta)) / (2.0 * delta)
    }

    /// The mean of the iterates of SGD with step size `step_size` and gradient noise of variance `noise_variance`, to leading order in
    /// small steps: `sqrt(2 / pi) (s_right - s_left)` with `s = sqrt(step_size noise_variance / (2 curvature))`.
    ///
    /// # Source
    /// This project's own derivation. In the limit of small steps the iterates have the density
    /// `exp(-2 f(w) / (step_size noise_variance))`: half a normal law of standard deviation `s_left` on the left and of `s_right` on
    /// the right, with weights as their standard deviations.
    pub fn small_step_mean(&self, step_size: f64, noise_variance: f64) -> f64 {
        let deviation = |curvature: f64| (step_size * noise_variance / (2.0 * curvature)).sqrt();
        std::f64::consts::FRAC_2_PI.sqrt() * (deviation(self.right) - deviation(self.left))
    }

    pub(crate) fn validate(&self) -> Result<(), TheoryError> {
        positive([("valley.left", self.left), ("valley.right", self.right)])
    }
}

impl Landscape for KinkedValley {
    fn value(&self, w: f64) -> f64 {
        0.5 * w * self.slope(w)
    }

    #[inline]
    fn slope(&self, w: f64) -> f64 {
        if w < 0.0 { self.left * w } else { self.right * w }
    }
}

impl Valley for KinkedValley {
    fn minimizer(&self) -> f64 {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smoothing::Smoothed;

    #[test]
    fn the_closed_form_is_the_midpoint_of_the_level_chord() {
        let valley = KinkedValley::default();
        assert!((valley.smoothed_minimizer(0.1) - 0.063_45).abs() < 5e-6);
        for step_size in [0.01, 0.02, 0.05, 0.1] {
            let found = Smoothed::new(&valley, step_size, 1.0).unwrap().minimizer();
            assert!((found - valley.smoothed_minimizer(step_size)).abs() < 1e-13);
        }
    }

    #[test]
    fn the_closed_form_of_the_smoothed_value_is_the_mean_of_f() {
        let valley = KinkedValley::default();
        let smoothed = Smoothed::new(&valley, 0.1, 1.0).unwrap();
        for v in [-0.3, -0.05, 0.0, 0.06, 0.4] {
            let (closed, simpson) = (valley.smoothed_value(v, 0.1), smoothed.value(v));
            assert!((closed - simpson).abs() < 1e-7, "{v}: {closed} {simpson}");
        }
    }

    #[test]
    fn the_small_step_mean_is_that_of_its_density() {
        let valley = KinkedValley::default();
        let (step_size, noise_variance) = (0.01, 1.0 / 3.0);
        let (mut mass, mut moment) = (0.0, 0.0);
        for cell in -50_000..50_000 {
            let w = (f64::from(cell) + 0.5) * 1e-5;
            let density = (-2.0 * valley.value(w) / (step_size * noise_variance)).exp();
            mass += density;
            moment += w * density;
        }
        let found = valley.small_step_mean(step_size, noise_variance);
        assert!((found - moment / mass).abs() < 1e-7, "{found} {}", moment / mass);
    }
}
