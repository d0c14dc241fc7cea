//! Toy-1: a smooth valley that is steeper on one side.

use super::{Landscape, Valley};
use crate::exponential::tanh;

/// Toy-1, a smooth asymmetric valley: `f(w) = w^2 / 2 + 4 (log cosh(w - 1) + w tanh 1)`.
///
/// Its minimiser is 0, where its curvature is 2.680 and growing: the valley is steeper on the right. The curvature is at most 5.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsymmetricValley;

const TANH_1: f64 = 0.761_594_155_955_764_9;

impl Landscape for AsymmetricValley {
    fn value(&self, w: f64) -> f64 {
        let x = (w - 1.0).abs();
        let log_cosh = x + (-2.0 * x).exp().ln_1p() - std::f64::consts::LN_2;
        0.5 * w * w + 4.0 * (log_cosh + TANH_1 * w)
    }

    /// `w + 4 (tanh(w - 1) + tanh 1)`, with an absolute error of the hyperbolic tangent of 4e-16, which is all that counts in a
    /// sum with `tanh 1`.
    #[inline]
    fn slope(&self, w: f64) -> f64 {
        w + 4.0 * (tanh(w - 1.0) + TANH_1)
    }
}

impl Valley for AsymmetricValley {
    fn minimizer(&self) -> f64 {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_valley_is_its_formula() {
        for w in [-30.0, -2.0, -0.3, 0.0, 0.5, 1.0, 3.0, 30.0_f64] {
            let value = 0.5 * w * w + 4.0 * ((w - 1.0).cosh().ln() + 1.0_f64.tanh() * w);
            let slope = w + 4.0 * ((w - 1.0).tanh() + 1.0_f64.tanh());
            assert!((AsymmetricValley.value(w) - value).abs() <= 1e-13 * value.abs().max(1.0));
            assert!((AsymmetricValley.slope(w) - slope).abs() <= 4e-15 * slope.abs().max(1.0));
        }
    }

    #[test]
    fn the_slope_is_the_derivative_of_the_value() {
        let h = 1e-5;
        for step in -40..=40 {
            let w = 0.1 * f64::from(step);
            let difference = (AsymmetricValley.value(w + h) - AsymmetricValley.value(w - h)) / (2.0 * h);
            assert!((AsymmetricValley.slope(w) - difference).abs() < 1e-8);
        }
    }

    #[test]
    fn the_valley_is_lowest_at_zero_with_curvature_2_680() {
        let h = 1e-6;
        let curvature = (AsymmetricValley.slope(h) - AsymmetricValley.slope(-h)) / (2.0 * h);
        assert!(AsymmetricValley.slope(AsymmetricValley.minimizer()).abs() < 1e-15);
        assert!((curvature - 2.680).abs() < 5e-4, "{curvature}");
    }
}
