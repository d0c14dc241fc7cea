//! Toy-1b: a valley whose curvature jumps at its minimum.

use serde::{Deserialize, Serialize};

use super::{Landscape, Valley};
use crate::error::TheoryError;

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

    pub(crate) fn validate(&self) -> Result<(), TheoryError> {
        for (setting, curvature) in [("valley.left", self.left), ("valley.right", self.right)] {
            if !(curvature.is_finite() && curvature > 0.0) {
                return Err(TheoryError::setting(setting, &curvature, "a finite number greater than 0"));
            }
        }
        Ok(())
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
}
