//! The objective as SGD sees it: smoothed by its own noise.

use crate::bisection::sign_change;
use crate::error::TheoryError;
use crate::landscape::{Landscape, Valley};
use crate::setting::positive;

/// Even number of intervals of the Simpson rule behind [`Smoothed::value`].
const NUM_INTERVALS: u32 = 128;

/// `F(v) = E f(v - step_size * noise)` for noise that is uniform on `[-r, r]`.
///
/// The half-width of the smoothing is `delta = step_size * r`. Between two gradients SGD is at `v = w - step_size * f'(w)`, and the
/// expectation of the next `v` is `v - step_size * F'(v)` exactly: averaged over its noise, SGD descends on F.
///
/// # Source
/// Nitanda et al. (2024), arXiv:2302.09376: the smoothed objective of the alternative iterate.
#[derive(Clone, Copy, Debug)]
pub struct Smoothed<'a, L> {
    landscape: &'a L,
    delta: f64,
}

impl<'a, L: Landscape> Smoothed<'a, L> {
    /// Smooths `landscape` by uniform noise of radius `noise_radius` that is scaled by `step_size`.
    ///
    /// # Errors
    /// [`TheoryError::InvalidSetting`] unless both are finite and positive.
    pub fn new(landscape: &'a L, step_size: f64, noise_radius: f64) -> Result<Self, TheoryError> {
        positive([("step_size", step_size), ("noise_radius", noise_radius)])?;
        Ok(Self { landscape, delta: step_size * noise_radius })
    }

    /// The half-width of the smoothing.
    pub fn delta(&self) -> f64 {
        self.delta
    }

    /// `F(v)`, by the Simpson rule.
    pub fn value(&self, v: f64) -> f64 {
        let width = 2.0 * self.delta / f64::from(NUM_INTERVALS);
        let sum: f64 = (0..=NUM_INTERVALS)
            .map(|i| {
                let weight = match i {
                    0 | NUM_INTERVALS => 1.0,
                    _ if i % 2 == 1 => 4.0,
                    _ => 2.0,
                };
                weight * self.landscape.value(v - self.delta + f64::from(i) * width)
            })
            .sum();
        sum / (3.0 * f64::from(NUM_INTERVALS))
    }

    /// `f(v + delta) - f(v - delta)`: `2 delta F'(v)`, and 0 at the minimiser of F.
    pub fn chord_rise(&self, v: f64) -> f64 {
        self.landscape.value(v + self.delta) - self.landscape.value(v - self.delta)
    }
}

impl<L: Valley> Smoothed<'_, L> {
    /// The minimiser `v*` of F: the midpoint of the horizontal chord of length `2 delta`.
    ///
    /// A horizontal chord has the minimiser `w*` of f between its ends, so `v*` lies within `delta` of `w*`; bisection from there,
    /// down to neighbouring floating-point numbers. What remains is the rounding of f over `delta`, some 1e-15 / delta.
    pub fn minimizer(&self) -> f64 {
        let center = self.landscape.minimizer();
        sign_change(center - self.delta, center + self.delta, |v| self.chord_rise(v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::AsymmetricValley;

    fn smoothed(step_size: f64) -> Smoothed<'static, AsymmetricValley> {
        Smoothed::new(&AsymmetricValley, step_size, 2.0).unwrap()
    }

    fn slope(smoothed: &Smoothed<AsymmetricValley>, v: f64) -> f64 {
        smoothed.chord_rise(v) / (2.0 * smoothed.delta())
    }

    #[test]
    fn the_minimizer_has_the_chord_property_and_the_known_values() {
        let known = [
            (0.01, -0.000_064),
            (0.02, -0.000_255),
            (0.05, -0.001_589),
            (0.1, -0.006_332),
            (0.2, -0.024_946),
        ];
        for (step_size, v_star) in known {
            let found = smoothed(step_size).minimizer();
            assert!((found - v_star).abs() < 6e-7, "step size {step_size}: {found}");
            assert!(smoothed(step_size).chord_rise(found).abs() <= 1e-9);
        }
    }

    #[test]
    fn the_minimizer_is_exact_to_1e_12() {
        for step_size in [0.0025, 0.01, 0.1, 0.2] {
            let smoothed = smoothed(step_size);
            let v_star = smoothed.minimizer();
            // An error of 1e-12 in v* would show as a slope of 1e-12 times the curvature of F, which is more than 2 here.
            assert!(
                smoothed.chord_rise(v_star - 1e-12) < 0.0 && smoothed.chord_rise(v_star + 1e-12) > 0.0,
                "{step_size}"
            );
        }
    }

    #[test]
    fn a_minimizer_in_closed_form_is_found() {
        /// `w^2` on the left, `4 w^2` on the right: the chord from -2a to a is horizontal.
        struct Kinked;
        impl Landscape for Kinked {
            fn value(&self, w: f64) -> f64 {
                if w < 0.0 { w * w } else { 4.0 * w * w }
            }
            fn slope(&self, w: f64) -> f64 {
                if w < 0.0 { 2.0 * w } else { 8.0 * w }
            }
        }
        impl Valley for Kinked {
            fn minimizer(&self) -> f64 {
                0.0
            }
        }
        let found = Smoothed::new(&Kinked, 0.1, 3.0).unwrap().minimizer();
        assert!((found + 0.1).abs() < 1e-14, "{found}");
    }

    #[test]
    fn the_slope_is_the_derivative_of_the_smoothed_value_and_the_mean_slope() {
        let smoothed = smoothed(0.2);
        for v in [-1.0, -0.1, 0.3, 1.2] {
            let h = 1e-4;
            let derivative = (smoothed.value(v + h) - smoothed.value(v - h)) / (2.0 * h);
            assert!((slope(&smoothed, v) - derivative).abs() < 1e-7);
            let num_points = 10_000;
            let mean = (0..num_points)
                .map(|i| (2.0 * (f64::from(i) + 0.5) / f64::from(num_points) - 1.0) * smoothed.delta())
                .map(|offset| AsymmetricValley.slope(v + offset))
                .sum::<f64>()
                / f64::from(num_points);
            assert!((slope(&smoothed, v) - mean).abs() < 1e-8);
        }
    }

    #[test]
    fn smoothing_adds_the_curvature_penalty() {
        let smoothed = smoothed(0.005);
        let h = 1e-4;
        for v in [-0.5, 0.0, 0.8] {
            let curvature = (AsymmetricValley.slope(v + h) - AsymmetricValley.slope(v - h)) / (2.0 * h);
            let penalty = smoothed.delta().powi(2) / 6.0 * curvature;
            assert!((smoothed.value(v) - AsymmetricValley.value(v) - penalty).abs() < 1e-3 * penalty);
        }
    }

    #[test]
    fn step_sizes_and_radii_that_are_not_positive_are_refused() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Smoothed::new(&AsymmetricValley, bad, 1.0).is_err());
            assert!(Smoothed::new(&AsymmetricValley, 1.0, bad).is_err());
        }
    }
}
