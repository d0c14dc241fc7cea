//! Toy-2: a wide bowl with a deeper, sharp dip in its side.

use serde::{Deserialize, Serialize};
use statrs::function::erf::erf;

use super::Landscape;
use crate::bisection::sign_change;
use crate::error::TheoryError;
use crate::exponential::exp;
use crate::setting::positive;

/// Toy-2: `f(w) = curvature w^2 / 2 - depth exp(-(w - center)^2 / (2 width^2))`.
///
/// The default has its flat minimum at 0 and a deeper, sharp one near 2, where `f` is about -0.60 and the curvature about 44.4.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TwoBasins {
    /// The curvature of the bowl, greater than 0.
    pub curvature: f64,
    /// The depth of the dip, greater than 0.
    pub depth: f64,
    /// Where the dip is, greater than 0.
    pub center: f64,
    /// The standard deviation of the dip's shape, greater than 0.
    pub width: f64,
}

impl Default for TwoBasins {
    fn default() -> Self {
        Self { curvature: 0.2, depth: 1.0, center: 2.0, width: 0.15 }
    }
}

impl TwoBasins {
    /// The objective smoothed by uniform noise of half-width `delta`, in closed form with the normal distribution function P:
    /// `curvature (v^2 + delta^2 / 3) / 2 - depth width sqrt(2 pi) / (2 delta) (P(right) - P(left))`, where `right` and `left` are
    /// `(v - center +- delta) / width`.
    pub fn smoothed_value(&self, v: f64, delta: f64) -> f64 {
        let end = |sign: f64| erf((v - self.center + sign * delta) / (self.width * std::f64::consts::SQRT_2));
        let dip = self.depth * self.width * (std::f64::consts::TAU.sqrt() / (2.0 * delta));
        0.5 * self.curvature * (v * v + delta * delta / 3.0) - dip * 0.5 * (end(1.0) - end(-1.0))
    }

    /// `f''(w)`.
    pub fn second_derivative(&self, w: f64) -> f64 {
        let z = (w - self.center) / self.width;
        self.curvature + self.depth / (self.width * self.width) * (1.0 - z * z) * (-0.5 * z * z).exp()
    }

    /// The minimiser in the dip; `None` if the dip is too shallow to hold one.
    pub fn sharp_minimizer(&self) -> Option<f64> {
        // The dip pulls hardest at one width before its center: no minimum if even that is less than the bowl's slope there.
        let falling = self.center - self.width;
        (self.slope(falling) < 0.0).then(|| sign_change(falling, self.center, |w| self.slope(w)))
    }

    pub(crate) fn validate(&self) -> Result<(), TheoryError> {
        positive([
            ("landscape.curvature", self.curvature),
            ("landscape.depth", self.depth),
            ("landscape.center", self.center),
            ("landscape.width", self.width),
        ])
    }
}

impl Landscape for TwoBasins {
    fn value(&self, w: f64) -> f64 {
        let z = (w - self.center) / self.width;
        0.5 * self.curvature * w * w - self.depth * (-0.5 * z * z).exp()
    }

    #[inline]
    fn slope(&self, w: f64) -> f64 {
        let z = (w - self.center) / self.width;
        self.curvature * w + self.depth / self.width * z * exp(-0.5 * z * z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smoothing::Smoothed;

    #[test]
    fn the_dip_is_deeper_and_sharper_than_the_bowl() {
        let landscape = TwoBasins::default();
        let sharp = landscape.sharp_minimizer().unwrap();
        assert!(landscape.slope(sharp).abs() < 1e-12 && (sharp - 2.0).abs() < 0.02, "{sharp}");
        assert!((landscape.value(sharp) + 0.601_794).abs() < 1e-6);
        // Found by Newton's method in another program; at the dip's center the curvature is 44.64.
        assert!((sharp - 1.991_024_336).abs() < 1e-9);
        let curvature = landscape.second_derivative(sharp);
        assert!((curvature - 44.406_096).abs() < 1e-5, "{curvature}");
        assert!((landscape.second_derivative(2.0) - 44.644_444).abs() < 1e-5);
    }

    #[test]
    fn derivatives_belong_to_the_value() {
        let landscape = TwoBasins::default();
        let h = 1e-5;
        for step in -20..=40 {
            let w = 0.1 * f64::from(step);
            let slope = (landscape.value(w + h) - landscape.value(w - h)) / (2.0 * h);
            let second = (landscape.slope(w + h) - landscape.slope(w - h)) / (2.0 * h);
            assert!((landscape.slope(w) - slope).abs() < 1e-6);
            assert!((landscape.second_derivative(w) - second).abs() < 1e-6);
        }
    }

    #[test]
    fn the_closed_form_of_the_smoothed_value_is_the_mean_of_f() {
        let landscape = TwoBasins::default();
        for step_size in [0.01, 0.03, 0.1, 0.2] {
            let smoothed = Smoothed::new(&landscape, step_size, 10.0).unwrap();
            for v in [-3.0, 0.0, 1.2, 1.9, 2.0, 2.7] {
                let (closed, simpson) = (landscape.smoothed_value(v, smoothed.delta()), smoothed.value(v));
                assert!((closed - simpson).abs() < 2e-6, "{step_size} {v}: {closed} {simpson}");
            }
        }
    }

    #[test]
    fn a_shallow_dip_has_no_minimum() {
        assert_eq!(TwoBasins { depth: 0.01, ..TwoBasins::default() }.sharp_minimizer(), None);
    }
}
