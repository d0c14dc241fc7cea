//! Lyapunov exponents of SGD on a stochastic quadratic: at which step sizes a single trajectory leaves the minimiser.

use std::f64::consts::TAU;

use statrs::function::factorial::ln_binomial;

use super::curvature_distribution::log_normal_parameters;
use super::{BatchSize, CurvatureDistribution};
use crate::bisection::threshold;
use crate::draws::Draws;
use polder_stats::Estimate;

/// The exponents of distributions without a closed form come from this many draws times the root of the batch size: their errors stay
/// well below a percent, and their time below a second.
const NUM_DRAWS: f64 = 400_000.0;
/// Points per side of the singularity in the integral over a normal distribution.
const NUM_POINTS: u32 = 4000;
/// Normal values beyond this many standard deviations are left out of integrals; their share is some 1e-23.
const TAIL: f64 = 10.0;
/// Relative width of the steps in which a threshold is looked for.
const SCAN: f64 = 1.03;

/// The Lyapunov exponent `E log|1 - C Q_k|` of one step of SGD, where `Q_k` is the mean curvature of a minibatch: distances to the
/// minimiser change by its exponential per step, almost surely and in the long run.
///
/// A function of the step size C. Exact for two-point distributions, for samples at batch size 1, for all components at once, and, by quadrature,
/// for lognormal distributions at batch size 1; from seeded draws otherwise, which are made once.
#[derive(Clone, Debug)]
pub(crate) struct LyapunovExponent<'a> {
    law: &'a CurvatureDistribution,
    batch_size: BatchSize,
    sampled: Option<SampledCurvature>,
}

impl<'a> LyapunovExponent<'a> {
    pub(crate) fn new(law: &'a CurvatureDistribution, batch_size: BatchSize, seed: u64) -> Self {
        let num_draws = NUM_DRAWS / batch_size.reciprocal().sqrt();
        let sampled = (!has_exact_exponent(law, batch_size))
            .then(|| SampledCurvature::new(law, batch_size, num_draws as usize, seed));
        Self { law, batch_size, sampled }
    }

    /// Whether no draws are involved.
    pub(crate) fn is_exact(&self) -> bool {
        self.sampled.is_none()
    }

    /// The exponent at `step_size`.
    pub(crate) fn at(&self, step_size: f64) -> f64 {
        match &self.sampled {
            Some(sampled) => sampled.exponent(step_size),
            None => exact_exponent(self.law, step_size, self.batch_size).unwrap_or(f64::NAN),
        }
    }

    /// The standard error of the exponent at `step_size`; 0 without draws.
    pub(crate) fn standard_error_at(&self, step_size: f64) -> f64 {
        self.sampled.as_ref().map_or(0.0, |sampled| sampled.exponent_error(step_size))
    }

    /// The almost-sure threshold C_as(k): the smallest step size at which the exponent is 0. At smaller step sizes a trajectory comes
    /// ever closer to the minimiser, between `C*(k)` and C_as(k) although its second moment grows.
    ///
    /// # Source
    /// Derived for this project; the second-moment threshold below it is [`CurvatureDistribution::mean_square_threshold`].
    pub(crate) fn threshold(&self) -> f64 {
        let from = self.law.mean_square_threshold(self.batch_size);
        if self.law.variance() * self.batch_size.reciprocal() == 0.0 {
            return from;
        }
        first_root(|c| self.at(c), from, if self.is_exact() { 1e-14 } else { 1e-7 })
    }
}

/// Whether the exponent needs no draws.
fn has_exact_exponent(law: &CurvatureDistribution, batch_size: BatchSize) -> bool {
    match (law, batch_size) {
        (_, BatchSize::All(_)) | (CurvatureDistribution::TwoPoint { .. }, _) => true,
        (_, BatchSize::Draws(k)) => k.get() == 1,
    }
}

fn exact_exponent(law: &CurvatureDistribution, step_size: f64, batch_size: BatchSize) -> Option<f64> {
    let log_factor = |q: f64| (1.0 - step_size * q).abs().ln();
    let BatchSize::Draws(k) = batch_size else { return Some(log_factor(law.mean())) };
    match law {
        CurvatureDistribution::TwoPoint { low, high } => Some(
            (0..=k.get())
                .map(|heads| {
                    let share = f64::from(heads) / f64::from(k.get());
                    let log_weight = ln_binomial(u64::from(k.get()), u64::from(heads))
                        - f64::from(k.get()) * std::f64::consts::LN_2;
                    log_weight.exp() * log_factor(low + share * (high - low))
                })
                .sum(),
        ),
        CurvatureDistribution::LogNormal { mean, variance } if k.get() == 1 => {
            Some(log_normal_exponent(*mean, *variance, step_size))
        }
        CurvatureDistribution::Sample { values } if k.get() == 1 => {
            Some(values.iter().map(|&q| log_factor(q)).sum::<f64>() / values.len() as f64)
        }
        _ => None,
    }
}

/// `E log|1 - C Q|` for one lognormal Q: the integral over the normal value z, on either side of the z at which the logarithm is
/// singular. With z at distance t^2 from there, what is left is continuous, and the midpoint rule does.
fn log_normal_exponent(mean: f64, variance: f64, step_size: f64) -> f64 {
    let (location, scale) = log_normal_parameters(mean, variance);
    let singular = (-step_size.ln() - location) / scale;
    let density = |z: f64| (-0.5 * z * z).exp() / TAU.sqrt();
    let side = |sign: f64| {
        let longest = (TAIL - sign * singular).max(0.0).sqrt();
        let width = longest / f64::from(NUM_POINTS);
        (0..NUM_POINTS)
            .map(|i| {
                let t = (f64::from(i) + 0.5) * width;
                // 1 - C Q = 1 - exp(scale (z - singular)), which is small where t is.
                let log_factor = (sign * scale * t * t).exp_m1().abs().ln();
                2.0 * t * width * density(singular + sign * t * t) * log_factor
            })
            .sum::<f64>()
    };
    side(1.0) + side(-1.0)
}

/// The first step size from `from` on, where the exponent is negative, at which it becomes positive, to a relative `tolerance`.
fn first_root(exponent: impl Fn(f64) -> f64, from: f64, tolerance: f64) -> f64 {
    let (mut low, mut high) = (from, from * SCAN);
    while exponent(high) <= 0.0 && high.is_finite() {
        (low, high) = (high, high * SCAN);
    }
    threshold(low, high, tolerance, |step_size| exponent(step_size) <= 0.0)
}

/// Draws of the mean curvature of a minibatch, from which both thresholds are estimated.
///
/// The thresholds are roots of means over the draws, so their standard errors are those of the means over the derivatives. Neither
/// comes from the sample mean of trajectories' squared distances, which says nothing about their expectation: that is carried by
/// trajectories too rare to be drawn.
#[derive(Clone, Debug)]
pub(crate) struct SampledCurvature {
    draws: Vec<f64>,
}

impl SampledCurvature {
    /// Draws `num_draws` components in all, and at least 1000 minibatches.
    pub(crate) fn new(
        law: &CurvatureDistribution,
        batch_size: BatchSize,
        num_draws: usize,
        seed: u64,
    ) -> Self {
        let purpose =
            crate::draws::Purpose { seed, experiment: "lyapunov", part: batch_size.key(), replicate: 0 };
        let mut draws = Draws::new(purpose);
        let num_minibatches = (num_draws as f64 * batch_size.reciprocal()).max(1000.0) as usize;
        Self { draws: (0..num_minibatches).map(|_| law.minibatch_mean(batch_size, &mut draws)).collect() }
    }

    fn exponent(&self, step_size: f64) -> f64 {
        self.log_factors(step_size).sum::<f64>() / self.draws.len() as f64
    }

    fn exponent_error(&self, step_size: f64) -> f64 {
        Estimate::of_mean(&self.log_factors(step_size).collect::<Vec<_>>()).standard_error
    }

    fn log_factors(&self, step_size: f64) -> impl Iterator<Item = f64> {
        self.draws.iter().map(move |q| (1.0 - step_size * q).abs().ln())
    }

    /// The root of `mean (1 - C q)^2 = 1`: the spectral radius of the sampled one-step map of the second moment.
    pub(crate) fn mean_square_threshold(&self) -> Estimate {
        let n = self.draws.len() as f64;
        let first = self.draws.iter().sum::<f64>() / n;
        let second = self.draws.iter().map(|q| q * q).sum::<f64>() / n;
        let root = 2.0 * first / second;
        let factors: Vec<f64> = self.draws.iter().map(|q| (1.0 - root * q).powi(2)).collect();
        // The derivative of the mean factor at the root is -2 first + 2 root second = 2 first.
        let standard_error = Estimate::of_mean(&factors).standard_error / (2.0 * first);
        Estimate::new(root, standard_error, self.draws.len())
    }

    /// The first root of the sampled exponent from `from` on, where it is negative.
    pub(crate) fn almost_sure_threshold(&self, from: f64) -> Estimate {
        let root = first_root(|c| self.exponent(c), from, 1e-7);
        // The expected derivative is smooth, but its sample mean has no variance, so it is taken over a wide difference.
        let width = 0.02 * root;
        let derivative = (self.exponent(root + width) - self.exponent(root - width)) / (2.0 * width);
        let standard_error = self.exponent_error(root) / derivative.abs();
        Estimate::new(root, standard_error, self.draws.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: BatchSize = BatchSize::Draws(std::num::NonZeroU32::MIN);

    fn several(k: u32) -> BatchSize {
        BatchSize::several(&[k])[0]
    }

    #[test]
    fn the_two_point_law_of_1_and_9_has_its_known_threshold() {
        let law = CurvatureDistribution::TwoPoint { low: 1.0, high: 9.0 };
        let threshold = LyapunovExponent::new(&law, ONE, 0).threshold();
        // (1 - C)(9 C - 1) = 1 has the root (5 - sqrt 7) / 9.
        assert!((threshold - (5.0 - 7.0_f64.sqrt()) / 9.0).abs() < 1e-13);
        assert!((threshold - 0.261_58).abs() < 5e-6);
        assert!((threshold / law.mean_square_threshold(ONE) - 1.0725).abs() < 5e-5);
    }

    #[test]
    fn heavy_tails_move_the_thresholds_apart_at_small_batches_only() {
        // Ratios at batch sizes 1 and 100; those at 100 by another program.
        for (variance, at_one, at_hundred) in [(1.0, 3.08, 1.022), (3.0, 7.115, 1.060)] {
            let law = CurvatureDistribution::LogNormal { mean: 1.0, variance };
            let ratio = |batch_size| {
                LyapunovExponent::new(&law, batch_size, 0).threshold() / law.mean_square_threshold(batch_size)
            };
            assert!((ratio(ONE) - at_one).abs() < 0.01, "{variance}: {}", ratio(ONE));
            let many = ratio(several(100));
            assert!((many - at_hundred).abs() < 0.008, "{variance}: {many}");
        }
    }

    #[test]
    fn exact_exponents_agree_with_draws() {
        let laws = [
            (CurvatureDistribution::TwoPoint { low: 1.0, high: 9.0 }, several(5)),
            (CurvatureDistribution::LogNormal { mean: 1.0, variance: 1.0 }, ONE),
            (CurvatureDistribution::Sample { values: vec![1.0, 2.0, 6.0] }, ONE),
        ];
        for (law, batch_size) in laws {
            let step_size = 1.1 * law.mean_square_threshold(batch_size);
            let sampled = SampledCurvature::new(&law, batch_size, 200_000, 3);
            let exact = LyapunovExponent::new(&law, batch_size, 0).at(step_size);
            let logs: Vec<f64> = sampled.draws.iter().map(|q| (1.0 - step_size * q).abs().ln()).collect();
            let mean = Estimate::of_mean(&logs);
            assert!((mean.value - exact).abs() < 4.0 * mean.standard_error, "{law:?}: {exact} {mean:?}");
        }
    }

    #[test]
    fn sampled_thresholds_are_within_their_errors_of_the_exact_ones() {
        let law = CurvatureDistribution::TwoPoint { low: 1.0, high: 9.0 };
        for batch_size in BatchSize::several(&[1, 2, 5, 10, 50]) {
            let sampled = SampledCurvature::new(&law, batch_size, 200_000, 5);
            let exact = law.mean_square_threshold(batch_size);
            let found = sampled.mean_square_threshold();
            assert!((found.value - exact).abs() < 4.0 * found.standard_error, "{batch_size}: {found:?}");
            assert!((found.value / exact - 1.0).abs() < 0.01, "{batch_size}: {found:?}");
            let exact = LyapunovExponent::new(&law, batch_size, 0).threshold();
            let found = sampled.almost_sure_threshold(law.mean_square_threshold(batch_size));
            assert!((found.value - exact).abs() < 4.0 * found.standard_error.max(1e-3 * exact), "{found:?}");
        }
    }
}
